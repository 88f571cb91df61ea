/**
 * A Shadowsocks stream to one target, for whoever looks at what it carries;
 * plain copying is the relay's.
 *
 * @module
 */
import { abortable } from "../../clock.ts";
import { type Address, formatAddress } from "../../codec/address.ts";
import type { ClientSession } from "../../session/stream_protocol.ts";
import { ByteReader } from "../../streams/byte_reader.ts";
import { ByteWriter } from "../../streams/byte_writer.ts";
import type { Flow } from "../../streams/relay.ts";
import type { Connection } from "../../transport.ts";

/** Told how many payload bytes passed. */
export interface PayloadCounter {
  /** Payload bytes towards the target. */
  bytesUp: number;
  /** Payload bytes from the target. */
  bytesDown: number;
}

/** Owns a connection to a server, with the session on it. */
export class OutboundStream {
  /** Target, as text; the same text is the same target. */
  readonly target: string;
  readonly #address: Address;
  readonly #server: Connection;
  readonly #session: ClientSession;
  readonly #count: PayloadCounter;
  readonly #reader: ByteReader;
  readonly #writer: ByteWriter;
  #requested = false;
  #watched = false;
  #stale = false;
  #closed = false;

  /**
   * @param address Target.
   * @param server Connected; ours from here on.
   * @param session Fresh; ours from here on.
   * @param count Kept up to date.
   */
  constructor(
    address: Address,
    server: Connection,
    session: ClientSession,
    count: PayloadCounter,
  ) {
    this.target = formatAddress(address);
    this.#address = address;
    this.#server = server;
    this.#session = session;
    this.#count = count;
    this.#reader = new ByteReader(server);
    this.#writer = new ByteWriter(server);
  }

  /** Whether the target spoke or hung up while it had nothing to answer. */
  get stale(): boolean {
    return this.#stale || this.#closed;
  }

  /** Sends payload; the first of it leaves in one segment with the address. */
  async write(payload: Uint8Array, signal: AbortSignal): Promise<void> {
    const sealed = this.#requested
      ? this.#session.seal(payload)
      : this.#session.request(this.#address, payload);
    this.#requested = true;
    this.#count.bytesUp += payload.length;
    if (sealed.length > 0) await abortable(this.#writer.write(sealed), signal);
  }

  /**
   * Payload of the target, at least one byte; `undefined` at its end.
   *
   * @throws {ProtocolError} When the server's stream is not one.
   */
  async read(signal: AbortSignal): Promise<Uint8Array | undefined> {
    this.#watched = false;
    for (;;) {
      const sealed = await this.#reader.read(signal);
      if (sealed === undefined) {
        this.#session.end();
        return undefined;
      }
      const payload = this.#session.open(sealed);
      this.#count.bytesDown += payload.length;
      if (payload.length > 0) return payload;
    }
  }

  /**
   * What is left of the stream, both ways, for a relay.
   *
   * @param client The application's ends.
   */
  flows(
    { reader, writer, recycle }: {
      readonly reader: ByteReader;
      readonly writer: ByteWriter;
      readonly recycle: NonNullable<Flow["recycle"]>;
    },
  ): [up: Flow, down: Flow] {
    return [{
      source: reader,
      sink: this.#writer,
      recycle,
      convert: (bytes, allocate) => this.#session.seal(bytes, allocate),
      count: (plain) => this.#count.bytesUp += plain,
    }, {
      source: this.#reader,
      sink: writer,
      recycle: (chunk) => this.#server.recycle?.(chunk),
      convert: (bytes, allocate) => this.#session.open(bytes, allocate),
      end: () => this.#session.end(),
      count: (_sealed, opened) => this.#count.bytesDown += opened,
    }];
  }

  /** Watches out, until the next read, for what makes the stream useless. */
  watch(): void {
    this.#watched = true;
    const notice = (): void => {
      if (this.#watched) this.#stale = true;
    };
    this.#reader.peek().then(notice, notice);
  }

  /** Ends both directions and gives the keys back. Idempotent. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#server.close();
    this.#session.free();
  }
}
