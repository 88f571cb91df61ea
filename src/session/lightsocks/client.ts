/**
 * The client of lightsocks for a local with its own inbounds: it uses SOCKS5
 * with the server, inside the table.
 *
 * The original server loses bytes that arrive together with the message before
 * them. Therefore each message waits for the answer to the previous one, which
 * takes two round trips before the first payload.
 *
 * @module
 */
import { concat, NOTHING } from "../../bytes.ts";
import {
  type Address,
  decodeAddress,
  encodeAddress,
} from "../../codec/address.ts";
import { REP, SOCKS5_COMMAND, SOCKS5_METHOD } from "../../codec/socks5.ts";
import { ProtocolError } from "../../errors.ts";
import { errorOfRep } from "../../codec/socks5_outcome.ts";
import { MAX_HELD_BYTES } from "../../limits.ts";
import type { ClientSession, Step } from "../stream_protocol.ts";
import type { ByteTable } from "./byte_table.ts";

/** One connection to a server. */
export class LightsocksClient implements ClientSession {
  readonly #table: ByteTable;
  #state: "greeting" | "request" | "open" = "greeting";
  #request: Uint8Array = NOTHING;
  /** Payload that waits for the end of the handshake. */
  #held: Uint8Array = NOTHING;
  /**
   * Bytes received: at most one incomplete message of 262 bytes, and one read.
   */
  #received: Uint8Array = NOTHING;

  /** Makes a session that has sent nothing. */
  constructor(table: ByteTable) {
    this.#table = table;
  }

  /** See {@link ClientSession.isWaiting}. */
  get isWaiting(): boolean {
    return this.#state !== "open";
  }

  /**
   * Returns the first bytes of the stream. The request and the payload follow
   * as replies of `open()`.
   */
  request(address: Address, payload: Uint8Array): Uint8Array {
    this.#request = concat(
      Uint8Array.of(0x05, SOCKS5_COMMAND.connect, 0x00),
      encodeAddress(address),
    );
    this.#hold(payload);
    return this.#table.encode(Uint8Array.of(0x05, 1, SOCKS5_METHOD.none));
  }

  /**
   * Encodes payload for the server; empty while the handshake holds it back.
   */
  seal(payload: Uint8Array): Uint8Array {
    if (this.#state === "open") return this.#table.encode(payload);
    this.#hold(payload);
    return NOTHING;
  }

  /**
   * Decodes bytes of the server, split anywhere.
   *
   * @throws {ProtocolError} `ERR_SOCKS_…` if the server has another table.
   * @throws {TransportError} `ERR_NET_…` if the server reports that the target
   * cannot be reached.
   * @throws {PolicyError} `ERR_POLICY_TARGET` if the server refuses the target.
   */
  open(bytes: Uint8Array): Step {
    const plain = this.#table.decode(bytes);
    if (this.#state === "open") return { payload: plain };
    this.#received = concat(this.#received, plain);
    return this.#state === "greeting" ? this.#select() : this.#begin();
  }

  /** @throws {ProtocolError} `ERR_SOCKS_TRUNCATED` before the reply. */
  end(): void {
    if (this.#state === "open") return;
    throw new ProtocolError(
      "ERR_SOCKS_TRUNCATED",
      "Server closed before it answered: it could not reach the target, or " +
        "has another password",
    );
  }

  free(): void {
    // No key of a provider is held.
  }

  #hold(payload: Uint8Array): void {
    if (this.#held.length + payload.length > MAX_HELD_BYTES) {
      throw new RangeError("Cannot seal: too much payload is held back");
    }
    this.#held = concat(this.#held, payload);
  }

  #select(): Step {
    if (this.#received.length < 2) return { payload: NOTHING };
    const [version, method] = this.#received;
    checkVersion(version!);
    if (method !== SOCKS5_METHOD.none) {
      throw new ProtocolError(
        "ERR_SOCKS_NO_METHOD",
        `Server selected SOCKS method ${method}, expected 0`,
      );
    }
    this.#received = this.#received.subarray(2);
    this.#state = "request";
    return { payload: NOTHING, reply: this.#table.encode(this.#request) };
  }

  #begin(): Step {
    const received = this.#received;
    if (received.length > 0) checkVersion(received[0]!);
    if (received.length < 4) return { payload: NOTHING };
    if (received[1] !== REP.succeeded) throw errorOfRep(received[1]!);
    const decoded = decodeAddress(received.subarray(3));
    if (decoded === undefined) return { payload: NOTHING };
    const held = this.#held;
    this.#state = "open";
    this.#held = this.#received = NOTHING;
    return {
      payload: received.subarray(3 + decoded.length),
      ...(held.length > 0 && { reply: this.#table.encode(held) }),
    };
  }
}

function checkVersion(version: number): void {
  if (version === 0x05) return;
  throw new ProtocolError(
    "ERR_SOCKS_VERSION",
    "Server does not answer with SOCKS5: it has another password",
  );
}
