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
import type { NamedConfig } from "../config/config_file.ts";
import { routeResolver } from "../config/dns_settings.ts";
import { readFile } from "../config/find_servers.ts";
import type { Sources } from "../config/secrets.ts";
import type { Arguments } from "../options/args.ts";
import { fromObject, fromOptions } from "../settings/read.ts";
import { ACL, ROUTES } from "../settings/routes.ts";
import { loadAcl } from "./check_acl.ts";
import { loadRoutes, type RouteSettings } from "./load_routes.ts";

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
 * @param servers Names of its servers.
 * @throws {ConfigError} With the place of the mistake.
 */
export function localRoutes(
  args: Arguments,
  sources: Sources,
  servers: readonly string[],
): ConfiguredRoutes<LocalRoutes> {
  const settings = routeSettings(args, sources, servers);
  const loaded = loadRoutes(settings, sources, sources.lists);
  if (loaded === undefined) return { warnings: [] };
  const { table, groups, warnings, lists } = loaded;
  const isAcl = settings.acl.length > 0;
  const { resolve = isAcl ? "local" : "never" } = settings;
  const compared = table.routes().flatMap(({ when }) =>
    when?.half === undefined ? when?.sets ?? [] : []
  ).reduce((sum, { counts }) => sum + counts.ipv4 + counts.ipv6, 0);
  const { leakGuard } = settings;
  const resolver = resolve === "remote"
    ? routeResolver(args, settings.file?.object)
    : undefined;
  const leak = isAcl && resolve === "local" && !leakGuard && compared > 0
    ? [
      `names that no rule of ${settings.acl.join(", ")} matches are resolved ` +
      `on this machine, to compare with its ${compared} address ranges; ` +
      '"resolve": "remote" or "never" keeps them from its resolver',
    ]
    : [];
  return {
    routes: { table, groups, resolve, resolver, leakGuard, lists },
    warnings: [...warnings, ...leak],
  };
}

/**
 * Rules of a server, which are those of an ACL.
 *
 * @param read The configuration file.
 * @throws {ConfigError} With the place of the mistake.
 */
export function serverRoutes(
  args: Arguments,
  sources: Sources,
  read: NamedConfig | undefined,
): ConfiguredRoutes<ServerRoutes> {
  const { acl: files, aclOption, routes, file } = settingsOf(args, read);
  if (routes !== undefined) {
    throw new ConfigError(
      "ERR_CONFIG_VALUE",
      `${
        file!.object.where("routes")
      }: a local has routes; give a server an "acl"`,
    );
  }
  if (files.length === 0) return { warnings: [] };
  const acl = loadAcl(files, sources, aclOption);
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

/**
 * What a command line and its file say of routes.
 *
 * @param servers Names of the servers of the local; default: none.
 */
export function routeSettings(
  args: Arguments,
  sources: Sources,
  servers: readonly string[] = [],
): RouteSettings {
  return settingsOf(args, readFile(args, sources), servers);
}

function settingsOf(
  args: Arguments,
  file: NamedConfig | undefined,
  servers: readonly string[] = [],
): RouteSettings {
  const chosen = fromOptions(ACL, args);
  const { files = [] } = file ? fromObject(ACL, file.object) : {};
  const { routes = [], ...rest } = file ? fromObject(ROUTES, file.object) : {};
  return {
    file,
    acl: chosen.files ?? files.map((path) => besideFile(file!.name, path)),
    aclOption: chosen.files && `--${ACL.files.flag}`,
    obeysBlockList: chosen.block !== "off",
    ...routes.length > 0 && { routes },
    ...rest,
    servers,
  };
}

/** A path as a file means it: relative to the file. */
function besideFile(file: string, path: string): string {
  return isAbsolute(path) ? path : join(dirname(file), path);
}
