/**
 * `umbra route TARGET…`: prints the route of a target and the rule that
 * decides, without connecting.
 *
 * @module
 */
import { lookup } from "node:dns/promises";
import { formatAddress } from "../../codec/address.ts";
import { DEFAULT_LOCAL } from "../commands/defaults.ts";
import { present } from "../config/find_servers.ts";
import { localsFromFile } from "../config/local_settings.ts";
import { Secrets, type Sources } from "../config/secrets.ts";
import type { Arguments } from "../options/args.ts";
import { usage } from "../options/getopt.ts";
import { routeAddress } from "../../routes/match/target_set.ts";
import { explainRoute, readTarget } from "./explain_route.ts";
import { RouteLoader, type RouteSettings } from "./load_routes.ts";
import { routeSettings } from "./route_config.ts";
import { serverNames } from "./server_names.ts";
import { type WrittenRules, writtenRules } from "./written_rules.ts";

/** Returns the addresses of a name on this machine; none if it has none. */
export type Lookup = (name: string) => Promise<readonly string[]>;

/**
 * Returns one line for each target.
 *
 * @throws {ConfigError} If a local could not start with that configuration.
 */
export async function explainTargets(
  args: Arguments,
  sources: Sources,
  resolve: Lookup = systemLookup,
): Promise<string> {
  if (args.operands.length === 0) {
    throw usage("Missing TARGET: give HOST or HOST:PORT");
  }
  const said = routeSettings(args, sources);
  const own = ownRules(said, sources);
  const isNamed = said.file !== undefined &&
    [said, ...own].some(({ routes }) => routes !== undefined);
  const settings = isNamed
    ? { ...said, servers: serverNames(said.file!.name, sources) }
    : said;
  const loader = new RouteLoader(settings, sources, sources.lists);
  const places = [settings as PlacedRules, ...own].flatMap((rules) => {
    const loaded = loader.load(rules);
    return loaded === undefined ? [] : [{ ...loaded, at: rules.at }];
  });
  if (places.length === 0) {
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
    for (const { table, at } of places) {
      const why = explainRoute(table, target, { network, addresses });
      lines.push(`${target}${at ?? ""} → ${why}`);
    }
  }
  const warnings = places.flatMap(({ warnings }) => warnings);
  return [...warnings.map((warning) => `warn: ${warning}`), ...lines, ""]
    .join("\n");
}

/** The rules of one place, and the words for the place. */
type PlacedRules = WrittenRules & { readonly at?: string };

/** Returns the rules of single locals, unless the command line names an ACL. */
function ownRules(
  { file, aclOption }: RouteSettings,
  sources: Sources,
): PlacedRules[] {
  if (file === undefined || aclOption !== undefined) return [];
  const { locals } = localsFromFile(file.object, new Secrets(sources, file));
  return locals.flatMap(({ rules, host, port }) => {
    if (rules === undefined) return [];
    const listen = { ...DEFAULT_LOCAL, ...present({ host, port }) };
    return [{
      ...writtenRules(rules, file),
      at: ` at ${formatAddress(listen)}`,
    }];
  });
}

async function systemLookup(name: string): Promise<string[]> {
  try {
    return (await lookup(name, { all: true })).map(({ address }) => address);
  } catch {
    // A name without addresses matches no address rule.
    return [];
  }
}
