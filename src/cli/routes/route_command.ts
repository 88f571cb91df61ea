/**
 * `umbra route TARGET…`: which way a target would take and why, without
 * connecting.
 *
 * @module
 */
import { lookup } from "node:dns/promises";
import type { ConfigObject } from "../config/config_file.ts";
import { parseConfig } from "../config/config_file.ts";
import type { Sources } from "../config/secrets.ts";
import type { Arguments } from "../options/args.ts";
import { usage } from "../options/getopt.ts";
import { routeAddress } from "../../routes/match/target_set.ts";
import { explainRoute, readTarget } from "./explain_route.ts";
import { loadRoutes, type RouteSettings } from "./load_routes.ts";

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
  const loaded = loadRoutes(routeSettings(args, sources), sources);
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

/** What a command line and its file say of routes. */
export function routeSettings(
  args: Arguments,
  sources: Sources,
): RouteSettings {
  const file = args.last("config");
  const object = file === undefined
    ? undefined
    : parseConfig(sources.readText(file), file);
  const given = args.all("acl");
  const servers = object?.values("servers") ?? [];
  return {
    file: file ?? "",
    acl: given.length > 0 ? given : texts(object, "acl"),
    obeysBlockList: true,
    routes: object?.isEmpty("routes") ?? true
      ? undefined
      : object!.values("routes"),
    ruleSets: object?.values("rule_sets")[0],
    geoIpFile: texts(object, "geoip_file")[0],
    geoSiteFile: texts(object, "geosite_file")[0],
    outbounds: servers.flatMap((server) => {
      const { id, remarks } = server as Record<string, unknown>;
      return [id, remarks].filter((name) => typeof name === "string");
    }).concat(Object.keys(object?.values("groups")[0] ?? {})),
  };
}

function texts(object: ConfigObject | undefined, key: string): string[] {
  return (object?.values(key) ?? []).filter((value) =>
    typeof value === "string"
  );
}

async function systemLookup(name: string): Promise<string[]> {
  try {
    return (await lookup(name, { all: true })).map(({ address }) => address);
  } catch {
    // A name without addresses meets no condition on addresses.
    return [];
  }
}
