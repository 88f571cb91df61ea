/**
 * The far end of every end-to-end test: a TCP server that does what the first
 * line of a connection says.
 *
 * - `down N`: sends N bytes of {@link pattern}, then FIN.
 * - `up N`: reads N bytes, answers with their SHA-256 in hex, then FIN.
 * - `late N`: reads to the FIN, only then sends N bytes, then FIN.
 * - `echo`: sends back what comes; FIN after FIN.
 * - `early`: sends FIN, then reads to the FIN; see {@link Target.earlyDigest}.
 * - `stall`: reads nothing more.
 * - `cut N`: sends N bytes, reads one more line, then resets.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import { createServer, type Server, type Socket } from "node:net";
import { type Address, TcpStream } from "./tcp.ts";

/** Bytes in a mebibyte. */
export const MIB: number = 1_024 * 1_024;

const PATTERN_LENGTH = 64 * MIB;

/** Bytes of one write; large, because the source should be fast. */
const WRITE_LENGTH = 256 * 1_024;

let patternBytes: Uint8Array | undefined;

/** Returns 64 MiB that look random and are the same in every run. */
export function pattern(): Uint8Array {
  if (patternBytes === undefined) {
    const words = new Uint32Array(PATTERN_LENGTH / 4);
    let state = 0x9e3779b9;
    for (let i = 0; i < words.length; i++) {
      // Xorshift, period 2^32 - 1.
      state ^= state << 13;
      state ^= state >>> 17;
      state ^= state << 5;
      words[i] = state;
    }
    patternBytes = new Uint8Array(words.buffer);
  }
  return patternBytes;
}

/** Returns SHA-256 of the first bytes of the repeated pattern, in hex. */
export function patternDigest(length: number): string {
  const hash = createHash("sha256");
  for (const part of patternParts(length)) hash.update(part);
  return hash.digest("hex");
}

/** Yields the repeated pattern in writes. */
export function* patternParts(length: number): Generator<Uint8Array> {
  const bytes = pattern();
  for (let at = 0; at < length; at += WRITE_LENGTH) {
    const start = at % bytes.length;
    yield bytes.subarray(start, start + Math.min(WRITE_LENGTH, length - at));
  }
}

/**
 * Returns SHA-256 of the next bytes, in hex.
 *
 * @param length Number of bytes; default: up to the FIN.
 */
export async function digestOf(
  stream: TcpStream,
  length: number = Infinity,
): Promise<string> {
  const hash = createHash("sha256");
  for (let seen = 0; seen < length;) {
    const chunk = await stream.read();
    if (chunk === undefined) break;
    hash.update(chunk);
    seen += chunk.length;
  }
  return hash.digest("hex");
}

/** A running target. */
export class Target implements AsyncDisposable {
  /** The listening address. */
  readonly address: Address;
  /** Payload bytes that the system has accepted, over all connections. */
  sent = 0;
  /** Number of accepted connections. */
  accepted = 0;
  /** Number of connections that their clients have reset. */
  resets = 0;
  /** SHA-256, in hex, of the bytes after the first `early`. */
  readonly earlyDigest: Promise<string>;
  #resolveEarly: (digest: string) => void;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  private constructor(server: Server, host: string) {
    const early = Promise.withResolvers<string>();
    this.earlyDigest = early.promise;
    this.#resolveEarly = early.resolve;
    this.#server = server;
    const address = server.address();
    if (address === null || typeof address === "string") {
      throw new Error("The target listens on no port");
    }
    this.address = { host, port: address.port };
    server.on("connection", (socket: Socket) => {
      this.accepted++;
      this.#sockets.add(socket);
      socket.once("close", () => this.#sockets.delete(socket));
      const stream = new TcpStream(socket);
      this.#serve(stream).catch((error) => {
        if (error.code === "ECONNRESET") this.resets++;
        stream.close();
      });
    });
  }

  /** The listening address with a name as host. */
  get named(): Address {
    return { ...this.address, host: "localhost" };
  }

  /** Starts a target on a port that the system chooses. */
  static start(host = "127.0.0.1"): Promise<Target> {
    const server = createServer({ allowHalfOpen: true });
    return new Promise((resolve, reject) => {
      server.once("error", reject);
      server.listen(
        { host, port: 0, backlog: 1_024 },
        () => resolve(new Target(server, host)),
      );
    });
  }

  /** Closes all connections and the server. */
  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  /** Serves a connection; an error closes it, as with any program. */
  async #serve(stream: TcpStream): Promise<void> {
    const [verb, argument] = (await readLine(stream)).split(" ");
    if (verb === "stall") return;
    if (verb === "echo") {
      for (let chunk; (chunk = await stream.read(300_000)) !== undefined;) {
        await stream.write(chunk);
      }
    } else if (verb === "early") {
      stream.end();
      this.#resolveEarly(await digestOf(stream));
    } else if (verb === "up") {
      await stream.write(Buffer.from(await digestOf(stream, Number(argument))));
    } else {
      if (verb === "late") await stream.readAll();
      for (const part of patternParts(Number(argument))) {
        await stream.write(part);
        this.sent += part.length;
      }
    }
    if (verb === "cut") {
      await readLine(stream);
      return stream.reset();
    }
    stream.end();
    await stream.readAll();
    stream.close();
  }
}

/** Returns a first line for {@link Target}. */
export function command(text: string): Uint8Array {
  return Buffer.from(`${text}\n`);
}

async function readLine(stream: TcpStream): Promise<string> {
  let line = "";
  for (;;) {
    const [byte] = await stream.readExactly(1);
    if (byte === 0x0a) return line;
    line += String.fromCharCode(byte!);
  }
}
