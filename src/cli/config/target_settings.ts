/**
 * What the command line and a configuration file say of the targets a server
 * may dial. Public addresses are allowed unless told otherwise: whoever has
 * the key is a guest on the internet, not on the server's own network.
 *
 * @module
 */
import * as v from "valibot";
import {
  anyTarget,
  type CidrBlock,
  parseCidr,
  publicTarget,
  publicTargetOr,
  type TargetPolicy,
} from "../../security/target_policy.ts";
import type { Arguments } from "../options/args.ts";
import type { ConfigObject } from "./config_file.ts";
import { type Keys, texts } from "./config_keys.ts";
import { usage } from "../options/getopt.ts";
import { badOption } from "../options/option_value.ts";

const EXPECTED = "an IP address, IP/BITS, or all";

/** An address block, or all addresses; and how it was written. */
interface Allowed {
  readonly block: CidrBlock | "all";
  readonly text: string;
}

/** A policy, and in words what it lets through. */
export interface Reach {
  /** Judges. */
  readonly policy: TargetPolicy;
  /** The same text for the same policy. */
  readonly reach: string;
}

const TARGETS = v.object({
  allow_private: texts({
    about: "Addresses of the server's own host or network that clients may " +
      "reach: IP, IP/BITS, or all",
    expected: EXPECTED,
    read: readAllowed,
  }),
});

/** Keys that {@link targetPolicyOf} reads. */
export const TARGET_KEYS: Keys = TARGETS.entries;

/**
 * The policy of a server; options beat the file.
 *
 * @throws {ConfigError} With the place of the mistake; `ERR_CONFIG_USAGE` for
 * options that contradict each other.
 */
export function targetPolicyOf(
  args: Arguments,
  file: ConfigObject | undefined,
): Reach {
  const chosen = args.all("allow-private").map((text) => {
    const allowed = readAllowed(text);
    if (allowed === undefined) throw badOption("allow-private", EXPECTED);
    return allowed;
  });
  const rejectsPrivate = args.has("reject-private");
  if (rejectsPrivate && chosen.length > 0) {
    throw usage(
      "--reject-private and --allow-private contradict each other: leave one out",
    );
  }
  const allowed = rejectsPrivate || chosen.length > 0
    ? chosen
    : file?.read(TARGETS).allow_private ?? [];
  const blocks = allowed.map(({ block }) => block);
  if (blocks.length === 0) {
    return { policy: publicTarget, reach: "public addresses" };
  }
  if (blocks.includes("all")) return { policy: anyTarget, reach: "all" };
  return {
    policy: publicTargetOr(blocks.filter((one) => one !== "all")),
    reach: ["public addresses", ...allowed.map(({ text }) => text)].join(", "),
  };
}

function readAllowed(text: unknown): Allowed | undefined {
  if (typeof text !== "string") return undefined;
  const block = text === "all" ? text : parseCidr(text);
  return block && { block, text };
}
