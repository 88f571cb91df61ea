/**
 * The routes of a configuration, for locals and servers.
 *
 * @module
 */
import { badValue } from "../../errors.ts";
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
import { RouteLoader, type RouteSettings } from "./load_routes.ts";
import {
  besideFile,
  type OwnRules,
  type WrittenRules,
  writtenRules,
} from "./written_rules.ts";

/** The rules of the locals of one configuration. */
export class LocalRules {
  /** One sentence for each warning. */
  readonly warnings: string[] = [];
  readonly #args: Arguments;
  readonly #settings: RouteSettings;
  readonly #loader: RouteLoader;
  #common: LocalRoutes | undefined;
  #isLoaded = false;

  /** @param servers Names of the servers. */
  constructor(
    args: Arguments,
    sources: Sources,
    servers: readonly string[],
  ) {
    this.#args = args;
    this.#settings = routeSettings(args, sources, servers);
    this.#loader = new RouteLoader(this.#settings, sources, sources.lists);
  }

  /**
   * The rules for every local that has none of its own.
   *
   * @throws {ConfigError} With the place of the mistake.
   */
  get common(): LocalRoutes | undefined {
    if (!this.#isLoaded) this.#common = this.#load(this.#settings);
    this.#isLoaded = true;
    return this.#common;
  }

  /**
   * Returns the rules of one local. An ACL of the command line applies to all
   * locals.
   *
   * @param own The rules of its entry; `undefined` if it has none.
   * @throws {ConfigError} With the place of the mistake.
   */
  of(own: OwnRules | undefined): LocalRoutes | undefined {
    if (own === undefined || this.#settings.aclOption !== undefined) {
      return this.common;
    }
    return this.#load(writtenRules(own, this.#settings.file!));
  }

  #load(written: WrittenRules): LocalRoutes | undefined {
    const loaded = this.#loader.load(written);
    if (loaded === undefined) return undefined;
    const { table, groups, warnings, lists } = loaded;
    const { acl } = written;
    const isAcl = acl.length > 0;
    const { leakGuard, file, resolve = isAcl ? "local" : "never" } =
      this.#settings;
    const compared = table.routes().flatMap(({ when }) =>
      when?.half === undefined ? when?.sets ?? [] : []
    ).reduce((sum, { counts }) => sum + counts.ipv4 + counts.ipv6, 0);
    const resolver = resolve === "remote"
      ? routeResolver(this.#args, file?.object)
      : undefined;
    this.warnings.push(...warnings);
    if (isAcl && resolve === "local" && !leakGuard && compared > 0) {
      this.warnings.push(
        `names that no rule of ${
          acl.join(", ")
        } matches are resolved on this ` +
          `machine, to compare with its ${compared} address ranges; ` +
          '"resolve": "remote" or "never" keeps them from its resolver',
      );
    }
    return { table, groups, resolve, resolver, leakGuard, lists };
  }
}

/** The ACLs of the servers of one configuration. */
export class ServerAcls {
  /** One sentence for each warning. */
  readonly warnings: string[] = [];
  readonly #settings: RouteSettings;
  readonly #sources: Sources;
  readonly #common: ServerRoutes | undefined;

  /**
   * Reads the ACL for all servers.
   *
   * @param read The configuration file.
   * @throws {ConfigError} With the place of the mistake.
   */
  constructor(
    args: Arguments,
    sources: Sources,
    read: NamedConfig | undefined,
  ) {
    this.#sources = sources;
    this.#settings = settingsOf(args, read);
    const { acl, routes, file } = this.#settings;
    if (routes !== undefined) {
      throw badValue(
        `${
          file!.object.where("routes")
        }: a local has routes; give a server an "acl"`,
      );
    }
    this.#common = this.#load(acl);
  }

  /**
   * Returns the rules of one server. An ACL of the command line applies to all
   * servers.
   *
   * @param own Paths in its entry; `undefined` if it names none.
   * @throws {ConfigError} With the place of the mistake.
   */
  of(own: readonly string[] | undefined): ServerRoutes | undefined {
    const { aclOption, file } = this.#settings;
    if (own === undefined || aclOption !== undefined) return this.#common;
    return this.#load(own.map((path) => besideFile(file!.name, path)));
  }

  #load(files: readonly string[]): ServerRoutes | undefined {
    if (files.length === 0) return undefined;
    const acl = loadAcl(files, this.#sources, this.#settings.aclOption);
    this.warnings.push(...aclWarnings(acl));
    return { targets: outboundRoutes(acl), clients: clientAddressRoutes(acl) };
  }
}

/** Returns the warnings about an ACL. */
export function aclWarnings({ warnings, notes }: Acl): string[] {
  return [
    ...warnings,
    ...notes.map((note) => `${note.file}: ${describeNote(note)}`),
  ];
}

/**
 * Reads the settings of routes from a command line and its file.
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
    key: ROUTES.routes.key!,
    ...rest,
    servers,
  };
}
