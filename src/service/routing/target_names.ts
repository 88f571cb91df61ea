/**
 * What a local knows of the names behind the addresses that it is asked for.
 *
 * @module
 */
import type { Address } from "../../codec/address.ts";

/** Asked once for each request and each datagram. */
export interface TargetNames {
  /**
   * The target that is meant: where an address was made up for a name, that
   * name.
   *
   * @throws {PolicyError} `ERR_FAKE_IP_UNKNOWN`.
   */
  meant(target: Address): Address;
  /**
   * The name that an address was an answer for.
   *
   * @param address 4 or 16 bytes.
   */
  nameOf(address: Uint8Array): string | undefined;
}
