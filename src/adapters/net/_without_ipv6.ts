/**
 * Listens on machines without IPv6, where IPv6 sockets cannot be opened.
 *
 * @module
 */
import { TransportError } from "../../errors.ts";
import type { Endpoint } from "../../transport.ts";
import { toTransportError } from "./_errors.ts";

/** Matches `::` in any spelling. */
const EVERY_ADDRESS = /^(?=.*:)[0:]+$/;

/**
 * Opens a listener. Where `::` is impossible it listens on `0.0.0.0`, which is
 * every address of such a machine.
 *
 * @throws {TransportError} `ERR_NET_ADDRESS_UNAVAILABLE` for any other IPv6
 * address.
 */
export async function listenWithoutIpv6<T>(
  endpoint: Endpoint,
  open: (endpoint: Endpoint) => Promise<T>,
): Promise<T> {
  try {
    return await open(endpoint);
  } catch (error) {
    if (!(error instanceof TransportError) || error.code !== NO_FAMILY) {
      throw error;
    }
    const { host, port } = endpoint;
    if (EVERY_ADDRESS.test(host)) return await open({ host: "0.0.0.0", port });
    throw new TransportError(
      "ERR_NET_ADDRESS_UNAVAILABLE",
      `Cannot listen on ${host} port ${port}: this machine has no IPv6`,
      { cause: error },
    );
  }
}

/** The error of a missing address family, `EAFNOSUPPORT`. */
const NO_FAMILY = toTransportError(
  Object.assign(new Error(), { code: "EAFNOSUPPORT" }),
  "listen",
).code;
