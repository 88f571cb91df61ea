/**
 * What a local knows about the names of requested addresses.
 *
 * @module
 */
import type { Address } from "../../codec/address.ts";

/** Looks up names, for each request and each datagram. */
export interface TargetNames {
  /**
   * Returns the intended target: for a made-up address, its name.
   *
   * @throws {PolicyError} `ERR_FAKE_IP_UNKNOWN`.
   */
  meant(target: Address): Address;
  /**
   * Returns the name that a DNS answer had this address for.
   *
   * @param address 4 or 16 bytes.
   */
  nameOf(address: Uint8Array): string | undefined;
}
