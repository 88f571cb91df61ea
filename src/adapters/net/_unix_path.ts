/**
 * Paths of unix sockets: free ones, and private ones.
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
 * Makes sure that a path can be bound: removes a socket without a listener
 * any more, which a program that was killed leaves behind.
 *
 * @throws {TransportError} `ERR_NET_ADDRESS_IN_USE` when somebody listens;
 * `ERR_NET_OTHER` when the path is anything else than a socket, or its folder
 * is none.
 */
export async function freeUnixPath(path: string): Promise<void> {
  try {
    const found = await lstat(path);
    if (!found.isSocket()) {
      throw new TransportError(
        "ERR_NET_OTHER",
        `Cannot listen on ${path}: something else than a socket is there`,
      );
    }
    if (await isAlive(path)) {
      throw new TransportError(
        "ERR_NET_ADDRESS_IN_USE",
        `Cannot listen on ${path}: another process does`,
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
      `Cannot listen on ${path}: there is no such folder; make it first`,
      { cause: error },
    );
  }
}

/**
 * Lets only this user send to a path that was just bound.
 *
 * Until then the umask holds, which is 022 nearly everywhere: others may not
 * write, and so not connect. Setting it needs all of Deno's `--allow-sys`.
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
  // Of a datagram socket that is alive the system says EPROTOTYPE.
  socket.once("error", (error: Error & { code?: string }) => {
    socket.destroy();
    resolve(error.code !== "ECONNREFUSED" && error.code !== "ENOENT");
  });
  return promise;
}
