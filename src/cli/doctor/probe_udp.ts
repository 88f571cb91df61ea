/**
 * Checks if a Shadowsocks server relays UDP, by a DNS query to a resolver.
 *
 * @module
 */
import type { StopSignal } from "../../on_abort.ts";
import { concat } from "../../bytes.ts";
import { Deadline } from "../../clock.ts";
import type { Address } from "../../codec/address.ts";
import { ProtocolError } from "../../errors.ts";
import { withDefaults } from "../../service/service.ts";
import type { PacketChannel } from "../../service/outbound/outbound.ts";
import {
  Shadowsocks,
  type UpstreamServer,
} from "../../service/outbound/shadowsocks.ts";
import type { Datagram, DatagramSocket } from "../../transport.ts";
import type { UdpReaction } from "./judge_server.ts";
import type { ProbeWorld } from "./probe_server.ts";

/** Number of attempts, since datagrams may be lost. */
const ATTEMPTS = 3;

/**
 * Sends a query to a resolver through a server.
 *
 * @param server Its endpoint is an IP address, not a name.
 * @throws {TransportError} When no UDP socket can be opened.
 */
export async function askOverUdp(
  server: UpstreamServer,
  resolver: Address,
  world: ProbeWorld,
): Promise<UdpReaction> {
  const { transport, clock, waitMs } = world;
  const { endpoint } = server;
  const any = endpoint.host.includes(":") ? "::" : "0.0.0.0";
  const channel = new Shadowsocks(server, waitMs, withDefaults(world))
    .packets();
  const id = world.randomBytes(2);
  const startMs = clock.monotonicMs();
  let socket: DatagramSocket | undefined;
  try {
    socket = await (channel.bind?.() ??
      transport.bind({ host: any, port: 0 }));
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      using deadline = new Deadline(clock, { delayMs: waitMs / ATTEMPTS });
      const { signal } = deadline;
      const question = { address: resolver, payload: concat(id, ROOT_QUERY) };
      try {
        const { bytes, to } = channel.seal(question);
        await socket.send(bytes, to, { signal });
        await receiveAnswer(socket, channel, id, signal);
        return { kind: "answer", afterMs: clock.monotonicMs() - startMs };
      } catch (error) {
        if (!signal.aborted) throw error;
      }
    }
    return { kind: "silent" };
  } finally {
    socket?.close();
    channel.free();
  }
}

/** A query for the name servers of the root, without its id. RFC 1035 §4. */
const ROOT_QUERY = new Uint8Array([
  ...[1, 0, 0, 1, 0, 0, 0, 0, 0, 0], // recursion desired, one question
  ...[0, 0, 2, 0, 1], // the root, NS, IN
]);

/** Waits for the answer with this id and ignores all other datagrams. */
async function receiveAnswer(
  socket: DatagramSocket,
  channel: PacketChannel,
  id: Uint8Array,
  signal: StopSignal,
): Promise<void> {
  for (;;) {
    const datagram = await socket.receive({ signal });
    // The datagram is defined, since the socket is closed only after this
    // function ends.
    const message = openAnswer(channel, datagram!);
    if (message?.[0] === id[0] && message?.[1] === id[1]) return;
  }
}

function openAnswer(
  channel: PacketChannel,
  datagram: Datagram,
): Uint8Array | undefined {
  try {
    return channel.open(datagram).payload;
  } catch (error) {
    if (error instanceof ProtocolError) return undefined;
    throw error;
  }
}
