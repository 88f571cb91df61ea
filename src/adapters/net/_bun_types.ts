/**
 * The part of Bun's socket API that is used here. Its full types clash with
 * Deno's, and state less: `write` returns -1 on a closed socket.
 *
 * @module
 */

/** A socket whose `data` is the adapter's own state. */
export interface BunSocket<T> {
  data: T;
  /** The descriptor, -1 once the socket is closed. Undocumented. */
  readonly fd: number;
  readonly localAddress: string | undefined;
  readonly localPort: number;
  readonly remoteAddress: string | undefined;
  readonly remotePort: number;
  /** @returns Bytes taken, 0 when the buffer is full, -1 when closed. */
  write(data: Uint8Array): number;
  /** FIN. */
  shutdown(): void;
  /** `close(2)`, whatever its name says. */
  end(): void;
  /** RST. */
  terminate(): void;
  pause(): void;
  resume(): void;
}

/** Callbacks, shared by all sockets of a listener or of a dial. */
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
  /** Undocumented: a socket that listens already. */
  readonly fd?: number;
  readonly socket: BunHandlers<T>;
}

/** A socket that accepts. */
export interface BunTcpListener {
  readonly hostname: string;
  readonly port: number;
  /** Accepted sockets live on. */
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
   * @returns `false` when the buffer is full; `drain` follows.
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
  /** Gets the error alone, whatever Bun's own types say. */
  error(error: Error): void;
}

/** The part of the global `Bun` that is about UDP. */
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
