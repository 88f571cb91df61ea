/**
 * The targets that a server may connect to, from the command line and the
 * configuration file. By default only public addresses are allowed: a client
 * with the key must not reach the server's own network.
 *
 * @module
 */
import {
  anyTarget,
  forbidding,
  publicTarget,
  publicTargetOr,
  type TargetPolicy,
} from "../../security/target_policy.ts";
import type { ServerOptions } from "../../service/server/server.ts";
import type { Arguments } from "../options/args.ts";
import { usage } from "../options/getopt.ts";
import { TARGETS } from "../settings/network.ts";
import { fromObject, fromOptions } from "../settings/read.ts";
import type { ConfigObject } from "./config_file.ts";
import type { ServerSettings } from "./server_settings.ts";

/** A policy, and a description of it. */
export interface Reach {
  /** Decides about an address. */
  readonly policy: TargetPolicy;
  /** A text that is equal for equal policies. */
  readonly reach: string;
}

/**
 * Reads the policy of a server; options override the file.
 *
 * @throws {ConfigError} With the place of the mistake; `ERR_CONFIG_USAGE` for
 * options that contradict each other.
 */
export function targetPolicyOf(
  args: Arguments,
  file: ConfigObject | undefined,
): Reach {
  const { allowPrivate: chosen, rejectPrivate } = fromOptions(TARGETS, args);
  if (rejectPrivate && chosen !== undefined) {
    throw usage(
      "--reject-private and --allow-private contradict each other: leave one out",
    );
  }
  const filed = rejectPrivate || file === undefined
    ? undefined
    : fromObject(TARGETS, file).allowPrivate;
  const allowed = chosen ?? filed ?? [];
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

/** Returns the targets that clients of one server can reach. */
export function reachOf(
  { policy, reach }: Reach,
  { forbiddenIps, forbiddenPorts }: ServerSettings,
): Pick<ServerOptions, "targetPolicy" | "forbiddenPorts"> & {
  readonly reach: string;
} {
  const { all: blocks, text: ips } = forbiddenIps ?? NONE;
  const { all: ports, text } = forbiddenPorts ?? NONE;
  return {
    targetPolicy: blocks.length === 0 ? policy : forbidding(policy, blocks),
    ...ports.length > 0 && { forbiddenPorts: ports },
    reach: reach + (blocks.length === 0 ? "" : `, but not ${ips}`) +
      (ports.length === 0 ? "" : `; no port of ${text}`),
  };
}

const NONE = { all: [], text: "" };
