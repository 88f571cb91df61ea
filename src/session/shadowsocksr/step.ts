/**
 * What a layer between session and connection answers to bytes.
 *
 * @module
 */

/** The outcome of bytes that arrived. */
export interface Step {
  /** For the layer above, owned by the caller; may be empty. */
  readonly payload: Uint8Array;
  /** For the peer, through the layers below, before anything else. */
  readonly reply?: Uint8Array;
}

/** One end of a layer, without I/O. Dead once it has thrown. */
export interface Layer {
  /**
   * Turns what the layer above writes into what the layer below writes.
   *
   * @param payload Borrowed.
   * @returns Owned by the caller; empty while a handshake holds it back: a
   * later `open()` replies with it.
   */
  seal(payload: Uint8Array): Uint8Array;
  /**
   * Takes bytes of the peer, split anywhere.
   *
   * @param bytes Borrowed.
   * @throws {ProtocolError} When the peer does not speak the layer, or does
   * not know the key.
   */
  open(bytes: Uint8Array): Step;
  /**
   * The peer's stream has ended.
   *
   * @throws {ProtocolError} `ERR_SS_TRUNCATED` when it ended inside a unit.
   */
  end(): void;
}

/** Nothing. */
export const NOTHING: Uint8Array = new Uint8Array(0);
