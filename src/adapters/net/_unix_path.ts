/**
 * Prepares paths of unix sockets: frees them, and restricts access to them.
 *
 * @module
 */
import { existsSync } from "node:fs";
import { chmod, lstat, unlink } from "node:fs/promises";
import { connect } from "node:net";
import { dirname } from "node:path";
import { TransportError } from "../../errors.ts";
import { toTransportError } from "./_errors.ts";

/**
 * Makes a path available: removes a socket without a listener, which a killed
 * program leaves behind.
 *
 * @throws {TransportError} `ERR_NET_ADDRESS_IN_USE` if a program listens;
 * `ERR_NET_OTHER` if the path is not a socket, or its folder does not exist.
 */
export async function freeUnixPath(path: string): Promise<void> {
  try {
    const found = await lstat(path);
    if (!found.isSocket()) {
      throw new TransportError(
        "ERR_NET_OTHER",
        `Cannot listen on ${path}: the path exists and is not a socket`,
      );
    }
    if (await isAlive(path)) {
      throw new TransportError(
        "ERR_NET_ADDRESS_IN_USE",
        `Cannot listen on ${path}: another process listens there`,
      );
    }
    await unlink(path);
  } catch (error) {
    if (error instanceof TransportError) throw error;
    const { code } = error as { readonly code?: unknown };
    if (code === "ENOENT" && existsSync(dirname(path))) return;
    if (code !== "ENOENT" && code !== "ENOTDIR") {
      throw toTransportError(error, `listen on ${path}`);
    }
    throw new TransportError(
      "ERR_NET_OTHER",
      `Cannot listen on ${path}: the folder does not exist; create it first`,
      { cause: error },
    );
  }
}

/**
 * Restricts a path that was just bound to this user.
 *
 * Until then the umask applies. It is nearly always 022, so that other users
 * cannot write, and therefore not connect. Changing the umask would need an
 * unrestricted `--allow-sys` of Deno.
 */
export async function makePrivate(path: string): Promise<void> {
  await chmod(path, 0o600);
}

function isAlive(path: string): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const socket = connect(path);
  socket.once("connect", () => {
    socket.destroy();
    resolve(true);
  });
  // For a datagram socket in use the system reports EPROTOTYPE.
  socket.once("error", (error: Error & { code?: string }) => {
    socket.destroy();
    resolve(error.code !== "ECONNREFUSED" && error.code !== "ENOENT");
  });
  return promise;
}
