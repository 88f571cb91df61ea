/**
 * Every error class and every error code of the project.
 *
 * Who is to blame decides the class: the operator ({@link ConfigError}), the
 * peer ({@link ProtocolError}), the network ({@link TransportError}), the disk
 * ({@link StoreError}) or our own policy ({@link PolicyError}). A caller's
 * mistake is a built-in `TypeError` or `RangeError`. Codes are API; message
 * text is not.
 *
 * @module
 */

/** Codes of mistakes in a command line, a configuration or an `ss://` URI. */
export type ConfigErrorCode =
  /** The command line cannot be understood. */
  | "ERR_CONFIG_USAGE"
  /** A configuration file cannot be read. */
  | "ERR_CONFIG_FILE"
  /** The store of users cannot be opened, or is not one of ours. */
  | "ERR_CONFIG_STORE"
  /** A configuration file is not JSON. */
  | "ERR_CONFIG_SYNTAX"
  /** A configuration value is missing, of the wrong type or out of range. */
  | "ERR_CONFIG_VALUE"
  /** The method name is not one we implement. */
  | "ERR_SS_METHOD_UNSUPPORTED"
  /** A raw key does not have the method's key length. */
  | "ERR_SS_KEY_LENGTH"
  /** Text that should be an `ss://` URI is not one. */
  | "ERR_SS_URI_INVALID"
  /** A published list of servers is refused by its host, or is not one. */
  | "ERR_ONLINE_CONFIG"
  /** A panel refuses this node, or has it as something that is not served. */
  | "ERR_PANEL"
  /** A list of rules, an ACL or a database of countries cannot be used. */
  | "ERR_ROUTE_LIST"
  /** A crypto provider gave a wrong answer or is unusable here. */
  | "ERR_CRYPTO_PROVIDER";

/** Codes of bytes that violate a wire format. */
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
  /** A header of the 2022 edition is of the other direction, or of none. */
  | "ERR_SS_HEADER_TYPE"
  /** A time stamp is too far from our clock, or from before our start. */
  | "ERR_SS_TIMESTAMP"
  /** A salt or a packet was seen before: a recording is played back. */
  | "ERR_SS_REPLAY"
  /** A request has neither payload nor padding, or padding beyond its end. */
  | "ERR_SS_PADDING"
  /** A response answers another request than ours. */
  | "ERR_SS_SALT_MISMATCH"
  /** A packet answers another session than ours, or in one session too many. */
  | "ERR_SS_SESSION_MISMATCH"
  /** The first bytes are not in the disguise that is configured (`obfs`). */
  | "ERR_SSR_OBFS"
  /** A packet of ShadowsocksR has a length or a padding that cannot be. */
  | "ERR_SSR_LENGTH"
  /** An identity header names no user. */
  | "ERR_SS_USER_UNKNOWN"
  /** A request or packet of a stream cipher has one-time authentication. */
  | "ERR_SS_ONE_TIME_AUTH"
  /** A proxy that has to name its client (PROXY protocol) did not, or wrongly. */
  | "ERR_PROXY_HEADER"
  /** A SOCKS message starts with another version number. */
  | "ERR_SOCKS_VERSION"
  /** A SOCKS greeting offers no method we accept. */
  | "ERR_SOCKS_NO_METHOD"
  /** A SOCKS user name or password is wrong. */
  | "ERR_SOCKS_AUTHENTICATION"
  /** A SOCKS command we do not serve. */
  | "ERR_SOCKS_COMMAND"
  /** A SOCKS address type we do not know. */
  | "ERR_SOCKS_ADDRESS_TYPE"
  /** A SOCKS field has a value that is not allowed. */
  | "ERR_SOCKS_MALFORMED"
  /** The peer ended its side in the middle of a SOCKS message. */
  | "ERR_SOCKS_TRUNCATED"
  /** An HTTP message that RFC 9112 does not allow. */
  | "ERR_HTTP_MALFORMED"
  /** An HTTP message whose end two readers could see in two places. */
  | "ERR_HTTP_FRAMING"
  /** An HTTP line, a head or a number of fields over our limits. */
  | "ERR_HTTP_TOO_LARGE"
  /** Another HTTP than 1.0 and 1.1. */
  | "ERR_HTTP_VERSION"
  /** An HTTP user name or password is missing or wrong. */
  | "ERR_HTTP_AUTHENTICATION"
  /** The peer ended its side in the middle of an HTTP message. */
  | "ERR_HTTP_TRUNCATED"
  /** A WebSocket frame that RFC 6455 does not allow, or of a kind not spoken. */
  | "ERR_WS_FRAME"
  /** A WebSocket stream ended inside a message. */
  | "ERR_WS_TRUNCATED"
  /** A server answered something else than a WebSocket. */
  | "ERR_WS_HANDSHAKE"
  /** The first byte belongs to no protocol that is served on this port. */
  | "ERR_INBOUND_PROTOCOL"
  /** A SOCKS datagram is part of a fragmented one. */
  | "ERR_SOCKS_FRAGMENT"
  /** A panel answers what cannot be understood. */
  | "ERR_PANEL_ANSWER"
  /** A DNS message is none, is too large, or answers another question. */
  | "ERR_DNS_MESSAGE";

/** Codes of what a network did, as adapters report it. */
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
  /** Nothing moved for the idle time. */
  | "ERR_NET_IDLE"
  /** The server took a request and ended without a byte. */
  | "ERR_NET_UNANSWERED"
  /** ECONNRESET, EPIPE, ECONNABORTED: the peer tore the connection down. */
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
  /** TLS was not agreed on, or the certificate does not hold. */
  | "ERR_NET_TLS"
  /** The plugin in front of the server does not run. */
  | "ERR_NET_PLUGIN"
  /** The runtime does not offer it as it was started; the message says why. */
  | "ERR_NET_UNSUPPORTED"
  /** Anything else; `cause` tells. */
  | "ERR_NET_OTHER";

/** Codes of things we declined to do. */
export type PolicyErrorCode =
  /** The target address may not be dialled. */
  | "ERR_POLICY_TARGET"
  /** A rule of the routes, or of an ACL, blocks the target. */
  | "ERR_ROUTE_BLOCKED"
  /** An address was made up for a name that is forgotten. */
  | "ERR_FAKE_IP_UNKNOWN"
  /** An ACL does not let this client in. */
  | "ERR_CLIENT_BLOCKED"
  /** A datagram came from an address that has no association. */
  | "ERR_POLICY_STRANGER"
  /** A limit of `limits.ts` is reached: a datagram was dropped, a stream ended. */
  | "ERR_POLICY_LIMIT"
  /** A user has moved as many bytes as allowed. */
  | "ERR_POLICY_USER_QUOTA"
  /** A user has as many connections open as allowed. */
  | "ERR_POLICY_USER_CONNECTIONS"
  /** A user's time is over. */
  | "ERR_POLICY_USER_EXPIRED"
  /** An address has as many connections open as one may. */
  | "ERR_POLICY_HOST_CONNECTIONS"
  /** Too many connections did not authenticate; the oldest had to leave. */
  | "ERR_POLICY_STRANGERS"
  /** A datagram came faster than its user's rate. */
  | "ERR_POLICY_USER_RATE"
  /** A user is connected from as many addresses as it may. */
  | "ERR_POLICY_USER_HOSTS"
  /** A user is disabled, or was removed. */
  | "ERR_POLICY_USER_DISABLED";

/** Codes of a store of users that did not do what it was asked. */
export type StoreErrorCode =
  /** Another process had it for too long; nothing has changed, try again. */
  | "ERR_STORE_BUSY"
  /** The disk is full; nothing has changed. */
  | "ERR_STORE_FULL"
  /** The file was damaged or overwritten. */
  | "ERR_STORE_DAMAGED"
  /** The file was deleted, or is another one; what is written would be lost. */
  | "ERR_STORE_GONE"
  /** Anything else; `cause` tells. */
  | "ERR_STORE_OTHER";

/** Code of what nothing was prepared for: an error of no class of ours. */
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

/** Base of every error this project raises on purpose. */
export class UmbraError<C extends ErrorCode = ErrorCode> extends Error {
  /** Name of the class. */
  override readonly name: string = "UmbraError";
  /** Stable identifier; the text of `message` may change, this may not. */
  readonly code: C;

  /**
   * Describes what went wrong.
   *
   * @param code What happened.
   * @param message One sentence for a person.
   */
  constructor(code: C, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** The operator is to blame; raised before anything is started. */
export class ConfigError extends UmbraError<ConfigErrorCode> {
  /** Name of the class. */
  override readonly name = "ConfigError";
}

/** The peer is to blame: its bytes violate the wire format. */
export class ProtocolError extends UmbraError<ProtocolErrorCode> {
  /** Name of the class. */
  override readonly name = "ProtocolError";
  /**
   * Seconds the peer's clock is ahead of ours; negative: behind. Only where
   * that is what was wrong.
   */
  readonly clockSkewSeconds: number | undefined;

  /** As {@link UmbraError}, and the measured difference of clocks. */
  constructor(
    code: ProtocolErrorCode,
    message: string,
    options: ErrorOptions & { readonly clockSkewSeconds?: number } = {},
  ) {
    super(code, message, options);
    this.clockSkewSeconds = options.clockSkewSeconds;
  }
}

/** The network is to blame. */
export class TransportError extends UmbraError<TransportErrorCode> {
  /** Name of the class. */
  override readonly name = "TransportError";
}

/** Our own policy is the reason. */
export class PolicyError extends UmbraError<PolicyErrorCode> {
  /** Name of the class. */
  override readonly name = "PolicyError";
}

/** The disk that keeps the users is to blame, while we run. */
export class StoreError extends UmbraError<StoreErrorCode> {
  /** Name of the class. */
  override readonly name = "StoreError";
}

/** What anything that was thrown says of itself. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
