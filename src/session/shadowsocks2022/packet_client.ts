/**
 * The client's side of one UDP association of Shadowsocks 2022.
 *
 * A restarted server answers with another session id. Answers of two server
 * sessions are therefore accepted. A third one replaces the older of them once
 * that has been silent for so long that its packets cannot be replayed.
 *
 * Source: SIP022 §3.2, SIP023. Packets are not padded.
 *
 * @module
 */
import { equalBytes } from "../../bytes.ts";
import type { Packet } from "../../codec/packet.ts";
import { decodePacketBody, encodePacketBody } from "../../codec/packet_2022.ts";
import type { Psk } from "../../crypto/psk.ts";
import { SlidingWindow } from "../../security/sliding_window.ts";
import { ProtocolError } from "../../errors.ts";
import { MAX_SERVER_SESSIONS, SALT_POOL_MS } from "../../limits.ts";
import { beginPacket, PacketOpener, PacketSealer } from "./packet_key.ts";
import type { PacketClient } from "../packet_protocol.ts";
import type { SessionWorld } from "../family.ts";
import { replayedPacket } from "../replay.ts";
import { checkTimestamp, unixSeconds } from "./timestamp.ts";

/** A session of the server that has answered. */
interface ServerSession {
  readonly opener: PacketOpener;
  readonly window: SlidingWindow;
  /** The time of the last packet. */
  lastMs: number;
}

/** One session: packets in both directions. */
export class PacketClient2022 implements PacketClient {
  readonly #psk: Psk;
  readonly #world: SessionWorld;
  readonly #sealer: PacketSealer;
  /** The sessions of the server; the one that answered last is at the end. */
  #servers: readonly ServerSession[] = [];

  /**
   * Makes an association with a random session id.
   *
   * @param psk The key of the session.
   * @param identityKeys The keys of the servers before it, in order.
   */
  constructor(psk: Psk, identityKeys: readonly Psk[], world: SessionWorld) {
    this.#psk = psk;
    this.#world = world;
    this.#sealer = new PacketSealer(psk, world.randomBytes, identityKeys);
  }

  seal(packet: Packet): Uint8Array {
    return this.#sealer.seal(encodePacketBody({
      unixSeconds: unixSeconds(this.#world.clock),
      address: packet.address,
      payload: packet.payload,
    }));
  }

  open(bytes: Uint8Array): Packet {
    const begun = beginPacket(bytes, this.#psk);
    const { sessionId, packetId } = begun.head;
    const known = this.#servers.find(({ opener }) =>
      equalBytes(opener.sessionId, sessionId)
    );
    const server = known ?? this.#newServer(sessionId);
    try {
      const packet = this.#read(server.opener.open(bytes, begun));
      if (known === undefined) this.#makeRoom();
      if (!server.window.add(packetId)) throw replayedPacket();
      this.#keep(server);
      return packet;
    } catch (error) {
      if (known === undefined) server.opener.free();
      throw error;
    }
  }

  free(): void {
    this.#sealer.free();
    for (const { opener } of this.#servers) opener.free();
  }

  #newServer(sessionId: Uint8Array): ServerSession {
    return {
      opener: new PacketOpener(this.#psk, sessionId),
      window: new SlidingWindow(),
      lastMs: 0,
    };
  }

  #read(body: Uint8Array): Packet {
    const { unixSeconds, clientSessionId, address, payload } = decodePacketBody(
      body,
      "response",
    );
    checkTimestamp(unixSeconds, this.#world.clock);
    if (!equalBytes(clientSessionId!, this.#sealer.sessionId)) {
      throw new ProtocolError(
        "ERR_SS_SESSION_MISMATCH",
        "Cannot accept packet: it belongs to another session",
      );
    }
    return { address, payload };
  }

  #makeRoom(): void {
    if (this.#servers.length < MAX_SERVER_SESSIONS) return;
    const [oldest, ...others] = this.#servers;
    const quietMs = this.#world.clock.monotonicMs() - oldest!.lastMs;
    if (quietMs <= SALT_POOL_MS) {
      throw new ProtocolError(
        "ERR_SS_SESSION_MISMATCH",
        `Cannot accept packet: ${MAX_SERVER_SESSIONS} other sessions of the ` +
          "server are still active",
      );
    }
    oldest!.opener.free();
    this.#servers = others;
  }

  #keep(server: ServerSession): void {
    server.lastMs = this.#world.clock.monotonicMs();
    if (this.#servers.at(-1) === server) return;
    this.#servers = [...this.#servers.filter((one) => one !== server), server];
  }
}
