/**
 * Connections inside TLS with node:tls. It behaves the same on Deno and Bun: it
 * checks the certificate before anything is sent, and ends each direction
 * separately.
 *
 * @module
 */
import { isIP } from "node:net";
import { connect, type TLSSocket } from "node:tls";
import { TransportError } from "../../errors.ts";
import { onAbort } from "../../on_abort.ts";
import type {
  Connection,
  DialOptions,
  Endpoint,
  TlsOptions,
  WaitOptions,
} from "../../transport.ts";
import { AskedConnection, type AskedSocket } from "./_connection.ts";
import { CLOSED, toTransportError } from "./_errors.ts";
import { plainAddress } from "./_resolve.ts";

/** Connects without TLS. */
type Dial = (to: Endpoint, options?: WaitOptions) => Promise<Connection>;

/**
 * Connects with TLS if the caller asks for it.
 *
 * @param plain Connects without TLS.
 * @param from Returns the source address; default: the system chooses.
 */
export function dialWith(
  plain: Dial,
  from: (host: string) => string | undefined = () => undefined,
): (to: Endpoint, options?: DialOptions) => Promise<Connection> {
  // Not async, to save a step for every connection without TLS.
  return (to, options) =>
    options?.tls === undefined
      ? plain(to, options)
      : dialTls(to, options.tls, options, from);
}

/**
 * @throws {TransportError} `ERR_NET_TLS`, and the errors of a dial without TLS.
 */
async function dialTls(
  { host, port }: Endpoint,
  { serverName, protocols }: TlsOptions,
  { signal }: WaitOptions,
  from: (host: string) => string | undefined,
): Promise<Connection> {
  signal?.throwIfAborted();
  const localAddress = from(host);
  const options = {
    host,
    port,
    ALPNProtocols: [...protocols],
    allowHalfOpen: true,
    // For an IP address no server name is sent: RFC 6066 §3.
    ...isIP(serverName) === 0 && { servername: serverName },
    ...localAddress !== undefined && { localAddress },
  };
  const socket = connect(options);
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  let isConnected = false;
  socket.once("connect", () => isConnected = true);
  socket.once("secureConnect", resolve);
  socket.once("error", reject);
  socket.once("close", () => reject(new Error("the connection was closed")));
  const leave = signal && onAbort(signal, () => reject(signal.reason));
  try {
    await promise;
    checkSource(socket, localAddress);
    return new AskedConnection(new TlsConnection(socket));
  } catch (error) {
    socket.destroy();
    signal?.throwIfAborted();
    throw dialError(error, { host, port }, serverName, isConnected);
  } finally {
    leave?.();
  }
}

/**
 * Checks the source address: a runtime that ignored `localAddress` would
 * connect from another address without an error.
 */
function checkSource(socket: TLSSocket, from: string | undefined): void {
  const host = plainAddress(socket.localAddress ?? "");
  if (from === undefined || host === from) return;
  throw new TransportError(
    "ERR_NET_UNSUPPORTED",
    `Cannot connect from ${from}: with TLS the runtime connected from ${host}`,
  );
}

/**
 * Converts an error of the network as without TLS, and any other error to a TLS
 * error.
 */
function dialError(
  error: unknown,
  { host, port }: Endpoint,
  serverName: string,
  isConnected: boolean,
): TransportError {
  const failure = toTransportError(error, `connect to ${host} port ${port}`);
  if (!isConnected && failure.code !== "ERR_NET_OTHER") return failure;
  return new TransportError(
    "ERR_NET_TLS",
    `Cannot secure the connection to ${serverName} port ${port}: ` +
      `${(error as Error).message}`,
    { cause: error },
  );
}

class TlsConnection implements AskedSocket {
  readonly local: Endpoint;
  readonly remote: Endpoint;
  readonly #socket: TLSSocket;
  #failure: Error | undefined;
  #hasEnded = false;
  #isClosed = false;
  /** Wakes the waiting reader. */
  #wake: () => void = () => {};

  constructor(socket: TLSSocket) {
    this.#socket = socket;
    this.local = endpoint(socket.localAddress, socket.localPort);
    this.remote = endpoint(socket.remoteAddress, socket.remotePort);
    socket.on("readable", () => this.#wake());
    socket.on("end", () => {
      this.#hasEnded = true;
      this.#wake();
    });
    socket.on("error", (error) => {
      this.#failure ??= error;
      this.#wake();
    });
    socket.on("close", () => {
      if (!this.#hasEnded) this.#failure ??= cutOff();
      this.#wake();
    });
  }

  async read(): Promise<Uint8Array | undefined> {
    for (;;) {
      const chunk: Uint8Array | null = this.#socket.read();
      if (this.#isClosed) throw CLOSED;
      if (chunk !== null) return chunk;
      if (this.#hasEnded) return undefined;
      if (this.#failure !== undefined) {
        throw toTransportError(this.#failure, "read");
      }
      await new Promise<void>((resolve) => this.#wake = resolve);
    }
  }

  write(chunk: Uint8Array): Promise<void> {
    return new Promise((resolve, reject) => {
      const settle = (error?: Error | null): void =>
        error ? reject(error) : resolve();
      this.#socket.write(chunk, settle);
    });
  }

  shutdown(): undefined {
    this.#socket.end();
  }

  close(): void {
    this.#isClosed = true;
    this.#socket.destroy();
    this.#wake();
  }
}

/**
 * Returns the error of a connection that ended without the closing alert of
 * TLS: RFC 8446 §6.1.
 */
function cutOff(): TransportError {
  return new TransportError("ERR_NET_RESET", "TLS was cut off");
}

function endpoint(host = "", port = 0): Endpoint {
  return { host: plainAddress(host), port };
}
