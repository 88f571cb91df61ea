/**
 * Listening sockets that the service manager has opened for us:
 * sd_listen_fds(3). A service that is to listen on the address of one takes it.
 *
 * Does not: take datagram sockets, which neither runtime does.
 *
 * @module
 */
import process from "node:process";
import type { Endpoint } from "../../transport.ts";
import { libc } from "./_libc.ts";
import { variable } from "./_variable.ts";

/** `SD_LISTEN_FDS_START`. */
const FIRST_DESCRIPTOR = 3;

/** Bytes of `struct sockaddr_in6`, the longest that is understood here. */
const ADDRESS_LENGTH = 28;

const AF_INET = 2;
const AF_INET6 = 10;

/** Descriptors by address; read at the first question. */
let waiting: Map<string, number> | undefined;

/**
 * Takes the socket of an address; nobody gets it again.
 *
 * @returns Its descriptor; `undefined` when there is none.
 */
export function takeInheritedSocket(
  { host, port }: Endpoint,
): number | undefined {
  waiting ??= readSockets();
  const key = keyOf(host, port);
  const descriptor = waiting.get(key);
  waiting.delete(key);
  return descriptor;
}

/** Addresses of the sockets that nobody has taken. */
export function untakenSockets(): string[] {
  waiting ??= readSockets();
  return [...waiting.keys()];
}

function readSockets(): Map<string, number> {
  const sockets = new Map<string, number>();
  if (Number(variable("LISTEN_PID")) !== process.pid) return sockets;
  const count = Number(variable("LISTEN_FDS") ?? 0);
  for (let i = 0; i < count; i++) {
    const descriptor = FIRST_DESCRIPTOR + i;
    sockets.set(nameOf(descriptor) ?? `descriptor ${descriptor}`, descriptor);
  }
  return sockets;
}

/** Where a descriptor listens; `undefined` when that is no IP address. */
function nameOf(descriptor: number): string | undefined {
  const address = new Uint8Array(ADDRESS_LENGTH);
  const length = new Uint8Array(Uint32Array.of(ADDRESS_LENGTH).buffer);
  if (libc()?.getsockname(descriptor, address, length) !== 0) return undefined;
  const view = new DataView(address.buffer);
  const port = view.getUint16(2);
  switch (view.getUint16(0, true)) {
    case AF_INET:
      return keyOf(address.subarray(4, 8).join("."), port);
    case AF_INET6: {
      const groups = Array.from(
        { length: 8 },
        (_, i) => view.getUint16(8 + 2 * i).toString(16),
      );
      return keyOf(groups.join(":"), port);
    }
    default:
      return undefined;
  }
}

/** One text for every way to write an address. */
function keyOf(host: string, port: number): string {
  const url = `http://${host.includes(":") ? `[${host}]` : host}`;
  return `${URL.parse(url)?.hostname ?? host}:${port}`;
}
