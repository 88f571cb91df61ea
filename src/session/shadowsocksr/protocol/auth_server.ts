/**
 * The protocols `auth_*` as a layer of the server.
 *
 * It answers the header, and every empty packet, with an empty packet, from
 * which clients learn the server's parameters.
 *
 * Security: it first authenticates the header, then checks the time stamp, then
 * the replay filter. It sends nothing before all three checks have passed.
 *
 * @module
 */
import type { Allocate } from "../../../buffer_pool.ts";
import type { Layer } from "../../layer.ts";
import type { Step } from "../../stream_protocol.ts";
import { concat, NOTHING } from "../../../bytes.ts";
import { ProtocolError } from "../../../errors.ts";
import { checkStamp } from "../stamp.ts";
import type { SsrServerWorld } from "../world.ts";
import type { AuthHeader, AuthServer } from "./auth_protocol.ts";
import { packAll, packEmpty, PacketStream } from "./packet_stream.ts";

/** The layer of one connection. */
export class AuthServerLayer implements Layer {
  readonly #server: AuthServer;
  readonly #world: SsrServerWorld;
  readonly #onAccept: (header: AuthHeader) => Promise<boolean> | undefined;
  /** An incomplete header; its codec limits it. */
  #received: Uint8Array = NOTHING;
  /** A reply that is sent with the next write. */
  #unsent: Uint8Array = NOTHING;
  #open: { header: AuthHeader; packets: PacketStream } | undefined;

  /**
   * Makes a layer that waits for a header.
   *
   * @param onAccept Called once with a valid header; an error refuses the
   * client. While its answer is pending, nothing is sent.
   */
  constructor(
    server: AuthServer,
    world: SsrServerWorld,
    onAccept: (header: AuthHeader) => Promise<boolean> | undefined,
  ) {
    this.#server = server;
    this.#world = world;
    this.#onAccept = onAccept;
  }

  wrap(payload: Uint8Array, allocate?: Allocate): Uint8Array {
    if (this.#open === undefined) {
      throw new TypeError("Cannot seal: the header is not complete yet");
    }
    const { writer } = this.#open.header;
    if (this.#unsent.length === 0) return packAll(writer, payload, allocate);
    const unsent = this.#unsent;
    this.#unsent = NOTHING;
    return concat(unsent, packAll(writer, payload));
  }

  unwrap(bytes: Uint8Array, allocate?: Allocate): Step {
    if (this.#open !== undefined) return this.#openPackets(bytes, allocate);
    this.#received = concat(this.#received, bytes);
    const header = this.#server.accept(this.#received);
    if (header === undefined) return { payload: NOTHING };
    const { clock, connections, clientHost } = this.#world;
    checkStamp(header.stamp, clock, connections);
    connections.add(header.id, clientHost());
    const question = this.#onAccept(header);
    const rest = this.#received.subarray(header.length);
    this.#received = NOTHING;
    const packets = new PacketStream(header.reader);
    this.#open = { header, packets };
    const more = packets.open(rest)?.payload ?? NOTHING;
    const payload = concat(header.data, more);
    const reply = packEmpty(header.writer);
    if (question === undefined) return { payload, reply };
    this.#unsent = reply;
    return { payload };
  }

  end(): void {
    if (this.#open !== undefined) return this.#open.packets.end();
    if (this.#received.length === 0) return;
    throw new ProtocolError(
      "ERR_SS_TRUNCATED",
      "Cannot open stream: it ended inside the header",
    );
  }

  #openPackets(bytes: Uint8Array, allocate?: Allocate): Step {
    const { header, packets } = this.#open!;
    const opened = packets.open(bytes, allocate);
    if (opened === undefined) return { payload: NOTHING };
    const { payload, hasEmpty } = opened;
    return hasEmpty
      ? { payload, reply: packEmpty(header.writer) }
      : { payload };
  }
}
