/**
 * The proxy's side of a SOCKS5 handshake, without I/O: bytes in, steps out.
 *
 * ```text
 * greeting ──▶ (credentials, when users are configured) ──▶ request
 * ```
 *
 * Messages may arrive split or glued together; a client may send its payload
 * before it has our reply. Whatever follows the request is left over for
 * the relay.
 *
 * Source: RFC 1928, RFC 1929.
 * Does not: know what the commands do; the service decides and replies.
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
  /** Send these bytes and go on. */
  | { readonly kind: "send"; readonly bytes: Uint8Array }
  /** The handshake is over: this is what the client wants. */
  | {
    readonly kind: "request";
    readonly request: Socks5Request;
    /** Bytes that came after the request: payload already. */
    readonly rest: Uint8Array;
  }
  /** Send these bytes (there may be none), then close. */
  | {
    readonly kind: "refuse";
    readonly bytes: Uint8Array;
    readonly error: ProtocolError;
  };

/** The name of the user whose credentials these are; `undefined`: of none. */
export type Authenticate = (
  credentials: Socks5Credentials,
) => string | undefined;

/** State of one handshake. */
export class Socks5ServerSession {
  readonly #authenticate: Authenticate | undefined;
  #state: "greeting" | "credentials" | "request" | "done" = "greeting";
  /**
   * The bytes received: at most one incomplete message, and the bytes in front
   * of it.
   */
  #received: Uint8Array = new Uint8Array(0);

  /**
   * @param authenticate Set: user name and password are required. Not set:
   * anonymous use.
   */
  constructor(authenticate?: Authenticate) {
    this.#authenticate = authenticate;
  }

  /** Takes bytes as they arrive, split anywhere; they are copied. */
  push(bytes: Uint8Array): void {
    this.#received = concat(this.#received, bytes);
  }

  /** True if nothing has been received of a message that is under way. */
  get betweenMessages(): boolean {
    return this.#received.length === 0;
  }

  /**
   * The next step, or `undefined` when more bytes are needed.
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
          throw new TypeError("Cannot go on: the handshake is over");
      }
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      return this.#refuse(this.#reaction(error), error);
    }
  }

  /** Decodes one message and removes it from what was received. */
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
        "A SOCKS message cannot be incomplete and that long",
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

  /** The answer to a malformed message, by the state in which it came. */
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

/** Why none of the methods will do. */
function refusedOffer(offered: Uint8Array, secured: boolean): string {
  if (offered.every((method) => method === SOCKS5_METHOD.gssapi)) {
    return "Client offers nothing but GSSAPI, which is not served";
  }
  return secured
    ? "Client offers no user/password authentication"
    : "Client insists on authentication, none is configured";
}
