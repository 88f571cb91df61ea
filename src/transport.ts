/**
 * The interfaces that an adapter implements: connections as Web Streams,
 * listeners, a dialer, datagram sockets and a name resolver. This file has only
 * types; the tests in `tests/conformance/` check implementations.
 *
 * @module
 */
import type { BufferPool } from "./buffer_pool.ts";
import type { TransportError } from "./errors.ts";
import type { StopSignal } from "./on_abort.ts";

/** One end of a connection. */
export interface Endpoint {
  /** IP address as text without brackets, or a name where one is allowed. */
  readonly host: string;
  /** TCP or UDP port, 0 to 65,535; 0 asks the system to choose. */
  readonly port: number;
}

/**
 * A byte stream in both directions. Each direction ends separately.
 *
 * Errors of both streams are `TransportError`s. The owner of a connection must
 * `close()` it, however its streams ended.
 */
export interface Connection {
  /** Our own address. */
  readonly local: Endpoint;
  /** The peer's address. */
  readonly remote: Endpoint;
  /**
   * The bytes from the peer, up to its FIN. The reader owns the chunks. At most
   * one buffer is read ahead, so that an unread stream stalls the peer. Reading
   * to the end, or `cancel()`, does not affect the writing side.
   */
  readonly readable: ReadableStream<Uint8Array>;
  /**
   * The bytes to the peer. A chunk is borrowed until its `write()` settles,
   * which is when the system has taken all of it. `close()` is a half-close: it
   * sends a FIN after everything written, and reading continues. `abort()`
   * closes both directions.
   */
  readonly writable: WritableStream<Uint8Array>;
  /**
   * Bypasses `readable`: returns the next chunk, or `undefined` at the end. Use
   * either this or the stream, and one read at a time. Without this method, the
   * stream is used.
   */
  read?(): Promise<Uint8Array | undefined>;
  /**
   * Bypasses `writable`: settles when the system has taken all of the chunk.
   * Use either this or the stream, and one write at a time.
   */
  write?(chunk: Uint8Array): Promise<void>;
  /**
   * Reads without waiting, if the adapter can. Returns the next chunk, `"end"`
   * after the peer's FIN, or `undefined` if nothing has arrived yet; `onReady`
   * is then called when something may have. Must not be called while a `read()`
   * waits.
   *
   * @throws {TransportError} As `read()` rejects.
   */
  tryRead?(): Uint8Array | "end" | undefined;
  /**
   * Writes without waiting, if the adapter can; `tryRead` exists then, too.
   * Must not be called while a `write()` waits.
   *
   * @param chunk Borrowed for the call.
   * @returns The number of bytes that the system has taken. If it is not all,
   * `onReady` is called when the system may take more.
   * @throws {TransportError} As `write()` rejects.
   */
  tryWrite?(chunk: Uint8Array): number;
  /**
   * Called when a `tryRead` or `tryWrite` that had to wait may continue, and
   * when the connection is closed. The call may be spurious. It never happens
   * inside these two methods.
   */
  onReady?: (() => void) | undefined;
  /**
   * Takes a chunk of `readable` back and may reuse it for a later read. The
   * caller must keep no view of its memory.
   */
  recycle?(chunk: Uint8Array): void;
  /**
   * Sends a FIN after everything written so far, even while `writable` is
   * locked. Idempotent.
   */
  closeWrite(): Promise<void>;
  /**
   * Closes the descriptor at once. Pending reads and writes fail with
   * `ERR_NET_CLOSED`. Idempotent.
   */
  close(): void;
  /**
   * Closes with a reset, which the peer sees as a cut stream. Data on its way
   * may be lost. Exists if `Capabilities.reset` is true. Idempotent.
   */
  reset?(): void;
}

/** A connection that was accepted. */
export interface Accepted {
  /** The connection; the caller owns it. */
  readonly connection: Connection;
  /** The client's original target, if the system redirected the connection. */
  readonly originalDestination?: Endpoint;
  /** The address of the proxy in between, if it named the client. */
  readonly via?: Endpoint;
}

/** A socket that accepts connections. */
export interface Listener {
  /** The address of the listener, with the actual port. */
  readonly address: Endpoint;
  /**
   * Returns the next connection, or `undefined` once the listener is closed.
   *
   * @throws {TransportError} `ERR_NET_DESCRIPTORS` and others; the listener
   * stays usable.
   */
  accept(): Promise<Accepted | undefined>;
  /** Stops listening. Accepted connections stay open. Idempotent. */
  close(): void;
}

/**
 * How the system redirects traffic that is meant for other hosts: by changing
 * the target of a connection (`redirect`), or by delivering connections and
 * datagrams unchanged (`tproxy`).
 */
export type Redirection = "redirect" | "tproxy";

/** The options of a listener. */
export interface ListenOptions {
  /**
   * The kind of redirection, if what arrives was redirected; the original
   * target is reported with it. With `tproxy` the address may be another
   * host's. Needs `Capabilities.redirection`. For datagrams, only `tproxy` is
   * possible.
   */
  readonly redirected?: Redirection | undefined;
  /**
   * Lets several sockets listen on one port; the system distributes new
   * connections among them (SO_REUSEPORT). Linux only.
   */
  readonly reusePort?: boolean;
}

/** A received UDP datagram. */
export interface Datagram {
  /** The payload, 0 to 65,527 bytes; the receiver owns it. */
  readonly payload: Uint8Array;
  /** The sender. An IPv4 address is plain, also on a dual-stack socket. */
  readonly from: Endpoint;
  /** The original target, if the system redirected the datagram. */
  readonly to?: Endpoint;
}

/** Receives datagrams without a promise for each one. */
export interface DatagramTaker {
  /** Called with each datagram. */
  take(datagram: Datagram): void;
  /**
   * Called when receiving failed. The socket stays usable: call `handTo` again
   * to continue.
   */
  fail(error: TransportError): void;
}

/**
 * Called with the result of a posted datagram: without an argument when the
 * system has taken it, else with the error with which `send` would reject.
 */
export type Posted = (error?: unknown) => void;

/**
 * An unconnected UDP socket. Network errors about earlier datagrams (ICMP) do
 * not fail it.
 *
 * Received datagrams wait in a queue of `MAX_QUEUED_DATAGRAMS`. While the queue
 * is full, new ones are dropped and counted.
 */
export interface DatagramSocket {
  /** The address of the socket, with the actual port. */
  readonly address: Endpoint;
  /**
   * Datagrams dropped so far because the queue was full, or because the
   * system's buffer was, where the system reports that.
   */
  readonly dropped: number;
  /**
   * Bytes of the receive buffer that the system granted; not set where the
   * system does not report it.
   */
  readonly receiveBuffer?: number | undefined;
  /**
   * Passes all datagrams to `taker` from now on; those that wait already are
   * passed before this returns. Use either this or `receive()`.
   */
  handTo(taker: DatagramTaker): void;
  /**
   * Returns the next datagram, or `undefined` once the socket is closed.
   * Aborting the signal loses no datagram.
   *
   * @throws {TransportError} If the system fails; the socket stays usable.
   */
  receive(options?: WaitOptions): Promise<Datagram | undefined>;
  /**
   * Sends one datagram. Settles when the system has taken it, which may take a
   * while.
   *
   * @param payload Borrowed until the promise settles.
   * @param to IP address, not a name. A socket on `::` sends to IPv4 as well.
   * @throws {TransportError} `ERR_NET_MESSAGE_SIZE`, `ERR_NET_UNREACHABLE`,
   * `ERR_NET_CLOSED` and others; the socket stays usable.
   */
  send(
    payload: Uint8Array,
    to: Endpoint,
    options?: WaitOptions,
  ): Promise<void>;
  /**
   * Sends one datagram without a promise. Datagrams that wait for the system
   * leave in order. The caller must limit their number.
   *
   * @param payload Borrowed until `posted` is called.
   * @param to As for `send`.
   * @param posted Called once, at once or later.
   */
  post(payload: Uint8Array, to: Endpoint, posted: Posted): void;
  /** Closes the descriptor at once and drops queued datagrams. Idempotent. */
  close(): void;
}

/** A byte stream in both directions with a single owner. */
export interface ByteStream {
  /**
   * Returns the next bytes, or `undefined` at the end.
   *
   * @param signal Its abort rejects the wait with the signal's reason.
   */
  read(signal?: StopSignal): Promise<Uint8Array | undefined>;
  /** Settles when the bytes, which are borrowed, were sent. */
  write(bytes: Uint8Array, signal?: StopSignal): Promise<void>;
  /** Closes both directions at once. Idempotent. */
  close(): void;
}

/** The peer of TLS. */
export interface SecureOptions {
  /** Name or IP address that the certificate must be valid for. */
  readonly serverName: string;
  /** The signal; its abort cancels the handshake. */
  readonly signal: StopSignal;
}

/**
 * Starts TLS on a stream, as a client.
 *
 * @param stream The result owns it; it is closed if the handshake fails.
 * @throws {TransportError} Also if the certificate is not valid.
 */
export type SecureStream = (
  stream: ByteStream,
  options: SecureOptions,
) => Promise<ByteStream>;

/** The options of a wait. */
export interface WaitOptions {
  /** The signal; its abort rejects the wait with the signal's reason. */
  readonly signal?: StopSignal;
}

/** The TLS options of a connection. */
export interface TlsOptions {
  /** Name or IP address that the certificate must be valid for. */
  readonly serverName: string;
  /** Protocols that are offered (ALPN). */
  readonly protocols: readonly string[];
}

/** The options of a dial. */
export interface DialOptions extends WaitOptions {
  /**
   * If set, TLS is used on the connection, and the caller sends and receives
   * plain bytes. Needs `Capabilities.tls`.
   */
  readonly tls?: TlsOptions | undefined;
}

/**
 * Addresses of this host, as text, that connections and datagrams leave from.
 * Without an address of a family, no target in that family can be reached.
 */
export interface OutboundAddresses {
  /** The IPv4 address. */
  readonly ipv4?: string;
  /** The IPv6 address. */
  readonly ipv6?: string;
}

/** The options of sockets; the system chooses those that are not set. */
export interface SocketOptions {
  /** The mark of outgoing packets (SO_MARK), 1 to 4,294,967,295. */
  readonly mark?: number;
  /** Name of the network interface that all traffic leaves by. */
  readonly interfaceName?: string;
  /** The class of outgoing packets (DSCP), 0 to 63. */
  readonly dscp?: number;
  /** True if TCP uses several paths (MPTCP) with peers that support it. */
  readonly multipath?: boolean;
  /** True if the first bytes leave with the first packet (TCP fast open). */
  readonly fastOpen?: boolean;
  /** Milliseconds of silence after which TCP probes its peer (keepalive). */
  readonly keepAliveMs?: number;
  /** Milliseconds that sent bytes may stay unacknowledged. */
  readonly userTimeoutMs?: number;
  /** Bytes of the send buffer of accepted connections. */
  readonly inboundSendBuffer?: number;
  /** Bytes of the receive buffer of accepted connections. */
  readonly inboundReceiveBuffer?: number;
  /** Bytes of the send buffer of dialled connections. */
  readonly outboundSendBuffer?: number;
  /** Bytes of the receive buffer of dialled connections. */
  readonly outboundReceiveBuffer?: number;
}

/** What a transport supports; it refuses the rest, with a reason. */
export interface Capabilities {
  /**
   * True if several sockets can be bound to one UDP port, as several threads
   * need.
   */
  readonly sharedUdpPort: boolean;
  /** True if the address that TCP connections leave from can be chosen. */
  readonly outboundAddress: boolean;
  /** True if connections can use TLS. */
  readonly tls: boolean;
  /** True if a connection can be ended by a reset. */
  readonly reset: boolean;
  /** True if sockets can be made from inherited descriptors. */
  readonly descriptor: boolean;
  /** True if the receive buffers of UDP sockets can be enlarged. */
  readonly receiveBuffer: boolean;
  /**
   * True if several datagrams are received and sent in one system call;
   * overlapping calls of `send` then leave in order. Otherwise they may not.
   */
  readonly batch: boolean;
  /** True if {@link SocketOptions} are supported. */
  readonly socketOptions: boolean;
  /** True if {@link ListenOptions.redirected} is supported. */
  readonly redirection: boolean;
}

/**
 * What a service needs of a runtime's network. If the adapter has
 * {@link OutboundAddresses}, `dial` and `bindOutgoing` use them.
 */
export interface Transport {
  /** `deno`, `bun`, `linux` or `memory`. */
  readonly name: string;
  /** The optional features that this transport supports. */
  readonly capabilities: Capabilities;
  /** Reused buffers for reads and writes. */
  readonly buffers: BufferPool;
  /**
   * Starts to listen.
   *
   * @param endpoint IP address (or a name, whose first address is used).
   * @throws {TransportError} `ERR_NET_ADDRESS_IN_USE` and others.
   */
  listen(endpoint: Endpoint, options?: ListenOptions): Promise<Listener>;
  /**
   * Opens a UDP socket. On `::` it receives and sends IPv4 as well.
   *
   * @param endpoint IP address (or a name, whose first address is used).
   * @param options Set `reusePort` only if `Capabilities.sharedUdpPort` is
   * true.
   * @throws {TransportError} `ERR_NET_ADDRESS_IN_USE`, `ERR_NET_UNSUPPORTED`
   * and others.
   */
  bind(endpoint: Endpoint, options?: ListenOptions): Promise<DatagramSocket>;
  /**
   * Opens a UDP socket for outgoing traffic, on a port that the system chooses.
   * It serves both families, or only IPv4 where there is no IPv6.
   *
   * @throws {TransportError} As `bind` does. `send` fails with
   * `ERR_NET_UNREACHABLE` in a family without an outbound address.
   */
  bindOutgoing(): Promise<DatagramSocket>;
  /**
   * Connects to one address.
   *
   * @param endpoint An IP address, not a name: see {@link Transport.resolve}.
   * @throws {TransportError} The code is the cause of the failure.
   */
  dial(endpoint: Endpoint, options?: DialOptions): Promise<Connection>;
  /**
   * Resolves a name as the system does (`getaddrinfo`).
   *
   * @returns At least one IP address, in the system's order of preference.
   * @throws {TransportError} `ERR_NET_NAME_NOT_FOUND`,
   * `ERR_NET_NAME_TEMPORARY`.
   */
  resolve(host: string, options?: WaitOptions): Promise<string[]>;
  /**
   * Returns the number of datagrams that all its sockets dropped since the
   * start: see {@link DatagramSocket.dropped}.
   */
  lostDatagrams(): number;
  /**
   * Returns the number of file descriptors this process may open; `undefined`
   * if the system does not report it.
   */
  descriptorLimit(): number | undefined;
}
