/**
 * What the command line and a configuration file say of the targets a server
 * may dial. Public addresses are allowed unless told otherwise: whoever has
 * the key is a guest on the internet, not on the server's own network.
 *
 * @module
 */
import {
  anyTarget,
  type CidrBlock,
  parseCidr,
  publicTarget,
  publicTargetOr,
  type TargetPolicy,
} from "../security/target_policy.ts";
import type { Arguments } from "./args.ts";
import type { ConfigObject } from "./config_file.ts";
import { badOption } from "./option_value.ts";

/** The key in a configuration file: text, or a list of texts. */
export const ALLOW_PRIVATE_KEY = "allow_private";

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

/**
 * The policy of a server; options beat the file.
 *
 * @throws {ConfigError} With the place of the mistake.
 */
export function targetPolicyOf(
  args: Arguments,
  file: ConfigObject | undefined,
): Reach {
  const chosen = args.all("allow-private").map((text) => {
    const allowed = readAllowed(text);
    if (allowed === undefined) throw badOption("allow-private", text, EXPECTED);
    return allowed;
  });
  const allowed = chosen.length > 0 ? chosen : fromFile(file);
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

function fromFile(file: ConfigObject | undefined): readonly Allowed[] {
  return file?.get(
    ALLOW_PRIVATE_KEY,
    (value) => {
      const texts = Array.isArray(value) ? value : [value];
      const allowed = texts.map((text) =>
        typeof text === "string" ? readAllowed(text) : undefined
      );
      return allowed.every((one) => one !== undefined) ? allowed : undefined;
    },
    `${EXPECTED}, or a list of those`,
  ) ?? [];
}

function readAllowed(text: string): Allowed | undefined {
  const block = text === "all" ? text : parseCidr(text);
  return block && { block, text };
}
