/**
 * Whether a Shadowsocks server relays UDP: a DNS question to a resolver.
 *
 * @module
 */
import { concat } from "../../bytes.ts";
import { Deadline } from "../../clock.ts";
import type { Address } from "../../codec/address.ts";
import { ProtocolError } from "../../errors.ts";
import { withDefaults } from "../../service/service.ts";
import {
  toUpstream,
  type UpstreamServer,
} from "../../service/outbound/upstream.ts";
import type { PacketClient } from "../../session/packet_protocol.ts";
import type { DatagramSocket } from "../../transport.ts";
import type { UdpReaction } from "./judge_server.ts";
import type { ProbeWorld } from "./probe_server.ts";

/** How often the question is asked; datagrams may be lost. */
const ATTEMPTS = 3;

/**
 * Asks a resolver through a server.
 *
 * @param server Its endpoint is an IP address, not a name.
 * @throws {TransportError} When there is no UDP socket to be had.
 */
export async function askOverUdp(
  server: UpstreamServer,
  resolver: Address,
  world: ProbeWorld,
): Promise<UdpReaction> {
  const { transport, clock, waitMs } = world;
  const { packets, endpoint } = toUpstream(server, withDefaults(world));
  const any = endpoint.host.includes(":") ? "::" : "0.0.0.0";
  const socket = await transport.bind({ host: any, port: 0 });
  const session = packets.client();
  const id = world.randomBytes(2);
  const startMs = clock.monotonicMs();
  try {
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      using deadline = new Deadline(
        clock,
        waitMs / ATTEMPTS,
        "ERR_NET_TIMEOUT",
      );
      const { signal } = deadline;
      const question = { address: resolver, payload: concat(id, ROOT_QUERY) };
      try {
        await socket.send(session.seal(question), endpoint, { signal });
        await receiveAnswer(socket, session, id, signal);
        return { kind: "answer", afterMs: clock.monotonicMs() - startMs };
      } catch (error) {
        if (!signal.aborted) throw error;
      }
    }
    return { kind: "silent" };
  } finally {
    socket.close();
    session.free();
  }
}

/** A query for the name servers of the root, after its id. RFC 1035 §4. */
const ROOT_QUERY = new Uint8Array([
  ...[1, 0, 0, 1, 0, 0, 0, 0, 0, 0], // recursion desired, one question
  ...[0, 0, 2, 0, 1], // the root, NS, IN
]);

/** Waits for the answer with this id; whatever else comes is not for us. */
async function receiveAnswer(
  socket: DatagramSocket,
  session: PacketClient,
  id: Uint8Array,
  signal: AbortSignal,
): Promise<void> {
  for (;;) {
    const datagram = await socket.receive({ signal });
    // The socket is ours, and closed later than this ends.
    const message = openAnswer(session, datagram!.payload);
    if (message?.[0] === id[0] && message?.[1] === id[1]) return;
  }
}

function openAnswer(
  session: PacketClient,
  bytes: Uint8Array,
): Uint8Array | undefined {
  try {
    return session.open(bytes).payload;
  } catch (error) {
    if (error instanceof ProtocolError) return undefined;
    throw error;
  }
}
