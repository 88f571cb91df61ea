/**
 * Listening on machines without IPv6, where its sockets do not exist.
 *
 * @module
 */
import { TransportError } from "../../errors.ts";
import type { Endpoint } from "../../transport.ts";
import { toTransportError } from "./_errors.ts";

/** `::`, however it is written. */
const EVERY_ADDRESS = /^(?=.*:)[0:]+$/;

/**
 * Opens what listens. Where `::` cannot exist, on `0.0.0.0`: of every address
 * of the machine those that there are.
 *
 * @throws {TransportError} `ERR_NET_ADDRESS_UNAVAILABLE` for another address
 * of IPv6.
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

/** The meaning of `EAFNOSUPPORT`: the network is missing. */
const NO_FAMILY = toTransportError(
  Object.assign(new Error(), { code: "EAFNOSUPPORT" }),
  "listen",
).code;
