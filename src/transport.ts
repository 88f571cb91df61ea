/**
 * What an adapter must provide: connections as Web Streams, listeners, a
 * dialer, datagram sockets and a name resolver. Types only; `tests/conformance/` is the
 * executable half of this definition.
 *
 * @module
 */
import type { BufferPool } from "./buffer_pool.ts";
import type { TransportError } from "./errors.ts";
import type { StopSignal } from "./on_abort.ts";

/** One end of a connection. */
export interface Endpoint {
  /** IP address as text, without brackets; a name where one may be given. */
  readonly host: string;
  /** TCP or UDP port, 0 to 65,535; 0 asks the system to choose. */
  readonly port: number;
}

/**
 * A byte stream in both directions, each of which ends on its own.
 *
 * Errors of both streams are `TransportError`s. The holder of a connection
 * owns it and must `close()` it, however its streams ended.
 */
export interface Connection {
  /** Our own address. */
  readonly local: Endpoint;
  /** The peer's address. */
  readonly remote: Endpoint;
  /**
   * What the peer sends, until its FIN. Chunks belong to the reader. Nothing is
   * read ahead beyond one buffer, so an unread stream stalls the peer.
   * Reading to the end or `cancel()` leaves the writing side as it is.
   */
  readonly readable: ReadableStream<Uint8Array>;
  /**
   * What we send. A chunk is borrowed until its `write()` settles, which is
   * when the system has taken all of it. `close()` is a half-close: FIN
   * after everything written, reading goes on. `abort()` closes it all.
   */
  readonly writable: WritableStream<Uint8Array>;
  /**
   * Shortcut past `readable`: the next chunk, or `undefined` at the end. Use one
   * or the other, and one read at a time. An adapter without it is served
   * through the stream.
   */
  read?(): Promise<Uint8Array | undefined>;
  /**
   * Shortcut past `writable`: settles when the system has taken all of the
   * chunk. Use one or the other, and one write at a time.
   */
  write?(chunk: Uint8Array): Promise<void>;
  /**
   * Reads at once, where the adapter can: the next chunk, or `"end"` after the
   * peer's FIN; `undefined` if nothing has come yet, and `onReady` is called
   * when something may have. Not while a `read()` waits.
   *
   * @throws {TransportError} As `read()` rejects.
   */
  tryRead?(): Uint8Array | "end" | undefined;
  /**
   * Writes at once, where the adapter can: there is `tryRead` then, too. Not
   * while a `write()` waits.
   *
   * @param chunk Borrowed for the call.
   * @returns Bytes that the system has taken. If these are not all, `onReady`
   * is called when it may take more.
   * @throws {TransportError} As `write()` rejects.
   */
  tryWrite?(chunk: Uint8Array): number;
  /**
   * Called when a `tryRead` or `tryWrite` that had to wait may go on, sometimes
   * without cause, and when the connection is closed. Never called within one
   * of these two.
   */
  onReady?: (() => void) | undefined;
  /**
   * Takes a chunk of `readable` back for a later read, where the adapter can
   * use it. The caller keeps no view of its memory.
   */
  recycle?(chunk: Uint8Array): void;
  /**
   * Half-close that works while `writable` is locked: FIN after everything
   * written so far. Idempotent.
   */
  closeWrite(): Promise<void>;
  /**
   * Gives the descriptor back at once; pending reads and writes fail with
   * `ERR_NET_CLOSED`. Idempotent.
   */
  close(): void;
  /**
   * Closes with a reset: the peer sees that the stream was cut, and may lose
   * what is on its way. Idempotent. Where `Capabilities.reset` is true.
   */
  reset?(): void;
}

/** A connection that was accepted. */
export interface Accepted {
  /** Owned by the caller. */
  readonly connection: Connection;
  /** The client's own target, if the system redirected it to us. */
  readonly originalDestination?: Endpoint;
  /** The proxy it came through, if that has named the client. */
  readonly via?: Endpoint;
}

/** A socket that accepts connections. */
export interface Listener {
  /** The address of the listener; the port is the real one. */
  readonly address: Endpoint;
  /**
   * The next connection, or `undefined` once the listener is closed.
   *
   * @throws {TransportError} `ERR_NET_DESCRIPTORS` and others; the listener
   * stays usable.
   */
  accept(): Promise<Accepted | undefined>;
  /** Stops listening; accepted connections live on. Idempotent. */
  close(): void;
}

/**
 * How the system redirects what others mean for elsewhere: by changing the
 * target of a connection (`redirect`), or by handing over connections and
 * datagrams as they are (`tproxy`).
 */
export type Redirection = "redirect" | "tproxy";

/** The options of a listener. */
export interface ListenOptions {
  /**
   * Set: what comes was redirected, and its original target comes with it; with
   * `tproxy` the address may be another host's. Where
   * `Capabilities.redirection` is true. Datagrams know `tproxy` alone.
   */
  readonly redirected?: Redirection | undefined;
  /**
   * Lets several sockets listen on one port, among which the system deals new
   * connections out (SO_REUSEPORT). Linux only.
   */
  readonly reusePort?: boolean;
}

/** One UDP datagram that came. */
export interface Datagram {
  /** The receiver owns it; 0 to 65,527 bytes. */
  readonly payload: Uint8Array;
  /** The sender; IPv4 is plain, also on a dual-stack socket. */
  readonly from: Endpoint;
  /** The original target, if the system redirected it to us. */
  readonly to?: Endpoint;
}

/** Takes what comes to a socket, without a promise for each datagram. */
export interface DatagramTaker {
  /** A datagram has come. */
  take(datagram: Datagram): void;
  /**
   * Receiving has failed. The socket stays usable: `handTo` is called again
   * when it shall go on.
   */
  fail(error: TransportError): void;
}

/**
 * What became of a datagram that was posted: nothing is reported of one that the
 * system has taken, and of another one why not, as `send` rejects.
 */
export type Posted = (error?: unknown) => void;

/**
 * A UDP socket that is not connected. What the network says of a
 * datagram sent earlier (ICMP) never fails it.
 *
 * What comes is kept in a queue of `MAX_QUEUED_DATAGRAMS` until it is asked for;
 * what comes while it is full is dropped and counted.
 */
export interface DatagramSocket {
  /** The address of the socket; the port is the real one. */
  readonly address: Endpoint;
  /**
   * Datagrams dropped so far because the queue was full, or the system's buffer
   * where the system says.
   */
  readonly dropped: number;
  /**
   * Bytes of the receive buffer that the system has granted; not set where it
   * does not tell.
   */
  readonly receiveBuffer?: number | undefined;
  /**
   * Hands everything to `taker` from now on, what waits already before this
   * returns. Use this or `receive()`.
   */
  handTo(taker: DatagramTaker): void;
  /**
   * The next datagram, or `undefined` once the socket is closed. An abort of
   * the signal loses no datagram.
   *
   * @throws {TransportError} When the system fails; the socket stays usable.
   */
  receive(options?: WaitOptions): Promise<Datagram | undefined>;
  /**
   * Sends one datagram; settles when the system has taken it, which it may be
   * slow to do.
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
   * Sends one datagram without a promise. What is posted while the system is
   * slow leaves in order, and is bounded by the caller.
   *
   * @param payload Borrowed until `posted` is called.
   * @param to As of `send`.
   * @param posted Called once, at once or later.
   */
  post(payload: Uint8Array, to: Endpoint, posted: Posted): void;
  /** Gives the descriptor back at once; drops what is queued. Idempotent. */
  close(): void;
}

/** Bytes both ways, which no other code reads or writes. */
export interface ByteStream {
  /**
   * The next bytes, or `undefined` at the end.
   *
   * @param signal Its abort rejects the wait with the signal's reason.
   */
  read(signal?: StopSignal): Promise<Uint8Array | undefined>;
  /** Settles when the bytes, which are borrowed, have left. */
  write(bytes: Uint8Array, signal?: StopSignal): Promise<void>;
  /** Ends both ways at once. Idempotent. */
  close(): void;
}

/** The peer of TLS. */
export interface SecureOptions {
  /** Name or IP address that the certificate must hold for. */
  readonly serverName: string;
  /** The signal; its abort gives the handshake up. */
  readonly signal: StopSignal;
}

/**
 * Speaks TLS over a stream, as a client.
 *
 * @param stream Owned by what is returned; closed where it fails.
 * @throws {TransportError} Also for a certificate that does not hold.
 */
export type SecureStream = (
  stream: ByteStream,
  options: SecureOptions,
) => Promise<ByteStream>;

/** The options of a wait; the signal decides how long it lasts. */
export interface WaitOptions {
  /** The signal; its abort rejects the wait with the signal's reason. */
  readonly signal?: StopSignal;
}

/** The security of a connection. */
export interface TlsOptions {
  /** The name or IP address that the certificate must show. */
  readonly serverName: string;
  /** Protocols that are offered (ALPN). */
  readonly protocols: readonly string[];
}

/** The options of a dial. */
export interface DialOptions extends WaitOptions {
  /**
   * TLS is spoken on the connection, and what the caller sends and receives is
   * inside it. Where `Capabilities.tls` is true.
   */
  readonly tls?: TlsOptions | undefined;
}

/**
 * Addresses of this host, as text, that connections and datagrams leave from.
 * Nothing is reached in a family that has none.
 */
export interface OutboundAddresses {
  /** The IPv4 address; without it nothing leaves over IPv4. */
  readonly ipv4?: string;
  /** The IPv6 address; without it nothing leaves over IPv6. */
  readonly ipv6?: string;
}

/** The options of sockets; an option that is not set is the system's choice. */
export interface SocketOptions {
  /** The mark of packets that leave (SO_MARK), 1 to 4,294,967,295. */
  readonly mark?: number;
  /** Name of the network interface by which all goes out. */
  readonly interfaceName?: string;
  /** Class of the packets of what goes out (DSCP), 0 to 63. */
  readonly dscp?: number;
  /** True if TCP takes several paths (MPTCP) with peers that know it. */
  readonly multipath?: boolean;
  /** True if first bytes leave with the first packet (TCP fast open). */
  readonly fastOpen?: boolean;
  /** Milliseconds of quiet until TCP asks whether its peer is there. */
  readonly keepAliveMs?: number;
  /** Milliseconds that sent bytes may stay unconfirmed. */
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

/** The abilities of a transport; it refuses the rest, with the reason. */
export interface Capabilities {
  /** Several sockets can be bound to one UDP port, as several threads need. */
  readonly sharedUdpPort: boolean;
  /** The address that TCP connections leave from can be chosen. */
  readonly outboundAddress: boolean;
  /** Connections can be secured by TLS. */
  readonly tls: boolean;
  /** A connection can be ended by a reset. */
  readonly reset: boolean;
  /** Sockets can be made of descriptors that were inherited. */
  readonly descriptor: boolean;
  /** The receive buffers of UDP sockets can be enlarged. */
  readonly receiveBuffer: boolean;
  /**
   * Several datagrams are received and sent at a time: calls of `send` that
   * overlap leave in order. Elsewhere they may not.
   */
  readonly batch: boolean;
  /** {@link SocketOptions} are kept. */
  readonly socketOptions: boolean;
  /** {@link ListenOptions.redirected} is kept. */
  readonly redirection: boolean;
}

/**
 * Everything a service needs of a runtime's network. Where the adapter was
 * given {@link OutboundAddresses}, `dial` and `bindOutgoing` keep to them.
 */
export interface Transport {
  /** `deno`, `bun`, `linux` or `memory`. */
  readonly name: string;
  /** The abilities beyond the rest of this interface. */
  readonly capabilities: Capabilities;
  /** Big buffers for what is read and written here, used again. */
  readonly buffers: BufferPool;
  /**
   * Starts to listen.
   *
   * @param endpoint IP address (or a name, of which the first address counts).
   * @throws {TransportError} `ERR_NET_ADDRESS_IN_USE` and others.
   */
  listen(endpoint: Endpoint, options?: ListenOptions): Promise<Listener>;
  /**
   * Opens a UDP socket. On `::` it takes and sends IPv4 as well.
   *
   * @param endpoint IP address (or a name, of which the first address counts).
   * @param options Sharing is for transports with `Capabilities.sharedUdpPort`;
   * others leave it out.
   * @throws {TransportError} `ERR_NET_ADDRESS_IN_USE`, `ERR_NET_UNSUPPORTED`
   * and others.
   */
  bind(endpoint: Endpoint, options?: ListenOptions): Promise<DatagramSocket>;
  /**
   * Opens a UDP socket for what goes out, on a port of the system's choice: for
   * both families, or for IPv4 alone where there is no IPv6.
   *
   * @throws {TransportError} As `bind` does. `send` fails with
   * `ERR_NET_UNREACHABLE` in a family without an outbound address.
   */
  bindOutgoing(): Promise<DatagramSocket>;
  /**
   * Opens a connection to one address.
   *
   * @param endpoint An IP address, not a name: see {@link Transport.resolve}.
   * @throws {TransportError} With the cause of the failure as its code;
   * `ERR_NET_TLS`.
   */
  dial(endpoint: Endpoint, options?: DialOptions): Promise<Connection>;
  /**
   * Looks a name up as the system does (`getaddrinfo`).
   *
   * @returns At least one IP address, in the system's order of preference.
   * @throws {TransportError} `ERR_NET_NAME_NOT_FOUND`, `ERR_NET_NAME_TEMPORARY`.
   */
  resolve(host: string, options?: WaitOptions): Promise<string[]>;
  /**
   * Datagrams that its sockets had no room for since the start: see
   * {@link DatagramSocket.dropped}.
   */
  lostDatagrams(): number;
  /**
   * File descriptors this process may have open, where the system says.
   */
  descriptorLimit(): number | undefined;
}
