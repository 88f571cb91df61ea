/**
 * Every error class and every error code of the project.
 *
 * The class says who is responsible: the operator ({@link ConfigError}), the
 * peer ({@link ProtocolError}), the network ({@link TransportError}), the disk
 * ({@link StoreError}) or our own policy ({@link PolicyError}). A caller's
 * mistake is a built-in `TypeError` or `RangeError`. Codes are part of the API;
 * message texts are not.
 *
 * @module
 */

/** Codes of mistakes in a command line, a configuration or an `ss://` URI. */
export type ConfigErrorCode =
  /** The command line cannot be understood. */
  | "ERR_CONFIG_USAGE"
  /** A configuration file cannot be read. */
  | "ERR_CONFIG_FILE"
  /** The store of users cannot be opened, or is not a store of this program. */
  | "ERR_CONFIG_STORE"
  /** A configuration file is not JSON. */
  | "ERR_CONFIG_SYNTAX"
  /** A configuration value is missing, of the wrong type or out of range. */
  | "ERR_CONFIG_VALUE"
  /** The method name is not one that is supported. */
  | "ERR_SS_METHOD_UNSUPPORTED"
  /** A raw key does not have the method's key length. */
  | "ERR_SS_KEY_LENGTH"
  /** A text that should be an `ss://` URI is not one. */
  | "ERR_SS_URI_INVALID"
  /** The host refuses a published list of servers, or the list is not one. */
  | "ERR_ONLINE_CONFIG"
  /**
   * A panel refuses this node, or describes it as a kind that is not supported.
   */
  | "ERR_PANEL"
  /** A list of rules, an ACL or a database of countries cannot be used. */
  | "ERR_ROUTE_LIST"
  /** A crypto provider gave a wrong result or cannot be used here. */
  | "ERR_CRYPTO_PROVIDER";

/** Codes of violations of a wire format. */
export type ProtocolErrorCode =
  /** A tag does not verify: wrong key, wrong method, or tampering. */
  | "ERR_SS_AUTHENTICATION"
  /** The stream ended inside a unit. */
  | "ERR_SS_TRUNCATED"
  /** A chunk length uses the two reserved top bits. */
  | "ERR_SS_LENGTH_RESERVED_BITS"
  /** A chunk announces no payload. */
  | "ERR_SS_LENGTH_ZERO"
  /** An address has an unknown ATYP. */
  | "ERR_SS_ADDRESS_TYPE"
  /** An address has an empty or unprintable name, or port 0. */
  | "ERR_SS_ADDRESS_INVALID"
  /** A header of the 2022 edition has the wrong type for its direction. */
  | "ERR_SS_HEADER_TYPE"
  /**
   * A time stamp differs too much from our clock, or is older than our start.
   */
  | "ERR_SS_TIMESTAMP"
  /** A salt or a packet was received before. */
  | "ERR_SS_REPLAY"
  /** A request has neither payload nor padding, or its padding exceeds it. */
  | "ERR_SS_PADDING"
  /** A response belongs to a request that is not ours. */
  | "ERR_SS_SALT_MISMATCH"
  /**
   * A packet belongs to another client session, or to one server session too
   * many.
   */
  | "ERR_SS_SESSION_MISMATCH"
  /** The first bytes do not match the configured disguise (`obfs`). */
  | "ERR_SSR_OBFS"
  /** A packet of ShadowsocksR has an impossible length or padding. */
  | "ERR_SSR_LENGTH"
  /** An identity header matches no user. */
  | "ERR_SS_USER_UNKNOWN"
  /** A request or packet of a stream cipher uses one-time authentication. */
  | "ERR_SS_ONE_TIME_AUTH"
  /** A proxy sent no valid PROXY protocol header. */
  | "ERR_PROXY_HEADER"
  /** A SOCKS message starts with an unsupported version number. */
  | "ERR_SOCKS_VERSION"
  /** A SOCKS greeting offers no method that is accepted. */
  | "ERR_SOCKS_NO_METHOD"
  /** A SOCKS user name or password is wrong. */
  | "ERR_SOCKS_AUTHENTICATION"
  /** A SOCKS command is not supported. */
  | "ERR_SOCKS_COMMAND"
  /** A SOCKS address type is unknown. */
  | "ERR_SOCKS_ADDRESS_TYPE"
  /** A SOCKS field has a value that is not allowed. */
  | "ERR_SOCKS_MALFORMED"
  /** The peer ended its side in the middle of a SOCKS message. */
  | "ERR_SOCKS_TRUNCATED"
  /** An HTTP message violates RFC 9112. */
  | "ERR_HTTP_MALFORMED"
  /** An HTTP message has an ambiguous end. */
  | "ERR_HTTP_FRAMING"
  /** An HTTP line, a head or a number of fields exceeds our limits. */
  | "ERR_HTTP_TOO_LARGE"
  /** The version of HTTP is neither 1.0 nor 1.1. */
  | "ERR_HTTP_VERSION"
  /** An HTTP user name or password is missing or wrong. */
  | "ERR_HTTP_AUTHENTICATION"
  /** The peer ended its side in the middle of an HTTP message. */
  | "ERR_HTTP_TRUNCATED"
  /** A WebSocket frame violates RFC 6455, or its kind is not supported. */
  | "ERR_WS_FRAME"
  /** A WebSocket stream ended inside a message. */
  | "ERR_WS_TRUNCATED"
  /** A server's answer is not a WebSocket handshake. */
  | "ERR_WS_HANDSHAKE"
  /** The first byte matches no protocol that is served on this port. */
  | "ERR_INBOUND_PROTOCOL"
  /** A SOCKS datagram is a fragment. */
  | "ERR_SOCKS_FRAGMENT"
  /** A panel's answer cannot be parsed. */
  | "ERR_PANEL_ANSWER"
  /** A DNS message is malformed, is too large, or answers another question. */
  | "ERR_DNS_MESSAGE";

/** Codes of network failures, as adapters report them. */
export type TransportErrorCode =
  /** ECONNREFUSED. */
  | "ERR_NET_REFUSED"
  /** ENETUNREACH, ENETDOWN: no route to the network. */
  | "ERR_NET_UNREACHABLE"
  /** EHOSTUNREACH, EHOSTDOWN: the host does not answer on its network. */
  | "ERR_NET_HOST_UNREACHABLE"
  /** The name does not exist. */
  | "ERR_NET_NAME_NOT_FOUND"
  /** The resolver did not answer. */
  | "ERR_NET_NAME_TEMPORARY"
  /** A deadline for connecting or for the handshake passed. */
  | "ERR_NET_TIMEOUT"
  /** No byte moved for the idle time. */
  | "ERR_NET_IDLE"
  /** The server accepted a request and closed without sending a byte. */
  | "ERR_NET_UNANSWERED"
  /** ECONNRESET, EPIPE, ECONNABORTED: the peer reset the connection. */
  | "ERR_NET_RESET"
  /** We closed the connection or listener ourselves. */
  | "ERR_NET_CLOSED"
  /** The caller's signal was aborted, or the service is stopping. */
  | "ERR_NET_ABORTED"
  /** EACCES, EPERM, or a runtime permission that was not granted. */
  | "ERR_NET_PERMISSION"
  /** EADDRINUSE. */
  | "ERR_NET_ADDRESS_IN_USE"
  /** EADDRNOTAVAIL. */
  | "ERR_NET_ADDRESS_UNAVAILABLE"
  /** EMFILE, ENFILE: no file descriptor is left. */
  | "ERR_NET_DESCRIPTORS"
  /** EMSGSIZE: a datagram is larger than the system sends. */
  | "ERR_NET_MESSAGE_SIZE"
  /** The TLS handshake failed, or the certificate is not valid for the name. */
  | "ERR_NET_TLS"
  /** The plugin in front of the server is not running. */
  | "ERR_NET_PLUGIN"
  /**
   * The runtime, as it was started, does not support it; the message says why.
   */
  | "ERR_NET_UNSUPPORTED"
  /** Any other failure; see `cause`. */
  | "ERR_NET_OTHER";

/** Codes of refusals by policy. */
export type PolicyErrorCode =
  /** The target address may not be dialled. */
  | "ERR_POLICY_TARGET"
  /** A rule of the routes, or of an ACL, blocks the target. */
  | "ERR_ROUTE_BLOCKED"
  /** A made-up address belongs to a name that is no longer remembered. */
  | "ERR_FAKE_IP_UNKNOWN"
  /** An ACL refuses this client. */
  | "ERR_CLIENT_BLOCKED"
  /** A datagram came from an address that has no association. */
  | "ERR_POLICY_STRANGER"
  /** A limit of `limits.ts` is reached: a datagram was dropped, a stream ended. */
  | "ERR_POLICY_LIMIT"
  /** A user has used its quota of bytes. */
  | "ERR_POLICY_USER_QUOTA"
  /** A user has as many connections open as allowed. */
  | "ERR_POLICY_USER_CONNECTIONS"
  /** A user's access has expired. */
  | "ERR_POLICY_USER_EXPIRED"
  /** A client address has as many connections open as allowed. */
  | "ERR_POLICY_HOST_CONNECTIONS"
  /** Too many connections were unauthenticated; the oldest was closed. */
  | "ERR_POLICY_STRANGERS"
  /** A datagram exceeded its user's rate. */
  | "ERR_POLICY_USER_RATE"
  /** A user is connected from as many addresses as allowed. */
  | "ERR_POLICY_USER_HOSTS"
  /** A user is disabled, or was removed. */
  | "ERR_POLICY_USER_DISABLED";

/** Codes of failures of a store of users. */
export type StoreErrorCode =
  /** Another process locked the store for too long; nothing has changed. */
  | "ERR_STORE_BUSY"
  /** The disk is full; nothing has changed. */
  | "ERR_STORE_FULL"
  /** The file was damaged or overwritten. */
  | "ERR_STORE_DAMAGED"
  /** The file was deleted or replaced; a write would be lost. */
  | "ERR_STORE_GONE"
  /** Any other failure; see `cause`. */
  | "ERR_STORE_OTHER";

/** Code of errors that no other code expects. */
export type DefectCode =
  /** A defect of the program or its runtime; the log has the stack. */
  "ERR_DEFECT";

/** Every code, for an exhaustive `switch`. */
export type ErrorCode =
  | ConfigErrorCode
  | ProtocolErrorCode
  | TransportErrorCode
  | PolicyErrorCode
  | StoreErrorCode
  | DefectCode;

/** Base of every error that this project throws on purpose. */
export class UmbraError<C extends ErrorCode = ErrorCode> extends Error {
  /** The name of the class. */
  override readonly name: string = "UmbraError";
  /** Stable identifier; unlike the text of `message`, it does not change. */
  readonly code: C;

  /**
   * Makes an error.
   *
   * @param code What happened.
   * @param message One sentence for people.
   */
  constructor(code: C, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** The operator is responsible; thrown before anything is started. */
export class ConfigError extends UmbraError<ConfigErrorCode> {
  /** The name of the class. */
  override readonly name = "ConfigError";
}

/** Returns the error of a value that is missing, of the wrong type or too large. */
export function badValue(message: string, options?: ErrorOptions): ConfigError {
  return new ConfigError("ERR_CONFIG_VALUE", message, options);
}

/** The peer is responsible: its bytes violate the wire format. */
export class ProtocolError extends UmbraError<ProtocolErrorCode> {
  /** The name of the class. */
  override readonly name = "ProtocolError";
  /**
   * Seconds by which the peer's clock is ahead of ours; negative if it is
   * behind. Set only if the error is about the clock.
   */
  readonly clockSkewSeconds: number | undefined;

  /** Makes an error, optionally with the measured difference of the clocks. */
  constructor(
    code: ProtocolErrorCode,
    message: string,
    options: ErrorOptions & { readonly clockSkewSeconds?: number } = {},
  ) {
    super(code, message, options);
    this.clockSkewSeconds = options.clockSkewSeconds;
  }
}

/** The network is responsible. */
export class TransportError extends UmbraError<TransportErrorCode> {
  /** The name of the class. */
  override readonly name = "TransportError";
}

/** Our own policy is the reason. */
export class PolicyError extends UmbraError<PolicyErrorCode> {
  /** The name of the class. */
  override readonly name = "PolicyError";
}

/** The disk that keeps the users failed while the program was running. */
export class StoreError extends UmbraError<StoreErrorCode> {
  /** The name of the class. */
  override readonly name = "StoreError";
}

/** Returns the fields of an error in the log. */
export function faultOf(
  { code, message }: UmbraError,
): { readonly code: ErrorCode; readonly reason: string } {
  return { code, reason: message };
}

/** Returns the message of any thrown value. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
