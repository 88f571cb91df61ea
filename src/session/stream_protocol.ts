/**
 * The two ends of a Shadowsocks stream, without I/O, whatever the edition of
 * the protocol: what the services work with.
 *
 * @module
 */
import type { Allocate } from "../buffer_pool.ts";
import type { Address } from "../codec/address.ts";

/** What both ends can do with an open stream. */
export interface StreamSession {
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
   * @returns All payload that is complete now, owned by the caller; empty when
   * more is needed.
   * @throws {ProtocolError} When they are not a valid stream; the session is
   * dead then.
   */
  open(bytes: Uint8Array, allocate?: Allocate): Uint8Array;
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

/** What a client of `ss-server` asks for. */
export interface StreamRequest {
  /** Where to. */
  readonly address: Address;
  /** Payload that came with the address; may be empty. */
  readonly payload: Uint8Array;
  /** Whose key it was, where users have names. */
  readonly user?: string;
}

/** The end of `ss-server`. */
export interface ServerSession extends StreamSession {
  /**
   * Takes the beginning of the stream, split anywhere, until the request is
   * there; `open()` goes on where it ended.
   *
   * @param bytes Borrowed.
   * @returns The request, or `undefined` when more bytes are needed.
   * @throws {ProtocolError} Any `ERR_SS_…`: the peer does not know the key, or
   * does not speak the protocol.
   */
  accept(bytes: Uint8Array): StreamRequest | undefined;
}

/** Makes sessions under one key. */
export interface StreamProtocol {
  /** A session of `ss-local`. */
  client(): ClientSession;
  /**
   * A session of `ss-server`.
   *
   * @param clientHost Tells the client's address, if asked: whose key to try
   * first, where several have to be tried.
   */
  server(clientHost?: () => string): ServerSession;
}
