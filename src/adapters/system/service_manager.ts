/**
 * Messages to the service manager, usually systemd: sd_notify(3), "Protocol".
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { toUsize } from "../crypto/_library.ts";
import { libc } from "./_libc.ts";
import { variable } from "./_variable.ts";

const AF_UNIX = 1;
const SOCK_DGRAM = 2;
const SOCK_CLOEXEC = 0o2000000;
const MSG_DONTWAIT = 0x40;
const MSG_NOSIGNAL = 0x4000;

/** Length of `sun_path` in unix(7) in bytes, with the terminating zero. */
const MAX_PATH_LENGTH = 108;

/**
 * Reports that the program is ready, if the service manager has asked for it.
 *
 * @returns False if the service manager has asked and cannot be reached; it
 * will end the program after a while.
 */
export function tellReady(): boolean {
  const path = variable("NOTIFY_SOCKET");
  if (path === undefined || path === "") return true;
  const address = unixAddress(path);
  const functions = libc();
  if (address === undefined || functions === undefined) return false;
  const socket = functions.socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (Number(socket) < 0) return false;
  const text = Buffer.from("READY=1");
  const sent = functions.sendto(
    Number(socket),
    text,
    toUsize(text.length),
    MSG_DONTWAIT | MSG_NOSIGNAL,
    address,
    address.length,
  );
  functions.close(Number(socket));
  return sent === text.length;
}

/**
 * Encodes `struct sockaddr_un` for a path, or for an abstract name (`@name`).
 */
function unixAddress(path: string): Uint8Array | undefined {
  const bytes = Buffer.from(path);
  const isName = path.startsWith("@");
  if ((!isName && !path.startsWith("/")) || bytes.length >= MAX_PATH_LENGTH) {
    return undefined;
  }
  if (isName) bytes[0] = 0;
  const family = new Uint8Array(Uint16Array.of(AF_UNIX).buffer);
  return Buffer.concat([family, bytes, ...isName ? [] : [Buffer.alloc(1)]]);
}
