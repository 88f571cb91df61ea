/**
 * True if a program has descriptors enough to be of use.
 *
 * @module
 */
import { MIN_DESCRIPTORS } from "../../limits.ts";
import { usage } from "../options/getopt.ts";

/** Advice for a machine with few descriptors. */
export const MORE_DESCRIPTORS =
  "ulimit -n 65536, or LimitNOFILE=65536 in a systemd unit";

/**
 * Refuses a start that would serve next to no connections.
 *
 * @param limit See `Transport.descriptorLimit`.
 * @throws {ConfigError} `ERR_CONFIG_USAGE`.
 */
export function checkDescriptors(limit: number | undefined): void {
  if (limit === undefined || limit >= MIN_DESCRIPTORS) return;
  throw usage(
    `The limit of ${limit} file descriptors is too low, at least ` +
      `${MIN_DESCRIPTORS} are needed: ${MORE_DESCRIPTORS}`,
  );
}
