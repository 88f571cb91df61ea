/**
 * TCP and UDP on Deno.
 *
 * It uses `read`, `write` and `closeWrite`, because `conn.readable` and
 * `conn.writable` close the whole connection when either side ends.
 *
 * @module
 */
import { toAbortSignal } from "../../on_abort.ts";
import { BufferPool } from "../../buffer_pool.ts";
import { TransportError } from "../../errors.ts";
import {
  MAX_FIRST_BUFFERS,
  MAX_READ_BUFFER,
  MIN_READ_BUFFER,
  QUIET_READ_BUFFER,
} from "../../limits.ts";
import type {
  Accepted,
  Connection,
  Endpoint,
  Listener,
  ListenOptions,
  OutboundAddresses,
  Transport,
  WaitOptions,
} from "../../transport.ts";
import { AskedConnection, type AskedSocket } from "./_connection.ts";
import { bindDeno, LOST } from "./_deno_datagrams.ts";
import {
  descriptorLimit,
  raiseDescriptorLimit,
} from "../system/_descriptors.ts";
import { libc } from "../system/_libc.ts";
import { refuseInheritedSocket } from "../system/inherited_sockets.ts";
import { turnsOf } from "./_turns.ts";
import { CLOSED, toTransportError } from "./_errors.ts";
import { dialWith } from "./_tls.ts";
import { bindOutgoing } from "./_outgoing.ts";
import { countReader, countWaiting, longestRead } from "./_read_size.ts";
import { plainAddress, resolve } from "./_resolve.ts";
import { listenWithoutIpv6 } from "./_without_ipv6.ts";

/**
 * The turns of busy connections: 20 ms. Tokio, on which Deno runs, polls all
 * sockets every 61 turns; 64 take 0.1 ms, and a timer would take 1 to 2 ms.
 */
const othersTurn = turnsOf(20, 64);

/**
 * Returns the system's network. Deno needs `--allow-net`, which may name the
 * addresses to listen on and to connect to.
 *
 * @param outbound Source addresses of datagrams; default: the system chooses.
 * With them connections are not possible: see docs/decisions/0033.
 */
export function denoTransport(outbound?: OutboundAddresses): Transport {
  raiseDescriptorLimit();
  return {
    name: "deno",
    capabilities: {
      sharedUdpPort: false,
      outboundAddress: false,
      tls: true,
      reset: false,
      descriptor: false,
      receiveBuffer: libc() !== undefined,
      batch: false,
      socketOptions: false,
      redirection: false,
    },
    buffers: BUFFERS,
    listen: (endpoint, options) =>
      listenWithoutIpv6(endpoint, (one) => listen(one, options)),
    dial: outbound === undefined ? dialWith(dial) : noDial,
    bind: (endpoint) => listenWithoutIpv6(endpoint, bindDeno),
    bindOutgoing: () => bindOutgoing(bindDeno, outbound),
    resolve,
    lostDatagrams: () => LOST.total,
    descriptorLimit,
  };
}

/**
 * Listeners that were closed. While a listener accepts, Deno frees its port
 * only in a later turn.
 */
const CLOSING = new Set<Promise<void>>();

async function listen(
  { host, port }: Endpoint,
  { reusePort = false }: ListenOptions = {},
): Promise<Listener> {
  await Promise.all(CLOSING);
  try {
    // Without the flag Deno would exit the process instead of throwing.
    if (reusePort && typeof Deno.listenDatagram !== "function") {
      throw new Error("sharing a port needs deno run --unstable-net");
    }
    refuseInheritedSocket({ host, port }, "tcp", "Deno");
    const listener = Deno.listen({ hostname: host, port, reusePort });
    return new DenoListener(listener);
  } catch (error) {
    throw toTransportError(error, `listen on ${host} port ${port}`);
  }
}

async function dial(
  { host, port }: Endpoint,
  { signal }: WaitOptions = {},
): Promise<Connection> {
  signal?.throwIfAborted();
  try {
    const connection = await Deno.connect({
      hostname: host,
      port,
      ...(signal && { signal: toAbortSignal(signal) }),
    });
    return openConnection(connection);
  } catch (error) {
    signal?.throwIfAborted();
    throw toTransportError(error, `connect to ${host} port ${port}`);
  }
}

function noDial(): Promise<never> {
  return Promise.reject(
    new TransportError(
      "ERR_NET_UNSUPPORTED",
      "Deno cannot choose the source address of a TCP connection; use " +
        "--transport linux",
    ),
  );
}

class DenoListener implements Listener {
  readonly address: Endpoint;
  readonly #listener: Deno.TcpListener;
  #last: Promise<Accepted | undefined> = Promise.resolve(undefined);
  #closed = false;

  constructor(listener: Deno.TcpListener) {
    this.#listener = listener;
    this.address = toEndpoint(listener.addr);
  }

  accept(): Promise<Accepted | undefined> {
    return this.#last = this.#acceptAfter(this.#last);
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#listener.close();
    const over = (): void => {
      CLOSING.delete(closing);
    };
    const closing = this.#last.then(over, over);
    CLOSING.add(closing);
  }

  /** Accepts the next connection; Deno allows one waiting accept only. */
  async #acceptAfter(
    last: Promise<Accepted | undefined>,
  ): Promise<Accepted | undefined> {
    await Promise.allSettled([last]);
    for (;;) {
      if (this.#closed) return undefined;
      try {
        return { connection: openConnection(await this.#listener.accept()) };
      } catch (error) {
        if (this.#closed) return undefined;
        const failure = toTransportError(error, "accept");
        // The client reset the connection while it waited. The next accept is
        // not affected, otherwise strangers could stop the listener.
        if (failure.code !== "ERR_NET_RESET") throw failure;
      }
    }
  }
}

/** Large buffers of all connections. */
const BUFFERS = new BufferPool();

/** Buffers that first reads have used and returned. */
const FIRST_BUFFERS: Uint8Array[] = [];

class DenoSocket implements AskedSocket {
  readonly local: Endpoint;
  readonly remote: Endpoint;
  readonly #connection: Deno.TcpConn;
  #readSize = MIN_READ_BUFFER;
  #isBusy = false;
  #isClosed = false;
  /** The smallest buffer, while no read uses it. */
  #quiet: Uint8Array | undefined;

  constructor(connection: Deno.TcpConn) {
    this.#connection = connection;
    this.local = toEndpoint(connection.localAddr);
    this.remote = toEndpoint(connection.remoteAddr);
  }

  /**
   * One async function, not two: every idle connection keeps its promise in
   * memory.
   */
  async read(): Promise<Uint8Array | undefined> {
    const isBig = this.#readSize > MIN_READ_BUFFER;
    const turn = isBig ? othersTurn() : undefined;
    if (turn !== undefined) await turn;
    const size = isBig
      ? Math.min(this.#readSize, longestRead())
      : this.#readSize;
    try {
      const buffer = this.#borrow(size);
      const count = await this.#connection.read(buffer);
      // A read may settle after the close; its buffer would then never be
      // returned.
      if (!this.#isClosed) {
        return count === null ? undefined : this.#received(buffer, count, size);
      }
    } catch (error) {
      if (!this.#isClosed) throw toTransportError(error, "read");
    }
    throw CLOSED;
  }

  recycle(chunk: Uint8Array): void {
    BUFFERS.give(chunk);
  }

  #borrow(size: number): Uint8Array {
    if (size > MIN_READ_BUFFER) return BUFFERS.take(size);
    if (size === MIN_READ_BUFFER) {
      return FIRST_BUFFERS.pop() ?? new Uint8Array(size);
    }
    const quiet = this.#quiet ?? new Uint8Array(size);
    this.#quiet = undefined;
    return quiet;
  }

  /** Chooses the size of the next read by the fill of this buffer. */
  #received(buffer: Uint8Array, count: number, size: number): Uint8Array {
    if (size > MIN_READ_BUFFER) return this.#receivedBig(buffer, count);
    if (count === size) {
      this.#readSize = 4 * count;
      return buffer;
    }
    return size === MIN_READ_BUFFER
      ? this.#receivedFirst(buffer, count)
      : this.#receivedQuiet(buffer, count);
  }

  /**
   * Handles a read of a quiet connection, which keeps this buffer; the few
   * bytes are copied out.
   */
  #receivedQuiet(buffer: Uint8Array, count: number): Uint8Array {
    this.#quiet = buffer;
    return buffer.slice(0, count);
  }

  /**
   * Handles the first read of a connection; most begin with a few bytes, which
   * are copied out.
   */
  #receivedFirst(buffer: Uint8Array, count: number): Uint8Array {
    if (count > QUIET_READ_BUFFER) return buffer.subarray(0, count);
    this.#readSize = QUIET_READ_BUFFER;
    if (FIRST_BUFFERS.length < MAX_FIRST_BUFFERS) FIRST_BUFFERS.push(buffer);
    return buffer.slice(0, count);
  }

  /**
   * Handles a read of a busy connection, which borrows large buffers, and
   * smaller ones when it slows down.
   */
  #receivedBig(buffer: Uint8Array, count: number): Uint8Array {
    const size = buffer.length;
    if (count === size) this.#readSize = Math.min(4 * size, MAX_READ_BUFFER);
    else if (4 * count <= size) this.#readSize = MIN_READ_BUFFER;
    else this.#readSize = Math.max(MIN_READ_BUFFER, size / 4);
    this.#setBusy(this.#readSize > MIN_READ_BUFFER);
    return BUFFERS.shorten(buffer, count);
  }

  async write(chunk: Uint8Array): Promise<void> {
    countWaiting(chunk.length);
    try {
      let written = 0;
      while (written < chunk.length) {
        written += await this.#connection.write(
          written === 0 ? chunk : chunk.subarray(written),
        );
      }
    } finally {
      countWaiting(-chunk.length);
    }
  }

  shutdown(): Promise<void> {
    return this.#connection.closeWrite();
  }

  close(): void {
    this.#setBusy(false);
    this.#isClosed = true;
    this.#connection.close();
  }

  #setBusy(isBusy: boolean): void {
    if (isBusy === this.#isBusy) return;
    this.#isBusy = isBusy;
    countReader(isBusy);
  }
}

/**
 * Disables Nagle's algorithm, which is on by default in Deno and would delay
 * small chunks.
 */
function openConnection(connection: Deno.TcpConn): Connection {
  try {
    connection.setNoDelay();
    return new AskedConnection(new DenoSocket(connection));
  } catch (error) {
    connection.close();
    throw error;
  }
}

function toEndpoint({ hostname, port }: Deno.NetAddr): Endpoint {
  return { host: plainAddress(hostname), port };
}
