/**
 * A unix datagram socket. The host of an address is a path, and the port is 0;
 * a sender without a path has an empty host.
 *
 * Deno has such sockets; Bun does not, and its `node:dgram` does not either.
 * Does not: send while it receives, which Deno refuses (`Busy`). Therefore it
 * is not a `DatagramSocket`; it is sufficient for callers that send and receive
 * in turn.
 *
 * @module
 */
import { unlinkSync } from "node:fs";
import { TransportError } from "../../errors.ts";
import { MAX_DATAGRAM_LENGTH } from "../../limits.ts";
import type { Datagram, Endpoint } from "../../transport.ts";
import { closedSocket } from "./_datagram_queue.ts";
import { toTransportError } from "./_errors.ts";
import { freeUnixPath, makePrivate } from "./_unix_path.ts";

/**
 * Binds a path, to which only this user can send.
 *
 * @throws {TransportError} `ERR_NET_UNSUPPORTED` on Bun,
 * `ERR_NET_ADDRESS_IN_USE` and others.
 */
export async function bindUnixDatagrams(
  path: string,
): Promise<UnixDatagramSocket> {
  if (!("Deno" in globalThis) || typeof Deno.listenDatagram !== "function") {
    throw new TransportError(
      "ERR_NET_UNSUPPORTED",
      `Cannot bind ${path}: only Deno with --unstable-net has unix datagram ` +
        "sockets; use HOST:PORT of this machine",
    );
  }
  await freeUnixPath(path);
  try {
    const connection = Deno.listenDatagram({ transport: "unixpacket", path });
    await makePrivate(path);
    return new UnixDatagramSocket(path, connection);
  } catch (error) {
    throw toTransportError(error, `bind ${path}`);
  }
}

/** A unix datagram socket with the methods of `DatagramSocket`. */
export class UnixDatagramSocket {
  /** The bound path, and port 0. */
  readonly address: Endpoint;
  readonly #connection: Deno.DatagramConn;
  readonly #buffer: Uint8Array = new Uint8Array(MAX_DATAGRAM_LENGTH);
  #closed = false;

  /** Owns the connection. */
  constructor(path: string, connection: Deno.DatagramConn) {
    this.address = { host: path, port: 0 };
    this.#connection = connection;
  }

  /** Returns the next datagram; `undefined` when the socket is closed. */
  async receive(): Promise<Datagram | undefined> {
    if (this.#closed) return undefined;
    try {
      const [payload, from] = await this.#connection.receive(this.#buffer);
      const { path } = from as { readonly path: string | null };
      return { payload: payload.slice(), from: { host: path ?? "", port: 0 } };
    } catch (error) {
      if (this.#closed) return undefined;
      throw toTransportError(error, "receive");
    }
  }

  /** Sends to a path. */
  async send(payload: Uint8Array, { host }: Endpoint): Promise<void> {
    if (this.#closed) throw closedSocket();
    try {
      const to = { transport: "unixpacket", path: host } as const;
      await this.#connection.send(payload, to);
    } catch (error) {
      throw toTransportError(error, `send to ${host}`);
    }
  }

  /** Removes the path and closes the socket. Idempotent. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#connection.close();
    try {
      unlinkSync(this.address.host);
    } catch (error) {
      // The path was already removed.
      if ((error as { code?: unknown }).code === "ENOENT") return;
      throw toTransportError(error, `remove ${this.address.host}`);
    }
  }
}
