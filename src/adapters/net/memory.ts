/**
 * A network inside the process: bounded buffers, half-close, resets and
 * scripted failures, without timers, so that every run of a test is the same.
 *
 * @module
 */
import { BufferPool } from "../../buffer_pool.ts";
import { abortable } from "../../clock.ts";
import { TransportError, type TransportErrorCode } from "../../errors.ts";
import type {
  Accepted,
  Capabilities,
  Connection,
  DatagramSocket,
  DialOptions,
  Endpoint,
  Listener,
  OutboundAddresses,
  Transport,
  WaitOptions,
} from "../../transport.ts";
import { ReadyConnection } from "./_connection.ts";
import { type DatagramScript, MemoryDatagrams } from "./_memory_datagrams.ts";
import { MemorySocket } from "./_memory_socket.ts";
import { bindOutgoing, outboundFor } from "./_outgoing.ts";

export type { DatagramScript };

/** The behaviour of the network besides carrying bytes. */
export interface MemoryOptions extends DatagramScript {
  /** Addresses by name. Other names do not exist, except `localhost`. */
  readonly names?: Readonly<Record<string, readonly string[]>>;
  /**
   * The outcome of dialling `host:port`; `hang` waits for the signal. It is
   * looked up at every dial, so that a test may change it.
   */
  readonly dialFailures?: ReadonlyMap<string, TransportErrorCode | "hang">;
  /** Maximum of bytes that one read returns; default: all that wait. */
  readonly split?: number;
  /** Maximum of bytes under way in each direction; default 65,536. */
  readonly capacity?: number;
  /** The result of `descriptorLimit()`; default `undefined`. */
  readonly descriptorLimit?: number;
  /** The source addresses of connections; default 127.0.0.1 and ::1. */
  readonly outbound?: OutboundAddresses;
}

/** A connection that a test can reset. */
export interface MemoryConnection extends Connection {
  /** Closes at once; the peer sees `ERR_NET_RESET`. */
  reset(): void;
}

/** A private network; see {@link memoryTransport}. */
export interface MemoryTransport extends Transport {
  /** Number of open ends: 2 for each connection in use. */
  readonly openConnections: number;
  /** Number of listening ports. */
  readonly openListeners: number;
  /** Number of open UDP sockets. */
  readonly openSockets: number;
  /** All dials as `host:port`, in order. */
  readonly dialled: readonly string[];
  /**
   * Makes one accept fail: the waiting one, or else the next. The connection
   * that it would have returned is kept for the accept after it.
   */
  failNextAccept(code: TransportErrorCode): void;
  /** Dials like {@link Transport}; the connection can be reset. */
  dial(endpoint: Endpoint, options?: DialOptions): Promise<MemoryConnection>;
}

/**
 * Makes a private network. A dial succeeds if something listens on the address,
 * or on `0.0.0.0` or `::`, with that port.
 */
export function memoryTransport(options: MemoryOptions = {}): MemoryTransport {
  return new Network(options);
}

class Network implements MemoryTransport {
  readonly name = "memory";
  readonly capabilities: Capabilities = {
    sharedUdpPort: false,
    outboundAddress: true,
    tls: false,
    reset: true,
    descriptor: false,
    receiveBuffer: false,
    batch: false,
    socketOptions: false,
    redirection: false,
  };
  readonly buffers: BufferPool = new BufferPool();
  readonly dialled: string[] = [];
  readonly acceptFailures: TransportErrorCode[] = [];
  readonly listeners: Map<string, MemoryListener> = new Map();
  openConnections = 0;
  readonly #options: MemoryOptions;
  readonly #datagrams: MemoryDatagrams;
  #nextListenPort = 40_000;
  #nextClientPort = 50_000;

  constructor(options: MemoryOptions) {
    this.#options = options;
    this.#datagrams = new MemoryDatagrams(options);
  }

  get openSockets(): number {
    return this.#datagrams.size;
  }

  get openListeners(): number {
    return this.listeners.size;
  }

  listen({ host, port }: Endpoint): Promise<Listener> {
    const address = { host, port: port || this.#nextListenPort++ };
    if (this.listeners.has(key(address))) {
      return failure("ERR_NET_ADDRESS_IN_USE", `listen on ${key(address)}`);
    }
    const listener = new MemoryListener(this, address);
    this.listeners.set(key(address), listener);
    return Promise.resolve(listener);
  }

  dial(
    endpoint: Endpoint,
    { signal, tls }: DialOptions = {},
  ): Promise<MemoryConnection> {
    if (signal?.aborted) return Promise.reject(signal.reason);
    if (tls !== undefined) return failure("ERR_NET_UNSUPPORTED", "speak TLS");
    const { host, port } = endpoint;
    let source = host.includes(":") ? "::1" : "127.0.0.1";
    try {
      source = outboundFor(host, this.#options.outbound) ?? source;
    } catch (error) {
      return Promise.reject(error);
    }
    this.dialled.push(key(endpoint));
    const scripted = this.#options.dialFailures?.get(key(endpoint));
    if (scripted === "hang") return abortable(new Promise(() => {}), signal);
    if (scripted !== undefined) {
      return failure(scripted, `connect to ${key(endpoint)}`);
    }
    const listener = [host, "0.0.0.0", "::"]
      .map((address) => this.listeners.get(key({ host: address, port })))
      .find((found) => found !== undefined);
    if (listener === undefined) {
      return failure("ERR_NET_REFUSED", `connect to ${key(endpoint)}`);
    }
    const client = { host: source, port: this.#nextClientPort++ };
    const { split = Infinity, capacity = 65_536 } = this.#options;
    const [near, far] = MemorySocket.pair(client, { host, port }, {
      split,
      capacity,
      onClose: () => this.openConnections--,
    });
    this.openConnections += 2;
    listener.push(new ReadyConnection(far));
    return Promise.resolve(new ReadyConnection(near));
  }

  bind(endpoint: Endpoint): Promise<DatagramSocket> {
    return this.#datagrams.bind(endpoint);
  }

  bindOutgoing(): Promise<DatagramSocket> {
    return bindOutgoing(
      (endpoint) => this.bind(endpoint),
      this.#options.outbound,
    );
  }

  resolve(host: string, { signal }: WaitOptions = {}): Promise<string[]> {
    if (signal?.aborted) return Promise.reject(signal.reason);
    if (/^[\d.]+$|:/.test(host)) return Promise.resolve([host]);
    const { names = {} } = this.#options;
    const addresses = Object.hasOwn(names, host)
      ? names[host]!
      : host === "localhost"
      ? ["127.0.0.1"]
      : [];
    return addresses.length > 0
      ? Promise.resolve([...addresses])
      : failure("ERR_NET_NAME_NOT_FOUND", `resolve ${host}`);
  }

  lostDatagrams(): number {
    return this.#datagrams.lost.total;
  }

  descriptorLimit(): number | undefined {
    return this.#options.descriptorLimit;
  }

  failNextAccept(code: TransportErrorCode): void {
    for (const listener of this.listeners.values()) {
      if (listener.rejectWaiting(code)) return;
    }
    this.acceptFailures.push(code);
  }
}

type Waiting = PromiseWithResolvers<Accepted | undefined>;

class MemoryListener implements Listener {
  readonly address: Endpoint;
  readonly #network: Network;
  readonly #queue: ReadyConnection[] = [];
  readonly #waiting: Waiting[] = [];
  #closed = false;

  constructor(network: Network, address: Endpoint) {
    this.#network = network;
    this.address = address;
  }

  accept(): Promise<Accepted | undefined> {
    if (this.#closed) return Promise.resolve(undefined);
    const code = this.#network.acceptFailures.shift();
    if (code !== undefined) return failure(code, "accept");
    const next = this.#queue.shift();
    if (next !== undefined) return Promise.resolve({ connection: next });
    const waiting: Waiting = Promise.withResolvers();
    this.#waiting.push(waiting);
    return waiting.promise;
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#network.listeners.delete(key(this.address));
    for (const connection of this.#queue.splice(0)) connection.reset();
    for (const waiting of this.#waiting.splice(0)) waiting.resolve(undefined);
  }

  push(connection: ReadyConnection): void {
    const waiting = this.#waiting.shift();
    if (waiting === undefined) this.#queue.push(connection);
    else waiting.resolve({ connection });
  }

  rejectWaiting(code: TransportErrorCode): boolean {
    const waiting = this.#waiting.shift();
    waiting?.reject(transportError(code, "accept"));
    return waiting !== undefined;
  }
}

function key({ host, port }: Endpoint): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

function failure(code: TransportErrorCode, action: string): Promise<never> {
  return Promise.reject(transportError(code, action));
}

function transportError(
  code: TransportErrorCode,
  action: string,
): TransportError {
  return new TransportError(code, `Cannot ${action}: ${code}`);
}
