/**
 * Checks that a program has enough file descriptors.
 *
 * @module
 */
import { MIN_DESCRIPTORS } from "../../limits.ts";
import { usage } from "../options/getopt.ts";

/** Advice for a machine with few file descriptors. */
export const MORE_DESCRIPTORS =
  "ulimit -n 65536, or LimitNOFILE=65536 in a systemd unit";

/**
 * Refuses a start with so few descriptors that almost no connections could be
 * served.
 *
 * @param limit See `Transport.descriptorLimit`.
 * @throws {ConfigError} `ERR_CONFIG_USAGE`.
 */
export function checkDescriptors(limit: number | undefined): void {
  if (limit === undefined || limit >= MIN_DESCRIPTORS) return;
  throw usage(
    `The limit of ${limit} file descriptors is too low, expected at least ` +
      `${MIN_DESCRIPTORS}: ${MORE_DESCRIPTORS}`,
  );
}
