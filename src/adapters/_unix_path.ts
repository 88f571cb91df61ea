/**
 * Paths of unix sockets: free ones, and private ones.
 *
 * @module
 */
import { lstat, unlink } from "node:fs/promises";
import { connect } from "node:net";
import process from "node:process";
import { TransportError } from "../errors.ts";
import { toTransportError } from "./_errors.ts";

/**
 * Makes sure that a path can be bound: removes a socket that nobody listens on
 * any more, which a program that was killed leaves behind.
 *
 * @throws {TransportError} `ERR_NET_ADDRESS_IN_USE` when somebody listens, or
 * when the path is anything else than a socket.
 */
export async function freeUnixPath(path: string): Promise<void> {
  try {
    const found = await lstat(path);
    if (!found.isSocket()) {
      throw inUse(`Cannot listen on ${path}: there is something else`);
    }
    if (await isAlive(path)) {
      throw inUse(`Cannot listen on ${path}: somebody does already`);
    }
    await unlink(path);
  } catch (error) {
    if ((error as { code?: unknown }).code === "ENOENT") return;
    throw toTransportError(error, `listen on ${path}`);
  }
}

/**
 * Lets nobody but this user open what is created meanwhile.
 *
 * The umask belongs to the process: other files made meanwhile are private too,
 * which harms nobody.
 */
export async function privately<T>(create: () => T | Promise<T>): Promise<T> {
  const before = process.umask(0o177);
  try {
    return await create();
  } finally {
    process.umask(before);
  }
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

function inUse(message: string): TransportError {
  return new TransportError("ERR_NET_ADDRESS_IN_USE", message);
}
