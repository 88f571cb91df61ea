/**
 * Connections and datagrams that the system has redirected: the options that a
 * socket needs for them, and their original targets.
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
 * Lets a socket accept traffic for other hosts and bind to their addresses.
 *
 * @throws {TransportError} `ERR_NET_PERMISSION` without CAP_NET_RAW.
 */
export function letRedirected(descriptor: number, family: number): void {
  // A service manager may have set the option (`Transparent=yes`); no privilege
  // is needed then.
  if (getOption(descriptor, IP_TRANSPARENT) === 1) return;
  demand(descriptor, IP_TRANSPARENT, TPROXY);
  if (family === AF_INET6) demand(descriptor, IPV6_TRANSPARENT, TPROXY);
}

/** Makes the system report the original target of each datagram. */
export function tellTargets(descriptor: number, family: number): void {
  demand(descriptor, IP_RECVORIGDSTADDR, TPROXY);
  if (family === AF_INET6) demand(descriptor, IPV6_RECVORIGDSTADDR, TPROXY);
}

/**
 * Returns the original target of an accepted connection.
 *
 * @param port The listening port.
 * @returns `undefined` for a connection to this service itself.
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

/**
 * Returns the original target of a connection that was redirected by address
 * translation.
 */
function translated(descriptor: number): Endpoint | undefined {
  for (const [level, option] of [SO_ORIGINAL_DST, IP6T_SO_ORIGINAL_DST]) {
    const [address, length] = addressRoom();
    if (c.getsockopt(descriptor, level, option, address, length) === 0) {
      return decodeAddress(address);
    }
  }
  // The target was not changed: a client has connected directly.
  return undefined;
}

/** True if this host has the address, so that a socket can be bound to it. */
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
