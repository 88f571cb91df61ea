/**
 * Sockets that the service manager has opened: sd_listen_fds(3). A service uses
 * the inherited socket of its listening address.
 *
 * @module
 */
import process from "node:process";
import { TransportError } from "../../errors.ts";
import type { Endpoint } from "../../transport.ts";
import { libc } from "./_libc.ts";
import { variable } from "./_variable.ts";

/** `SD_LISTEN_FDS_START`. */
const FIRST_DESCRIPTOR = 3;

/** Length of `struct sockaddr_in6` in bytes, the longest supported address. */
const ADDRESS_LENGTH = 28;

const AF_INET = 2;
const AF_INET6 = 10;

const SOL_SOCKET = 1;
const SO_TYPE = 3;
const SOCK_DGRAM = 2;

/** The protocol of a socket. */
export type Network = "tcp" | "udp";

/** Descriptors by network and address; read at the first use. */
let waiting: Map<string, number> | undefined;

/**
 * Takes the socket of an address; each is taken once.
 *
 * @returns Its descriptor; `undefined` if there is none.
 */
export function takeInheritedSocket(
  { host, port }: Endpoint,
  network: Network,
): number | undefined {
  waiting ??= readSockets();
  // Every UDP association opens a socket, which is never inherited.
  if (waiting.size === 0) return undefined;
  const key = keyOf(network, host, port);
  const descriptor = waiting.get(key);
  waiting.delete(key);
  return descriptor;
}

/**
 * Refuses an inherited socket, for a transport that cannot use it.
 *
 * @param who The name of the runtime.
 * @throws {TransportError} `ERR_NET_UNSUPPORTED` if there is such a socket.
 */
export function refuseInheritedSocket(
  { host, port }: Endpoint,
  network: Network,
  who: "Deno" | "Bun",
): void {
  if (takeInheritedSocket({ host, port }, network) === undefined) return;
  const [action, executable] = network === "tcp"
    ? ["listen on", ", or use an executable that Bun has compiled"]
    : ["bind UDP", ""];
  throw new TransportError(
    "ERR_NET_UNSUPPORTED",
    `Cannot ${action} ${host} port ${port}: the service manager provides ` +
      `the socket, which ${who} cannot use; use --transport linux, or remove ` +
      `the .socket unit${executable}`,
  );
}

/** Returns the addresses of sockets that were not taken. */
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

/**
 * Returns protocol and address of a descriptor; `undefined` if it has no IP
 * address.
 */
function nameOf(descriptor: number): string | undefined {
  const network = networkOf(descriptor);
  const address = new Uint8Array(ADDRESS_LENGTH);
  const length = new Uint8Array(Uint32Array.of(ADDRESS_LENGTH).buffer);
  if (libc()?.getsockname(descriptor, address, length) !== 0) return undefined;
  const view = new DataView(address.buffer);
  const port = view.getUint16(2);
  switch (view.getUint16(0, true)) {
    case AF_INET:
      return keyOf(network, address.subarray(4, 8).join("."), port);
    case AF_INET6: {
      const groups = Array.from(
        { length: 8 },
        (_, i) => view.getUint16(8 + 2 * i).toString(16),
      );
      return keyOf(network, groups.join(":"), port);
    }
    default:
      return undefined;
  }
}

function networkOf(descriptor: number): Network {
  const type = new Int32Array(1);
  const length = new Uint8Array(Uint32Array.of(type.byteLength).buffer);
  const value = new Uint8Array(type.buffer);
  libc()?.getsockopt(descriptor, SOL_SOCKET, SO_TYPE, value, length);
  return type[0] === SOCK_DGRAM ? "udp" : "tcp";
}

/** Returns one text for all spellings of an address. */
function keyOf(network: Network, host: string, port: number): string {
  const url = `http://${host.includes(":") ? `[${host}]` : host}`;
  const address = `${URL.parse(url)?.hostname ?? host}:${port}`;
  return network === "udp" ? `UDP ${address}` : address;
}
