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
import { concat } from "../../bytes.ts";
import {
  decodeGreeting,
  decodeRequest,
  encodeReply,
  encodeSelection,
  type Rep,
  SOCKS5_COMMAND,
  SOCKS5_METHOD,
} from "../../codec/socks5.ts";
import type { Address } from "../../codec/address.ts";
import { ProtocolError } from "../../errors.ts";
import type { StreamRequest } from "../stream_protocol.ts";
import { checkTargetPort } from "../target_port.ts";
import type { ByteTable } from "./byte_table.ts";

/** What the server does next. */
export interface LightsocksStep {
  /** The request, once it is there: answer it. */
  readonly request?: StreamRequest;
  /** For the client, at once and in one write. */
  readonly reply?: Uint8Array;
}

/** One connection of a client. */
export class LightsocksServer {
  readonly #table: ByteTable;
  #isGreeted = false;
  #isDone = false;
  /** At most one incomplete message of 262 bytes, and one read. */
  #received: Uint8Array = new Uint8Array(0);

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
  accept(bytes: Uint8Array): LightsocksStep {
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
   * @param bound Our end of the connection to the target.
   */
  answer(rep: Rep, bound?: Address): Uint8Array {
    return this.#table.encode(encodeReply(rep, bound));
  }

  /** Payload for the client. */
  seal(payload: Uint8Array): Uint8Array {
    return this.#table.encode(payload);
  }

  /** Payload of the client. */
  open(bytes: Uint8Array): Uint8Array {
    return this.#table.decode(bytes);
  }

  /** @throws {ProtocolError} `ERR_SOCKS_TRUNCATED` before the request. */
  end(): void {
    if (this.#isDone) return;
    throw new ProtocolError(
      "ERR_SOCKS_TRUNCATED",
      "Client ended before its SOCKS request was whole",
    );
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
    this.#received = new Uint8Array(0);
    this.#isDone = true;
    return { address, payload };
  }
}
