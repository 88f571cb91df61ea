/**
 * The server's side of all UDP associations of Shadowsocks 2022.
 *
 * An association is a session of a client, wherever its packets come from. It
 * is answered in a server session of its own. Users share the identity key and
 * could read each other's session ids, so a session is identified by its key
 * together with its id.
 *
 * Source: SIP022 §3.2, SIP023.
 *
 * @module
 */
import { concat, fromLatin1 } from "../../bytes.ts";
import type { Packet } from "../../codec/packet.ts";
import {
  decodePacketBody,
  encodePacketBody,
  openPacketIdentity,
  type PacketBody,
} from "../../codec/packet_2022.ts";
import type { Psk } from "../../crypto/psk.ts";
import {
  beginPacket,
  type BegunPacket,
  PacketOpener,
  PacketSealer,
} from "./packet_key.ts";
import type { UserTable } from "./users.ts";
import { PacketMemory } from "../../security/packet_memory.ts";
import { PastSessions } from "../../security/past_sessions.ts";
import { secondOfStart } from "../../security/replay_filter.ts";
import { SlidingWindow } from "../../security/sliding_window.ts";
import type { Endpoint } from "../../transport.ts";
import type { ClientPacket, PacketServer } from "../packet_protocol.ts";
import type { SessionWorld } from "../family.ts";
import { replayedPacket } from "../replay.ts";
import { checkTargetPort } from "../target_port.ts";
import { checkTimestamp, notRemembered, unixSeconds } from "./timestamp.ts";

/** The sender of a packet. */
interface Sender {
  readonly psk: Psk;
  readonly name?: string;
}

/** One session of a client, with the server session that answers it. */
interface Session {
  readonly opener: PacketOpener;
  readonly sealer: PacketSealer;
  readonly window: SlidingWindow;
  /**
   * The highest packet id that was received before the session was forgotten;
   * -1 for none.
   */
  readonly forgottenId: bigint;
  lastId: bigint;
  lastStampSeconds: number;
}

/** The sessions of one server. */
export class PacketServer2022 implements PacketServer {
  readonly #psk: Psk;
  readonly #users: UserTable;
  readonly #world: SessionWorld;
  readonly #sessions: PacketMemory<Session>;
  readonly #past = new PastSessions();
  /**
   * The start of the server on the monotonic clock; every packet since then was
   * recorded.
   */
  readonly #startMs: number;

  /**
   * Makes a server without sessions.
   *
   * @param psk The key of the sessions; with users, their identity key.
   * @param users The users, which may change, also from and to none.
   */
  constructor(psk: Psk, users: UserTable, world: SessionWorld) {
    this.#psk = psk;
    this.#users = users;
    this.#world = world;
    this.#sessions = new PacketMemory(
      world.clock,
      (name, session) => this.#past.add(name, session),
    );
    this.#startMs = world.clock.monotonicMs();
  }

  open(bytes: Uint8Array, { host }: Endpoint): ClientPacket {
    const begun = beginPacket(bytes, this.#psk);
    const { sessionId, packetId } = begun.head;
    const { psk, name } = this.#identify(bytes, begun);
    const association = fromLatin1(concat(psk.identityHash, sessionId));
    const session = this.#sessions.find(association) ??
      this.#newSession(psk, sessionId, this.#past.lastId(association));
    try {
      const body = session.opener.open(bytes, begun, this.#users.size ? 1 : 0);
      const { address, payload, unixSeconds } = this.#read(body, session);
      if (packetId <= session.forgottenId) throw replayedPacket();
      if (!session.window.add(packetId)) throw replayedPacket();
      if (packetId > session.lastId) session.lastId = packetId;
      if (unixSeconds > session.lastStampSeconds) {
        session.lastStampSeconds = unixSeconds;
      }
      this.#sessions.use(association, session, { host, user: name });
      return {
        association,
        address,
        payload,
        ...(name !== undefined && { user: name }),
      };
    } catch (error) {
      if (!this.#sessions.inUse(association)) free(session);
      throw error;
    }
  }

  seal(association: string, { address, payload }: Packet): Uint8Array {
    const session = this.#sessions.find(association);
    if (session === undefined) {
      throw new TypeError("Cannot seal: there is no such association");
    }
    return session.sealer.seal(encodePacketBody({
      unixSeconds: unixSeconds(this.#world.clock),
      clientSessionId: session.opener.sessionId,
      address,
      payload,
    }));
  }

  end(association: string): void {
    const session = this.#sessions.find(association);
    if (session !== undefined) free(session);
    this.#sessions.end(association);
  }

  #identify(bytes: Uint8Array, { head }: BegunPacket): Sender {
    if (!this.#users.size) return { psk: this.#psk };
    return this.#users.find(openPacketIdentity(bytes, this.#psk, head));
  }

  #newSession(
    psk: Psk,
    sessionId: Uint8Array,
    forgottenId: bigint,
  ): Session {
    const { randomBytes } = this.#world;
    return {
      opener: new PacketOpener(psk, sessionId),
      sealer: new PacketSealer(psk, randomBytes),
      window: new SlidingWindow(),
      forgottenId,
      lastId: forgottenId,
      lastStampSeconds: 0,
    };
  }

  /** Reads an authenticated body, and checks it. */
  #read(body: Uint8Array, { lastId }: Session): PacketBody {
    const packet = decodePacketBody(body, "request");
    const { clock } = this.#world;
    checkTimestamp(packet.unixSeconds, clock);
    // In a remembered session, packet ids show what is new.
    if (
      packet.unixSeconds < secondOfStart(clock, this.#startMs) ||
      lastId === -1n && packet.unixSeconds <= this.#past.forgottenSeconds
    ) throw notRemembered("packet");
    checkTargetPort(packet.address, "packet");
    return packet;
  }
}

function free({ opener, sealer }: Session): void {
  opener.free();
  sealer.free();
}
