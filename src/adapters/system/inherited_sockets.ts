/**
 * Sockets that the service manager has opened for us: sd_listen_fds(3). A
 * service that is to listen on the address of one takes it.
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

/** Bytes of `struct sockaddr_in6`, the longest that is understood here. */
const ADDRESS_LENGTH = 28;

const AF_INET = 2;
const AF_INET6 = 10;

const SOL_SOCKET = 1;
const SO_TYPE = 3;
const SOCK_DGRAM = 2;

/** What comes by a socket. */
export type Network = "tcp" | "udp";

/** Descriptors by network and address; read at the first question. */
let waiting: Map<string, number> | undefined;

/**
 * Takes the socket of an address; it is handed out once.
 *
 * @returns Its descriptor; `undefined` when there is none.
 */
export function takeInheritedSocket(
  { host, port }: Endpoint,
  network: Network,
): number | undefined {
  waiting ??= readSockets();
  // Every flow of datagrams opens a socket, and none is inherited.
  if (waiting.size === 0) return undefined;
  const key = keyOf(network, host, port);
  const descriptor = waiting.get(key);
  waiting.delete(key);
  return descriptor;
}

/**
 * For a transport that cannot take such a socket.
 *
 * @param who The runtime.
 * @throws {TransportError} `ERR_NET_UNSUPPORTED` where there is one.
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
    `Cannot ${action} ${host} port ${port}: the service manager does, and ` +
      `${who} takes no socket of its; use --transport linux, or remove the ` +
      `.socket unit${executable}`,
  );
}

/** Addresses of the sockets that were not taken. */
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

/** What comes where by a descriptor; `undefined` when it is no IP address. */
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

/** One text for every way to write an address. */
function keyOf(network: Network, host: string, port: number): string {
  const url = `http://${host.includes(":") ? `[${host}]` : host}`;
  const address = `${URL.parse(url)?.hostname ?? host}:${port}`;
  return network === "udp" ? `UDP ${address}` : address;
}
