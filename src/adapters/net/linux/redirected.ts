/**
 * Connections and datagrams that the system redirected to us: what a socket
 * needs for them, and where they were meant to go.
 *
 * @module
 */
import type { Endpoint, Redirection } from "../../../transport.ts";
import {
  addressRoom,
  boundTo,
  decodeAddress,
  encodeAddress,
  familyOf,
} from "./addresses.ts";
import {
  AF_INET6,
  c,
  checked,
  errno,
  failure,
  getOption,
  IP6T_SO_ORIGINAL_DST,
  IP_RECVORIGDSTADDR,
  IP_TRANSPARENT,
  IPV6_RECVORIGDSTADDR,
  IPV6_TRANSPARENT,
  type Option,
  setOption,
  SO_ORIGINAL_DST,
  SOCK_DGRAM,
  SOCK_FLAGS,
} from "./libc.ts";

/**
 * Lets a socket take what is meant for other hosts, and be bound to their
 * addresses.
 *
 * @throws {TransportError} `ERR_NET_PERMISSION` without CAP_NET_RAW.
 */
export function letRedirected(descriptor: number, family: number): void {
  // A service manager may have done it (`Transparent=yes`): no privilege then.
  if (getOption(descriptor, IP_TRANSPARENT) === 1) return;
  demand(descriptor, IP_TRANSPARENT, TPROXY);
  if (family === AF_INET6) demand(descriptor, IPV6_TRANSPARENT, TPROXY);
}

/** Lets the system tell with each datagram where it was meant to go. */
export function tellTargets(descriptor: number, family: number): void {
  demand(descriptor, IP_RECVORIGDSTADDR, TPROXY);
  if (family === AF_INET6) demand(descriptor, IPV6_RECVORIGDSTADDR, TPROXY);
}

/**
 * Where an accepted connection was meant to go.
 *
 * @param port Where we listen.
 * @returns `undefined` for one that was meant for us.
 */
export function originalDestination(
  descriptor: number,
  redirected: Redirection,
  port: number,
): Endpoint | undefined {
  const target = redirected === "tproxy"
    ? boundTo(descriptor)
    : translated(descriptor);
  if (target?.port === port && isOurs(target.host)) return undefined;
  return target;
}

/** The original target of a connection that the system has redirected. */
function translated(descriptor: number): Endpoint | undefined {
  for (const [level, option] of [SO_ORIGINAL_DST, IP6T_SO_ORIGINAL_DST]) {
    const [address, length] = addressRoom();
    if (c.getsockopt(descriptor, level, option, address, length) === 0) {
      return decodeAddress(address);
    }
  }
  // Nothing has changed it: somebody connected to us.
  return undefined;
}

/** True if this host has the address: a socket can be bound to it. */
export function isOurs(host: string): boolean {
  const address = encodeAddress({ host, port: 0 });
  const descriptor = checked(
    c.socket(familyOf(host), SOCK_DGRAM | SOCK_FLAGS, 0),
    "look at an address",
  );
  try {
    return c.bind(descriptor, address, address.length) === 0;
  } finally {
    c.close(descriptor);
  }
}

function demand(descriptor: number, option: Option, action: string): void {
  if (!setOption(descriptor, option, 1)) throw failure(errno(), action);
}

const TPROXY = "take what is meant for other hosts";
