/**
 * `umbra route TARGET…`: which way a target would take and why, without
 * connecting.
 *
 * @module
 */
import { lookup } from "node:dns/promises";
import type { Sources } from "../config/secrets.ts";
import type { Arguments } from "../options/args.ts";
import { usage } from "../options/getopt.ts";
import { routeAddress } from "../../routes/match/target_set.ts";
import { explainRoute, readTarget } from "./explain_route.ts";
import { loadRoutes } from "./load_routes.ts";
import { routeSettings } from "./route_config.ts";
import { serverNames } from "./server_names.ts";

/** The addresses of a name on this machine; none when it has none. */
export type Lookup = (name: string) => Promise<readonly string[]>;

/**
 * One line for each target.
 *
 * @throws {ConfigError} As the start with that configuration would.
 */
export async function explainTargets(
  args: Arguments,
  sources: Sources,
  resolve: Lookup = systemLookup,
): Promise<string> {
  if (args.operands.length === 0) {
    throw usage("Nothing to route: name a TARGET");
  }
  const said = routeSettings(args, sources);
  const settings = said.file === undefined || said.routes === undefined
    ? said
    : { ...said, servers: serverNames(said.file.name, sources) };
  const loaded = loadRoutes(settings, sources, sources.lists);
  if (loaded === undefined) {
    throw usage(
      'No routes: give --acl FILE, or -c FILE with "routes" or "acl"',
    );
  }
  const network = args.has("udp") ? "udp" : "tcp";
  const lines: string[] = [];
  for (const target of args.operands) {
    const { name } = readTarget(target);
    const addresses = args.has("resolve") && name !== undefined
      ? (await resolve(name)).flatMap((ip) => routeAddress(ip) ?? [])
      : undefined;
    const why = explainRoute(loaded.table, target, { network, addresses });
    lines.push(`${target} → ${why}`);
  }
  return [...loaded.warnings.map((warning) => `warn: ${warning}`), ...lines, ""]
    .join("\n");
}

async function systemLookup(name: string): Promise<string[]> {
  try {
    return (await lookup(name, { all: true })).map(({ address }) => address);
  } catch {
    // A name without addresses meets no condition on addresses.
    return [];
  }
}
