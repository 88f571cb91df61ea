/**
 * TCP for tests, directly with `node:net`: a stream that is read on request,
 * and a SOCKS5 client that shares no code with the tested program.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { connect, isIPv4, isIPv6, type Socket } from "node:net";
import { within } from "./within.ts";

/** Limit of every wait in milliseconds, unless the caller sets one. */
const STEP_MS = 30_000;

/** An address and a port. */
export interface Address {
  readonly host: string;
  readonly port: number;
}

/** User name and password of RFC 1929. */
export interface Credentials {
  readonly user: string;
  readonly password: string;
}

/** Bytes that a stream reads ahead; then its peer must wait. */
const READ_AHEAD = 512 * 1_024;

/** A TCP connection that is read on request, and otherwise stalls its peer. */
export class TcpStream implements Disposable {
  /** Number of received bytes. */
  received = 0;
  readonly #socket: Socket;
  readonly #chunks: Uint8Array[] = [];
  #queued = 0;
  #ended = false;
  #error: Error | undefined;
  #wake: () => void = () => {};

  /**
   * @param socket A connected socket with `allowHalfOpen`; the stream owns it.
   */
  constructor(socket: Socket) {
    this.#socket = socket;
    socket.setNoDelay(true);
    socket.on("data", (chunk: Uint8Array) => {
      this.received += chunk.length;
      this.#chunks.push(chunk);
      this.#queued += chunk.length;
      if (this.#queued >= READ_AHEAD) socket.pause();
      this.#wake();
    });
    socket.on("end", () => {
      this.#ended = true;
      this.#wake();
    });
    socket.on("error", (error) => {
      this.#error = error;
      this.#wake();
    });
    socket.on("close", () => {
      this.#ended = true;
      this.#wake();
    });
    socket.pause();
  }

  /** Connects; throws the error of the system. */
  static connect({ host, port }: Address): Promise<TcpStream> {
    return within(
      STEP_MS,
      `a connection to ${host}:${port}`,
      new Promise((resolve, reject) => {
        const socket = connect({ host, port, allowHalfOpen: true });
        socket.once("error", reject);
        socket.once("connect", () => {
          socket.off("error", reject);
          resolve(new TcpStream(socket));
        });
      }),
    );
  }

  /** Returns the next bytes, or `undefined` after the peer's FIN. */
  async read(limitMs: number = STEP_MS): Promise<Uint8Array | undefined> {
    if (this.#chunks.length === 0 && !this.#ended && !this.#error) {
      const arrived = new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
      this.#socket.resume();
      await within(
        limitMs,
        () => `bytes from the peer after ${this.received}`,
        arrived,
      );
    }
    const chunk = this.#chunks.shift();
    if (chunk !== undefined) {
      this.#queued -= chunk.length;
      return chunk;
    }
    if (this.#error) throw this.#error;
    return undefined;
  }

  /** Reads exactly `length` bytes; further bytes stay for the next read. */
  async readExactly(length: number): Promise<Uint8Array> {
    const parts: Uint8Array[] = [];
    let missing = length;
    while (missing > 0) {
      const chunk = await this.read();
      if (chunk === undefined) {
        throw new Error(`The peer ended ${missing} bytes early`);
      }
      parts.push(chunk.subarray(0, missing));
      if (chunk.length > missing) this.unread(chunk.subarray(missing));
      missing -= Math.min(missing, chunk.length);
    }
    return Buffer.concat(parts);
  }

  /** Puts bytes back: the next read returns them. */
  unread(chunk: Uint8Array): void {
    this.#chunks.unshift(chunk);
    this.#queued += chunk.length;
  }

  /** Reads everything until the peer's FIN. */
  async readAll(): Promise<Uint8Array> {
    const parts: Uint8Array[] = [];
    for (;;) {
      const chunk = await this.read();
      if (chunk === undefined) return Buffer.concat(parts);
      parts.push(chunk);
    }
  }

  /** Writes and waits until the system has accepted everything. */
  write(bytes: Uint8Array): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#socket.write(bytes, (error) => error ? reject(error) : resolve());
    });
  }

  /** Half-close: sends FIN after everything written. */
  end(): void {
    this.#socket.end();
  }

  /** Closes the connection with a reset. */
  reset(): void {
    this.#socket.resetAndDestroy();
  }

  /** Closes the connection. Idempotent. */
  close(): void {
    this.#socket.destroy();
  }

  /** Same as {@link TcpStream.close}. */
  [Symbol.dispose](): void {
    this.close();
  }
}

/** Thrown if the proxy refuses a CONNECT. */
export class SocksRefusal extends Error {
  /** The reply code of RFC 1928 §6. */
  readonly rep: number;

  /** @param rep The reply code. */
  constructor(rep: number) {
    super(`The SOCKS proxy answered ${rep}`);
    this.rep = rep;
  }
}

/**
 * Connects through a SOCKS5 proxy.
 *
 * @throws {SocksRefusal} If the proxy refuses.
 */
export async function socksConnect(
  proxy: Address,
  target: Address,
  credentials?: Credentials,
): Promise<TcpStream> {
  const stream = await TcpStream.connect(proxy);
  try {
    const method = credentials ? 2 : 0;
    await stream.write(Uint8Array.of(5, 1, method));
    const [version, chosen] = await stream.readExactly(2);
    if (version !== 5 || chosen !== method) {
      throw new Error(`The SOCKS proxy chose ${version} ${chosen}`);
    }
    if (credentials) await authenticate(stream, credentials);
    await stream.write(encodeRequest(target));
    const [, rep, , atyp] = await stream.readExactly(4);
    if (rep !== 0) throw new SocksRefusal(rep!);
    // Some proxies answer with a name.
    const length = atyp === 3
      ? (await stream.readExactly(1))[0]!
      : atyp === 4
      ? 16
      : 4;
    await stream.readExactly(length + 2);
    return stream;
  } catch (error) {
    stream.close();
    throw error;
  }
}

async function authenticate(
  stream: TcpStream,
  { user, password }: Credentials,
): Promise<void> {
  const name = Buffer.from(user);
  const secret = Buffer.from(password);
  await stream.write(
    Buffer.concat([
      Uint8Array.of(1, name.length),
      name,
      Uint8Array.of(secret.length),
      secret,
    ]),
  );
  const [, status] = await stream.readExactly(2);
  if (status !== 0) throw new Error("The SOCKS proxy refused the password");
}

/** Encodes a CONNECT request. */
function encodeRequest({ host, port }: Address): Uint8Array {
  return Buffer.concat([
    Uint8Array.of(5, 1, 0),
    encodeHost(host),
    Uint8Array.of(port >> 8, port & 255),
  ]);
}

/** Encodes ATYP and address in the form of SOCKS5. */
export function encodeHost(host: string): Uint8Array {
  if (isIPv4(host)) return Uint8Array.of(1, ...host.split(".").map(Number));
  if (isIPv6(host)) return Uint8Array.of(4, ...ipv6Bytes(host));
  const name = Buffer.from(host);
  return Buffer.concat([Uint8Array.of(3, name.length), name]);
}

function ipv6Bytes(host: string): number[] {
  const [head, tail] = host.split("::").map((half) =>
    half.split(":").filter(Boolean).map((group) => parseInt(group, 16))
  );
  const zeros = 8 - head!.length - (tail?.length ?? 0);
  const groups = [...head!, ...new Array(zeros).fill(0), ...tail ?? []];
  return groups.flatMap((group) => [group >> 8, group & 255]);
}
