/**
 * The server's side of a SOCKS5 handshake, without I/O: it takes bytes and
 * returns steps.
 *
 * ```text
 * greeting ──▶ (credentials, when users are configured) ──▶ request
 * ```
 *
 * Messages may arrive split or joined, and a client may send payload before it
 * has the reply. Bytes after the request are returned for the relay.
 *
 * Source: RFC 1928, RFC 1929. The service itself handles the commands and
 * replies.
 *
 * @module
 */
import { concat } from "../../bytes.ts";
import { ProtocolError } from "../../errors.ts";
import {
  decodeCredentials,
  type Decoded,
  decodeGreeting,
  decodeRequest,
  encodeCredentialsStatus,
  encodeReply,
  encodeSelection,
  REP,
  type Rep,
  SOCKS5_METHOD,
  type Socks5Credentials,
  type Socks5Request,
} from "../../codec/socks5.ts";
import { MAX_SOCKS_MESSAGE_LENGTH } from "../../limits.ts";

/** The next step. */
export type Socks5Step =
  /** Send these bytes and continue. */
  | { readonly kind: "send"; readonly bytes: Uint8Array }
  /** The handshake is complete, with this request. */
  | {
    readonly kind: "request";
    readonly request: Socks5Request;
    /** Bytes after the request, which are payload. */
    readonly rest: Uint8Array;
  }
  /** Send these bytes, if there are any, then close. */
  | {
    readonly kind: "refuse";
    readonly bytes: Uint8Array;
    readonly error: ProtocolError;
  };

/**
 * Returns the name of the user with these credentials; `undefined` for wrong
 * ones.
 */
export type Authenticate = (
  credentials: Socks5Credentials,
) => string | undefined;

/** The state of one handshake. */
export class Socks5ServerSession {
  readonly #authenticate: Authenticate | undefined;
  #state: "greeting" | "credentials" | "request" | "done" = "greeting";
  /**
   * Bytes received: at most one incomplete message, and the bytes before it.
   */
  #received: Uint8Array = new Uint8Array(0);

  /** @param authenticate If set, user name and password are required. */
  constructor(authenticate?: Authenticate) {
    this.#authenticate = authenticate;
  }

  /** Takes bytes as they arrive, split anywhere; they are copied. */
  push(bytes: Uint8Array): void {
    this.#received = concat(this.#received, bytes);
  }

  /** True if no part of an incomplete message was received. */
  get betweenMessages(): boolean {
    return this.#received.length === 0;
  }

  /**
   * Returns the next step, or `undefined` if more bytes are needed.
   *
   * @throws {TypeError} After the last step.
   */
  next(): Socks5Step | undefined {
    try {
      switch (this.#state) {
        case "greeting":
          return this.#take(decodeGreeting, (methods) => this.#select(methods));
        case "credentials":
          return this.#take(
            decodeCredentials,
            (credentials) => this.#verify(credentials),
          );
        case "request":
          return this.#take(decodeRequest, (request) => {
            this.#state = "done";
            return { kind: "request", request, rest: this.#received };
          });
        case "done":
          throw new TypeError("Cannot continue: the handshake is complete");
      }
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      return this.#refuse(this.#reaction(error), error);
    }
  }

  /** Decodes one message and removes it from the received bytes. */
  #take<T>(
    decode: (bytes: Uint8Array) => Decoded<T> | undefined,
    react: (message: T) => Socks5Step,
  ): Socks5Step | undefined {
    const decoded = decode(this.#received);
    if (decoded !== undefined) {
      this.#received = this.#received.subarray(decoded.length);
      return react(decoded.message);
    }
    if (this.#received.length > MAX_SOCKS_MESSAGE_LENGTH) {
      throw new RangeError(
        "An incomplete SOCKS message cannot be that long",
      );
    }
    return undefined;
  }

  #select(offered: Uint8Array): Socks5Step {
    const wanted = this.#authenticate === undefined
      ? SOCKS5_METHOD.none
      : SOCKS5_METHOD.password;
    if (!offered.includes(wanted)) {
      return this.#refuse(
        encodeSelection(SOCKS5_METHOD.unacceptable),
        new ProtocolError(
          "ERR_SOCKS_NO_METHOD",
          refusedOffer(offered, this.#authenticate !== undefined),
        ),
      );
    }
    this.#state = this.#authenticate === undefined ? "request" : "credentials";
    return { kind: "send", bytes: encodeSelection(wanted) };
  }

  #verify(credentials: Socks5Credentials): Socks5Step {
    if (this.#authenticate?.(credentials) === undefined) {
      return this.#refuse(
        encodeCredentialsStatus(false),
        new ProtocolError(
          "ERR_SOCKS_AUTHENTICATION",
          "Client gave a wrong user name or password",
        ),
      );
    }
    this.#state = "request";
    return { kind: "send", bytes: encodeCredentialsStatus(true) };
  }

  #refuse(bytes: Uint8Array, error: ProtocolError): Socks5Step {
    this.#state = "done";
    return { kind: "refuse", bytes, error };
  }

  /** Returns the answer to a malformed message, which depends on the state. */
  #reaction(error: ProtocolError): Uint8Array {
    if (error.code === "ERR_SOCKS_NO_METHOD") {
      return encodeSelection(SOCKS5_METHOD.unacceptable);
    }
    if (this.#state !== "request" || error.code === "ERR_SOCKS_VERSION") {
      return new Uint8Array(0);
    }
    const rep: Rep = error.code === "ERR_SOCKS_ADDRESS_TYPE"
      ? REP.addressTypeNotSupported
      : REP.generalFailure;
    return encodeReply(rep);
  }
}

/** Explains why none of the offered methods is accepted. */
function refusedOffer(offered: Uint8Array, secured: boolean): string {
  if (offered.every((method) => method === SOCKS5_METHOD.gssapi)) {
    return "Client offers only GSSAPI, which is not supported";
  }
  return secured
    ? "Client offers no user/password authentication"
    : "Client requires authentication, none is configured";
}
