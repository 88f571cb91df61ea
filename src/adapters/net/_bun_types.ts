/**
 * The part of Bun's socket API that the adapter uses. Bun's own types conflict
 * with Deno's, and are incomplete: `write` returns -1 for a closed socket.
 *
 * @module
 */

/** A socket whose `data` is the adapter's own state. */
export interface BunSocket<T> {
  data: T;
  /** The descriptor; -1 when the socket is closed. Undocumented. */
  readonly fd: number;
  readonly localAddress: string | undefined;
  readonly localPort: number;
  readonly remoteAddress: string | undefined;
  readonly remotePort: number;
  /**
   * @returns The number of accepted bytes; 0 if the buffer is full, -1 if the
   * socket is closed.
   */
  write(data: Uint8Array): number;
  /** Sends FIN. */
  shutdown(): void;
  /** Calls `close(2)`, despite its name. */
  end(): void;
  /** Sends RST. */
  terminate(): void;
  pause(): void;
  resume(): void;
}

/** Callbacks for all sockets of a listener or of a dial. */
export interface BunHandlers<T> {
  readonly binaryType: "uint8array";
  open(socket: BunSocket<T>): void;
  data(socket: BunSocket<T>, chunk: Uint8Array): void;
  drain(socket: BunSocket<T>): void;
  end(socket: BunSocket<T>): void;
  close(socket: BunSocket<T>, error?: Error): void;
  error(socket: BunSocket<T>, error: Error): void;
  connectError(socket: BunSocket<T>, error: Error): void;
}

/** Address and callbacks for a new socket. */
export interface BunSocketOptions<T> {
  readonly hostname: string;
  readonly port: number;
  readonly allowHalfOpen: true;
  readonly reusePort?: boolean;
  /** Undocumented: the descriptor of a listening socket. */
  readonly fd?: number;
  readonly socket: BunHandlers<T>;
}

/** A listening socket. */
export interface BunTcpListener {
  readonly hostname: string;
  readonly port: number;
  /** Stops listening; accepted sockets stay open. */
  stop(): void;
}

/** The global `Bun`. */
export interface BunNet {
  listen<T>(options: BunSocketOptions<T>): BunTcpListener;
  connect<T>(
    options: BunSocketOptions<T> & {
      /** Undocumented: the address to bind before connecting. */
      readonly localAddress?: string;
    },
  ): Promise<BunSocket<T>>;
}

/** A UDP socket. */
export interface BunUdpSocket {
  readonly hostname: string;
  readonly port: number;
  /**
   * @param address An IP address.
   * @returns False if the buffer is full; `drain` is called later.
   */
  send(data: Uint8Array, port: number, address: string): boolean;
  close(): void;
}

/** Callbacks of a UDP socket. */
export interface BunUdpHandlers {
  data(
    socket: BunUdpSocket,
    data: Uint8Array,
    port: number,
    address: string,
  ): void;
  drain(): void;
  /** Receives only the error, unlike in Bun's own types. */
  error(error: Error): void;
}

/** The UDP part of the global `Bun`. */
export interface BunUdp {
  udpSocket(options: {
    readonly hostname: string;
    readonly port: number;
    readonly binaryType: "uint8array";
    readonly socket: BunUdpHandlers;
  }): Promise<BunUdpSocket>;
  udpSocket(options: {
    readonly hostname: string;
    readonly port: number;
    readonly connect: { readonly hostname: string; readonly port: number };
  }): Promise<Pick<BunUdpSocket, "close">>;
}
