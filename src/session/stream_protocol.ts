/**
 * The two ends of a Shadowsocks stream, without I/O, whatever the family of the
 * method: what the services work with.
 *
 * @module
 */
import type { Allocate } from "../buffer_pool.ts";
import type { Address } from "../codec/address.ts";
import type { ErrorCode } from "../errors.ts";

/** The result of bytes of the peer. */
export interface Step {
  /** The payload that is complete now; empty when more bytes are needed. */
  readonly payload: Uint8Array;
  /** Bytes that the peer must be sent now, as they are. */
  readonly reply?: Uint8Array;
}

/** The abilities that both ends have with an open stream. */
export interface StreamSession {
  /**
   * Bytes to send before anything is read or sealed. Most protocols have none:
   * a server that speaks first can be told from silence.
   */
  readonly greeting?: Uint8Array;
  /**
   * The peer's clock when it answered, in seconds since 1970, where the protocol
   * knows and the answer has come.
   */
  readonly peerUnixSeconds?: number | undefined;
  /**
   * True while what is sealed waits for an answer of the peer, with which it is
   * sent as a reply: seal no more, and do not end the stream. Default: false.
   */
  readonly isWaiting?: boolean;
  /**
   * Seals payload for the peer.
   *
   * @param allocate Where the result comes from; default: fresh memory.
   * @returns Bytes owned by the caller; empty for empty payload.
   */
  seal(payload: Uint8Array, allocate?: Allocate): Uint8Array;
  /**
   * Opens bytes of the peer, split anywhere.
   *
   * @param allocate Where the result comes from; default: fresh memory.
   * @returns Payload owned by the caller.
   * @throws {ProtocolError} When they are not a valid stream; the session is
   * dead then.
   */
  open(bytes: Uint8Array, allocate?: Allocate): Step;
  /**
   * The peer's stream has ended.
   *
   * @throws {ProtocolError} `ERR_SS_TRUNCATED` when it ended inside a unit.
   */
  end(): void;
  /** Gives the keys back to their provider. Idempotent. */
  free(): void;
}

/** The end of `ss-local`. */
export interface ClientSession extends StreamSession {
  /**
   * Seals the request: the first bytes of the stream, to be sent in one write,
   * before any `seal()`.
   *
   * @param address Where to.
   * @param payload First payload; may be empty.
   */
  request(address: Address, payload: Uint8Array): Uint8Array;
}

/** The request of a client of `ss-server`. */
export interface StreamRequest {
  /** The target. */
  readonly address: Address;
  /** Payload that came with the address; may be empty. */
  readonly payload: Uint8Array;
  /** The user whose key it was, where users have names. */
  readonly user?: string;
}

/** The result of the beginning of a stream. */
export interface AcceptStep {
  /** The request, once all of it is there. */
  readonly request?: StreamRequest;
  /** Bytes that the client must be sent now; it has proved nothing yet. */
  readonly reply?: Uint8Array;
  /**
   * Answers whether the salt is new, where that is not known at once. The
   * request must not be served before it is `true`, nor if it fails.
   */
  readonly question?: Promise<boolean>;
}

/** The end of `ss-server`. */
export interface ServerSession extends StreamSession {
  /**
   * Takes the beginning of the stream, split anywhere, until the request is
   * there; `open()` goes on where it ended.
   *
   * @param bytes Borrowed.
   * @throws {ProtocolError} Any `ERR_SS_…`: the peer does not know the key, or
   * does not speak the protocol.
   */
  accept(bytes: Uint8Array): AcceptStep;
  /**
   * What became of the request: to be sent before any payload. Most protocols
   * tell nothing.
   *
   * @param code Why the target was not reached; not set: it was.
   * @returns Bytes owned by the caller; may be empty.
   */
  answer?(code?: ErrorCode): Uint8Array;
}
