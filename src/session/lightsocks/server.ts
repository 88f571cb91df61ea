/**
 * The end of a lightsocks server: SOCKS5 inside the table.
 *
 * ```text
 * 05 | n | methods n ──▶ 05 | 00        05 | 01 | 00 | address ──▶ reply
 * ```
 *
 * The originals ask for no method in particular, so neither do we. Messages
 * may come split or joined; each of ours leaves in one write, as the originals
 * expect it.
 *
 * Security: nothing is authenticated: of random probes one of 256 is answered,
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
   * The bytes received: at most one incomplete message of 262 bytes, and one
   * read.
   */
  #received: Uint8Array = NOTHING;

  /** Waits for a greeting. */
  constructor(table: ByteTable) {
    this.#table = table;
  }

  /**
   * Takes the beginning of the stream, split anywhere.
   *
   * @throws {ProtocolError} `ERR_SOCKS_…`, `ERR_SS_ADDRESS_INVALID`: the peer
   * has another table, or is none of ours.
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
   * What became of the request: to be sent before any payload.
   *
   * @param code Why the target was not reached; not set: it was.
   */
  answer(code?: ErrorCode): Uint8Array {
    const rep = code === undefined ? REP.succeeded : repOf(code);
    return this.#table.encode(encodeReply(rep));
  }

  /** Payload for the client. */
  seal(payload: Uint8Array): Uint8Array {
    return this.#table.encode(payload);
  }

  /** Payload of the client. */
  open(bytes: Uint8Array): Step {
    return { payload: this.#table.decode(bytes) };
  }

  /** @throws {ProtocolError} `ERR_SOCKS_TRUNCATED` before the request. */
  end(): void {
    if (this.#isDone) return;
    throw new ProtocolError(
      "ERR_SOCKS_TRUNCATED",
      "Client ended before its SOCKS request was whole",
    );
  }

  free(): void {
    // It holds nothing of a provider's.
  }

  #takeRequest(): StreamRequest | undefined {
    const decoded = decodeRequest(this.#received);
    if (decoded === undefined) return undefined;
    const { command, address } = decoded.message;
    if (command !== SOCKS5_COMMAND.connect) {
      throw new ProtocolError(
        "ERR_SOCKS_COMMAND",
        `Cannot serve SOCKS command ${command}: lightsocks has CONNECT only`,
      );
    }
    checkTargetPort(address, "request");
    const payload = this.#received.subarray(decoded.length);
    this.#received = NOTHING;
    this.#isDone = true;
    return { address, payload };
  }
}
