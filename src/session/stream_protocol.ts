/**
 * The interface of both ends of a Shadowsocks stream, without I/O, for every
 * family of methods.
 *
 * @module
 */
import type { Allocate } from "../buffer_pool.ts";
import type { Address } from "../codec/address.ts";
import type { ErrorCode } from "../errors.ts";

/** The result of opening bytes of the peer. */
export interface Step {
  /** The complete payload; empty if more bytes are needed. */
  readonly payload: Uint8Array;
  /** Bytes that must be sent to the peer now, unchanged. */
  readonly reply?: Uint8Array;
}

/** What both ends can do with an open stream. */
export interface StreamSession {
  /**
   * Bytes to send before anything is read or sealed. Most protocols have none,
   * because a server that speaks first can be recognised.
   */
  readonly greeting?: Uint8Array;
  /**
   * The peer's clock when it answered, in seconds since 1970; not set before
   * the answer, or if the protocol does not contain it.
   */
  readonly peerUnixSeconds?: number | undefined;
  /**
   * True while sealed bytes wait for an answer of the peer, after which they
   * are sent as a reply. Meanwhile, do not seal and do not end the stream.
   * Default: false.
   */
  readonly isWaiting?: boolean;
  /**
   * Encrypts payload for the peer.
   *
   * @param allocate Allocates the result; default: new memory.
   * @returns Bytes that the caller owns; empty for empty payload.
   */
  seal(payload: Uint8Array, allocate?: Allocate): Uint8Array;
  /**
   * Decrypts bytes of the peer, split anywhere.
   *
   * @param allocate Allocates the result; default: new memory.
   * @returns Payload that the caller owns.
   * @throws {ProtocolError} If the stream is invalid; the session cannot be
   * used any more then.
   */
  open(bytes: Uint8Array, allocate?: Allocate): Step;
  /**
   * Reports the end of the peer's stream.
   *
   * @throws {ProtocolError} `ERR_SS_TRUNCATED` if it ends inside a unit.
   */
  end(): void;
  /** Releases the keys. Idempotent. */
  free(): void;
}

/** The session of a client. */
export interface ClientSession extends StreamSession {
  /**
   * Encrypts the request. It must be sent in one write, before any `seal()`.
   *
   * @param address The target.
   * @param payload The first payload; may be empty.
   */
  request(address: Address, payload: Uint8Array): Uint8Array;
}

/** The request of a client. */
export interface StreamRequest {
  /** The target. */
  readonly address: Address;
  /**
   * Payload that arrived with the address; may be empty. The receiver replaces
   * it once it was passed on, since requests last as long as connections.
   */
  payload: Uint8Array;
  /** The user that authenticated, where users have names. */
  readonly user?: string;
}

/** The result of the start of a stream. */
export interface AcceptStep {
  /** The request, once it is complete. */
  readonly request?: StreamRequest;
  /** Bytes that must be sent to the client now, before it has authenticated. */
  readonly reply?: Uint8Array;
  /**
   * Resolves to true if the salt is new; set if the replay filter answers
   * later. The request must not be served before that, nor if it fails.
   */
  readonly question?: Promise<boolean>;
}

/** The session of a server. */
export interface ServerSession extends StreamSession {
  /**
   * Decrypts the start of the stream, split anywhere, until the request is
   * complete; `open()` continues after it.
   *
   * @param bytes Borrowed.
   * @throws {ProtocolError} Any `ERR_SS_…` if the peer does not know the key,
   * or does not use the protocol.
   */
  accept(bytes: Uint8Array): AcceptStep;
  /**
   * Returns the answer to the request, which must be sent before any payload.
   * Most protocols have none.
   *
   * @param code Why the target was not reached; not set if it was.
   * @returns Bytes that the caller owns; may be empty.
   */
  answer?(code?: ErrorCode): Uint8Array;
}
