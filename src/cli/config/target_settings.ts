/**
 * What the command line and a configuration file say of the targets a server
 * may dial. Public addresses are allowed by default: anyone who has
 * the key is a guest on the internet, not on the server's own network.
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

/** A policy, and in words what it lets through. */
export interface Reach {
  /** Judges addresses. */
  readonly policy: TargetPolicy;
  /** A text that is the same for the same policy. */
  readonly reach: string;
}

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

/** What the clients of one server reach of that. */
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
