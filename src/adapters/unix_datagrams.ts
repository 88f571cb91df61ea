/**
 * A unix datagram socket as a `DatagramSocket`: an address is a path, as its
 * host, and port 0; whoever has no path to answer to is the empty host.
 *
 * Deno has such sockets; Bun has none, and its `node:dgram` neither.
 *
 * @module
 */
import { unlinkSync } from "node:fs";
import { TransportError } from "../errors.ts";
import type { DatagramSocket, Endpoint } from "../transport.ts";
import { type AddressForm, DenoDatagramSocket } from "./_deno_datagrams.ts";
import { toTransportError } from "./_errors.ts";
import { freeUnixPath, privately } from "./_unix_path.ts";

/**
 * Binds a path, which only this user can send to; closing the socket removes
 * it.
 *
 * @throws {TransportError} `ERR_NET_UNSUPPORTED` on Bun,
 * `ERR_NET_ADDRESS_IN_USE` and others.
 */
export async function bindUnixDatagrams(path: string): Promise<DatagramSocket> {
  if (!("Deno" in globalThis) || typeof Deno.listenDatagram !== "function") {
    throw new TransportError(
      "ERR_NET_UNSUPPORTED",
      `Cannot bind ${path}: only Deno, with --unstable-net, has unix datagram ` +
        "sockets; use HOST:PORT of this machine",
    );
  }
  await freeUnixPath(path);
  try {
    const connection = await privately(() =>
      Deno.listenDatagram({ transport: "unixpacket", path })
    );
    return new UnixDatagramSocket(connection, UNIX);
  } catch (error) {
    throw toTransportError(error, `bind ${path}`);
  }
}

const UNIX: AddressForm = {
  toEndpoint(address): Endpoint {
    const { path } = address as { readonly path: string | null };
    return { host: path ?? "", port: 0 };
  },
  toAddress: ({ host }) => ({ transport: "unixpacket", path: host }),
};

class UnixDatagramSocket extends DenoDatagramSocket {
  #removed = false;

  override close(): void {
    super.close();
    if (this.#removed) return;
    this.#removed = true;
    try {
      unlinkSync(this.address.host);
    } catch (error) {
      // Somebody has tidied up already.
      if ((error as { code?: unknown }).code !== "ENOENT") {
        throw toTransportError(error, `remove ${this.address.host}`);
      }
    }
  }
}
