/**
 * Routes as part of a configuration, and what becomes of them at either end.
 *
 * @module
 */
import { dirname, isAbsolute, join } from "node:path";
import { ConfigError } from "../../errors.ts";
import {
  clientAddressRoutes,
  outboundRoutes,
} from "../../routes/acl/acl_routes.ts";
import type { Acl } from "../../routes/acl/read_acl.ts";
import { describeNote } from "../../routes/rule_list.ts";
import type { LocalRoutes } from "../../service/routing/rule_router.ts";
import type { ServerRoutes } from "../../service/routing/server_rules.ts";
import { type ConfigObject, parseConfig } from "../config/config_file.ts";
import { alternatives } from "../config/config_keys.ts";
import type { Sources } from "../config/secrets.ts";
import type { Arguments } from "../options/args.ts";
import { option } from "../options/option_value.ts";
import { loadAcl } from "./check_acl.ts";
import { loadRoutes, type RouteSettings } from "./load_routes.ts";

const RESOLVES = ["local", "never"] as const;

/** What a role gets of routes. */
export interface ConfiguredRoutes<R> {
  /** Absent where none are asked for. */
  readonly routes?: R;
  /** One sentence each. */
  readonly warnings: readonly string[];
}

/**
 * Routes of a local.
 *
 * @throws {ConfigError} With the place of the mistake.
 */
export function localRoutes(
  args: Arguments,
  sources: Sources,
): ConfiguredRoutes<LocalRoutes> {
  const { settings, object } = routeSettings(args, sources);
  const loaded = loadRoutes(settings, sources, sources.lists);
  if (loaded === undefined) return { warnings: [] };
  const { table, warnings } = loaded;
  const isAcl = settings.acl.length > 0;
  const resolve = resolveOf(object) ?? (isAcl ? "local" : "never");
  const compared = table.routes().flatMap(({ when }) =>
    when?.half === undefined ? when?.sets ?? [] : []
  ).reduce((sum, { counts }) => sum + counts.ipv4 + counts.ipv6, 0);
  const leak = isAcl && resolve === "local" && compared > 0
    ? [
      `names that no rule of ${settings.acl.join(", ")} matches are resolved ` +
      `on this machine, to compare with its ${compared} address ranges; ` +
      '"resolve": "never" keeps them from its resolver',
    ]
    : [];
  return { routes: { table, resolve }, warnings: [...warnings, ...leak] };
}

/**
 * Rules of a server, which are those of an ACL.
 *
 * @throws {ConfigError} With the place of the mistake.
 */
export function serverRoutes(
  args: Arguments,
  sources: Sources,
): ConfiguredRoutes<ServerRoutes> {
  const { settings, object } = routeSettings(args, sources);
  if (settings.routes !== undefined) {
    throw new ConfigError(
      "ERR_CONFIG_VALUE",
      `${object!.where("routes")}: a local has routes; give a server an "acl"`,
    );
  }
  if (settings.acl.length === 0) return { warnings: [] };
  const acl = loadAcl(settings.acl, sources);
  return {
    routes: { targets: outboundRoutes(acl), clients: clientAddressRoutes(acl) },
    warnings: aclWarnings(acl),
  };
}

/** What an operator should know of an ACL. */
export function aclWarnings({ warnings, notes }: Acl): string[] {
  return [
    ...warnings,
    ...notes.map((note) => `${note.file}: ${describeNote(note)}`),
  ];
}

/** What a command line and its file say of routes. */
export function routeSettings(
  args: Arguments,
  sources: Sources,
): { readonly settings: RouteSettings; readonly object?: ConfigObject } {
  const file = args.last("config");
  const object = file === undefined
    ? undefined
    : parseConfig(sources.readText(file), file);
  const given = args.all("acl");
  const blocks = option(
    args,
    "acl-block",
    (text) => ({ on: true, off: false })[text],
    "on or off",
  );
  const value = (key: string): unknown => object?.values(key)[0];
  return {
    ...object !== undefined && { object },
    settings: {
      file: file ?? "",
      acl: given.length > 0
        ? given
        : texts(object, "acl").map((path) => besideFile(file!, path)),
      obeysBlockList: blocks ?? true,
      routes: object?.isEmpty("routes") ?? true
        ? undefined
        : object!.values("routes"),
      ruleSets: value("rule_sets"),
      geoIpFile: texts(object, "geoip_file")[0],
      geoSiteFile: texts(object, "geosite_file")[0],
      outbounds: [],
    },
  };
}

/** A path as a file means it: relative to the file. */
function besideFile(file: string, path: string): string {
  return isAbsolute(path) ? path : join(dirname(file), path);
}

function resolveOf(
  object: ConfigObject | undefined,
): LocalRoutes["resolve"] | undefined {
  const [value] = object?.values("resolve") ?? [];
  if (value === undefined) return undefined;
  const resolve = RESOLVES.find((one) => one === value);
  if (resolve !== undefined) return resolve;
  throw new ConfigError(
    "ERR_CONFIG_VALUE",
    `${object!.where("resolve")}: expected ${alternatives(RESOLVES)}`,
  );
}

/** @throws {ConfigError} For what is not text. */
function texts(object: ConfigObject | undefined, key: string): string[] {
  return (object?.values(key) ?? []).map((value) => {
    if (typeof value === "string" && value !== "") return value;
    throw new ConfigError(
      "ERR_CONFIG_VALUE",
      `${object!.where(key)}: expected the path of a file`,
    );
  });
}
