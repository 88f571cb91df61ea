/**
 * TLS as a client over any stream, with `node:tls`, which both runtimes have.
 *
 * Security: the certificate must be valid for the name, by the authorities that
 * the runtime trusts. Deno: `DENO_CERT`, `DENO_TLS_CA_STORE`; Bun:
 * `NODE_EXTRA_CA_CERTS`.
 *
 * @module
 */
import { isIP } from "node:net";
import { Duplex } from "node:stream";
import { connect, type TLSSocket } from "node:tls";
import { TransportError } from "../../errors.ts";
import { onAbort, type StopSignal } from "../../on_abort.ts";
import type { ByteStream, SecureOptions } from "../../transport.ts";

/**
 * Performs the handshake.
 *
 * @param stream The stream; the result owns it, and a failure closes it.
 * @throws {TransportError} `ERR_NET_TLS` for an invalid certificate and every
 * other failure; the signal's reason.
 */
export async function secureStream(
  stream: ByteStream,
  { serverName, signal }: SecureOptions,
): Promise<ByteStream> {
  signal.throwIfAborted();
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const socket = connect({
    socket: duplexOf(stream),
    host: serverName,
    // The name of an IP address is not sent, but the certificate must still
    // contain the address.
    ...isIP(serverName) === 0 && { servername: serverName },
    ALPNProtocols: ["http/1.1"],
  }, resolve);
  const secure = new Secure(socket, serverName);
  socket.once("error", (error) => reject(failure(serverName, error)));
  socket.once(
    "close",
    () => reject(failure(serverName, "the connection was closed")),
  );
  const leave = onAbort(signal, () => reject(signal.reason));
  try {
    await promise;
    return secure;
  } catch (error) {
    secure.close();
    throw error;
  } finally {
    leave();
  }
}

/** A TLS stream. Received bytes stay in the socket until they are read. */
class Secure implements ByteStream {
  readonly #socket: TLSSocket;
  readonly #peer: string;
  #failure: unknown;
  #ended = false;
  #wake: () => void = () => {};

  /** @param peer The name of the other end in messages. */
  constructor(socket: TLSSocket, peer: string) {
    this.#socket = socket;
    this.#peer = peer;
    const wake = (): void => this.#wake();
    socket.on("readable", wake);
    const end = (): void => {
      this.#ended = true;
      wake();
    };
    socket.on("end", end);
    socket.on("close", end);
    socket.on("error", (error) => {
      this.#failure ??= failure(this.#peer, error);
      end();
    });
  }

  async read(signal?: StopSignal): Promise<Uint8Array | undefined> {
    for (;;) {
      signal?.throwIfAborted();
      const bytes = this.#socket.read() as Uint8Array | null;
      if (bytes !== null) return new Uint8Array(bytes);
      if (this.#failure !== undefined) throw this.#failure;
      if (this.#ended) return undefined;
      await this.#next(signal);
    }
  }

  async write(bytes: Uint8Array, signal?: StopSignal): Promise<void> {
    signal?.throwIfAborted();
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const leave = signal && onAbort(signal, () => reject(signal.reason));
    this.#socket.write(
      bytes,
      (error) => error ? reject(failure(this.#peer, error)) : resolve(),
    );
    try {
      await promise;
    } finally {
      leave?.();
    }
  }

  close(): void {
    this.#socket.destroy();
  }

  /** Resolves when bytes have arrived or the signal is aborted. */
  async #next(signal: StopSignal | undefined): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#wake = resolve;
    const leave = signal && onAbort(signal, resolve);
    await promise;
    leave?.();
  }
}

/** Returns a stream in the form of Node. */
function duplexOf(stream: ByteStream): Duplex {
  const stop = new AbortController();
  return new Duplex({
    read(): void {
      stream.read(stop.signal).then(
        (bytes) => {
          this.push(bytes ?? null);
        },
        (error) => this.destroy(error as Error),
      );
    },
    write(chunk: Uint8Array, _encoding, done): void {
      stream.write(new Uint8Array(chunk), stop.signal).then(
        () => done(),
        (error) => done(error as Error),
      );
    },
    destroy(error, done): void {
      stop.abort();
      stream.close();
      done(error);
    },
  });
}

function failure(who: string, cause: unknown): TransportError {
  if (cause instanceof TransportError) return cause;
  const text = cause instanceof Error ? cause.message : String(cause);
  return new TransportError(
    "ERR_NET_TLS",
    `Cannot use TLS with ${who}: ${text}`,
    { cause },
  );
}
