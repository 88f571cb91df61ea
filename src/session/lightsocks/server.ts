/**
 * The server of lightsocks: SOCKS5 inside the table.
 *
 * ```text
 * 05 | n | methods n ──▶ 05 | 00        05 | 01 | 00 | address ──▶ reply
 * ```
 *
 * Any offered method is accepted, as the original programs do. Messages may
 * arrive split or joined. Each reply is sent in one write, as the original
 * clients expect.
 *
 * Security: nothing is authenticated. One of 256 random probes is answered, and
 * a recording is served again.
 *
 * @module
 */
import { concat, NOTHING } from "../../bytes.ts";
import {
  decodeGreeting,
  decodeRequest,
  encodeReply,
  encodeSelection,
  REP,
  SOCKS5_COMMAND,
  SOCKS5_METHOD,
} from "../../codec/socks5.ts";
import { repOf } from "../../codec/socks5_outcome.ts";
import { type ErrorCode, ProtocolError } from "../../errors.ts";
import type {
  AcceptStep,
  ServerSession,
  Step,
  StreamRequest,
} from "../stream_protocol.ts";
import { checkTargetPort } from "../target_port.ts";
import type { ByteTable } from "./byte_table.ts";

/** One connection of a client. */
export class LightsocksServer implements ServerSession {
  readonly #table: ByteTable;
  #isGreeted = false;
  #isDone = false;
  /**
   * Bytes received: at most one incomplete message of 262 bytes, and one read.
   */
  #received: Uint8Array = NOTHING;

  /** Makes a session that waits for a greeting. */
  constructor(table: ByteTable) {
    this.#table = table;
  }

  /**
   * Decodes the start of the stream, split anywhere.
   *
   * @throws {ProtocolError} `ERR_SOCKS_…` or `ERR_SS_ADDRESS_INVALID` if the
   * peer has another table, or is no client of this server.
   */
  accept(bytes: Uint8Array): AcceptStep {
    this.#received = concat(this.#received, this.#table.decode(bytes));
    let reply: Uint8Array | undefined;
    if (!this.#isGreeted) {
      const greeting = decodeGreeting(this.#received);
      if (greeting === undefined) return {};
      this.#received = this.#received.subarray(greeting.length);
      this.#isGreeted = true;
      reply = this.#table.encode(encodeSelection(SOCKS5_METHOD.none));
    }
    const request = this.#takeRequest();
    return { ...(request && { request }), ...(reply && { reply }) };
  }

  /**
   * Returns the answer to the request, which must be sent before any payload.
   *
   * @param code Why the target was not reached; not set if it was.
   */
  answer(code?: ErrorCode): Uint8Array {
    const rep = code === undefined ? REP.succeeded : repOf(code);
    return this.#table.encode(encodeReply(rep));
  }

  /** Encodes payload for the client. */
  seal(payload: Uint8Array): Uint8Array {
    return this.#table.encode(payload);
  }

  /** Decodes payload of the client. */
  open(bytes: Uint8Array): Step {
    return { payload: this.#table.decode(bytes) };
  }

  /** @throws {ProtocolError} `ERR_SOCKS_TRUNCATED` before the request. */
  end(): void {
    if (this.#isDone) return;
    throw new ProtocolError(
      "ERR_SOCKS_TRUNCATED",
      "Client closed before its SOCKS request was complete",
    );
  }

  free(): void {
    // No key of a provider is held.
  }

  #takeRequest(): StreamRequest | undefined {
    const decoded = decodeRequest(this.#received);
    if (decoded === undefined) return undefined;
    const { command, address } = decoded.message;
    if (command !== SOCKS5_COMMAND.connect) {
      throw new ProtocolError(
        "ERR_SOCKS_COMMAND",
        `Cannot serve SOCKS command ${command}: lightsocks has only CONNECT`,
      );
    }
    checkTargetPort(address, "request");
    const payload = this.#received.subarray(decoded.length);
    this.#received = NOTHING;
    this.#isDone = true;
    return { address, payload };
  }
}
