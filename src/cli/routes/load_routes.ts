/**
 * Reads the routes of a configuration file and a command line, with the files
 * to which they refer.
 *
 * @module
 */
import { statSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { openCountryDatabase } from "../../adapters/system/country_database.ts";
import { decompress } from "../../adapters/system/decompress.ts";
import { formatIp } from "../../codec/ip_address.ts";
import { badValue, ConfigError } from "../../errors.ts";
import { clientRoutes } from "../../routes/acl/acl_routes.ts";
import { inCountry } from "../../routes/condition.ts";
import { readGeoIp, readGeoSite } from "../../routes/lists/geo_dat.ts";
import {
  LIST_FORMATS,
  type ListFormat,
  readRuleList,
} from "../../routes/lists/read_list.ts";
import { readRoutes, type RouteWorld } from "../../routes/read_routes.ts";
import type { RouteTable } from "../../routes/route_table.ts";
import {
  countRules,
  describeNote,
  type InCountry,
  type RuleList,
  type RuleListFacts,
} from "../../routes/rule_list.ts";
import { readBytes } from "../file_failure.ts";
import { nearest } from "../options/nearest.ts";
import type { NamedConfig } from "../config/config_file.ts";
import type { Sources } from "../config/secrets.ts";
import type { Said } from "../settings/read.ts";
import type { RouteKeys } from "../settings/routes.ts";
import { loadAcl } from "./check_acl.ts";
import { type NamedGroups, namedGroups } from "./named_groups.ts";
import type { WrittenRules } from "./written_rules.ts";

/** The settings of routes from a file and a command line. */
export interface RouteSettings extends Said<RouteKeys>, WrittenRules {
  readonly routes?: unknown[];
  /** The configuration file, for messages. */
  readonly file: NamedConfig | undefined;
  /** The option that named the ACL files, if one did. */
  readonly aclOption: string | undefined;
  /** False to ignore `[outbound_block_list]`. */
  readonly obeysBlockList: boolean;
  /** Names of the servers of the local. */
  readonly servers: readonly string[];
}

/** Routes, and warnings about them. */
export interface LoadedRoutes {
  /** Decides the route of a target. */
  readonly table: RouteTable;
  /** The groups of servers to which routes lead, besides all servers. */
  readonly groups: NamedGroups;
  /** One sentence for each warning. */
  readonly warnings: readonly string[];
  /** Every list, in reading order. */
  readonly lists: readonly RuleListFacts[];
}

/** Reads rules and the files to which they refer; each list is read once. */
export class RouteLoader {
  readonly #settings: RouteSettings;
  readonly #sources: Sources;
  readonly #lists: ReadonlyMap<string, Uint8Array>;
  #world: Pick<RouteWorld, "ruleSets" | "inCountry" | "geoSite"> | undefined;
  readonly #facts: RuleListFacts[] = [];
  #notes: string[] = [];

  /** @param lists Lists that were fetched, by their names in `rule_sets`. */
  constructor(
    settings: RouteSettings,
    sources: Sources,
    lists: ReadonlyMap<string, Uint8Array> = new Map(),
  ) {
    this.#settings = settings;
    this.#sources = sources;
    this.#lists = lists;
  }

  /**
   * Reads the rules of one place.
   *
   * @param written The rules; default: the common rules.
   * @returns `undefined` if there are none. The notes on a list are among the
   * warnings of the first rules that use it.
   * @throws {ConfigError} With the file, the key, and the expected value.
   */
  load(written: WrittenRules = this.#settings): LoadedRoutes | undefined {
    const { acl: files, routes, key } = written;
    if (files.length === 0) {
      return routes === undefined ? undefined : this.#routes(routes, key);
    }
    const { aclOption, obeysBlockList } = this.#settings;
    if (routes !== undefined) {
      throw wrong(
        fileOf(this.#settings),
        key,
        "an ACL and routes exclude each other; give one",
      );
    }
    const acl = loadAcl(files, this.#sources, aclOption);
    return {
      table: clientRoutes(acl, obeysBlockList),
      groups: new Map(),
      warnings: [
        ...acl.warnings,
        ...acl.notes.map((note) => `${note.file}: ${describeNote(note)}`),
      ],
      // Each heading of an ACL has one set for each file.
      lists: files.map((file, i) => {
        const sets = Object.values(acl.lists).flatMap((list) => list[i] ?? []);
        return {
          name: "acl",
          ...factsOfFile(file),
          rules: sets.reduce((sum, { counts }) => sum + countRules(counts), 0),
          bytes: sets.reduce((sum, { byteLength }) => sum + byteLength, 0),
        };
      }),
    };
  }

  #routes(routes: unknown[], key: string): LoadedRoutes {
    const { groups: given, servers } = this.#settings;
    const file = fileOf(this.#settings);
    const groups = namedGroups(given, servers, file);
    const table = readRoutes(routes, {
      file,
      key,
      outbounds: [...groups.keys()],
      nearest,
      ...this.#lookedAt(),
    });
    const warnings = this.#notes;
    this.#notes = [];
    // Only groups to which a route leads are needed.
    const ends = new Set(table.routes().map(({ to }) => to));
    return {
      table,
      groups: new Map([...groups].filter(([name]) => ends.has(name))),
      warnings,
      lists: this.#facts,
    };
  }

  #lookedAt(): Pick<RouteWorld, "ruleSets" | "inCountry" | "geoSite"> {
    if (this.#world !== undefined) return this.#world;
    const inCountry = this.#inCountry();
    return this.#world = {
      ruleSets: this.#ruleSets(inCountry),
      inCountry,
      geoSite: this.#geoSite(),
    };
  }

  #inCountry(): InCountry | undefined {
    const { geoIpFile } = this.#settings;
    if (geoIpFile === undefined) return undefined;
    const bytes = this.#database("geoip_file", geoIpFile);
    if (geoIpFile.endsWith(".dat")) {
      return (code) =>
        this.#noted(
          geoIpFile,
          named(geoIpFile, () => readGeoIp(bytes, code, geoIpFile)),
        ).condition;
    }
    const database = named(geoIpFile, () => openCountryDatabase(bytes));
    return (code) =>
      inCountry(code, (address) => database.countryOf(formatIp(address)));
  }

  #geoSite(): ((category: string) => RuleList) | undefined {
    const { geoSiteFile } = this.#settings;
    if (geoSiteFile === undefined) return undefined;
    const bytes = this.#database("geosite_file", geoSiteFile);
    return (category) =>
      this.#noted(
        geoSiteFile,
        named(geoSiteFile, () => readGeoSite(bytes, category, geoSiteFile)),
      );
  }

  #ruleSets(inCountry: InCountry | undefined): Map<string, RuleList> {
    const { ruleSets = {} } = this.#settings;
    const file = fileOf(this.#settings);
    const sets = new Map<string, RuleList>();
    for (
      const [name, entry] of Object.entries(
        objectOf(file, "rule_sets", ruleSets),
      )
    ) {
      const key = `rule_sets.${name}`;
      const { path, url, format } = objectOf(file, key, entry);
      const isFormat = (value: unknown): value is ListFormat =>
        LIST_FORMATS.some((one) => one === value);
      if (format !== undefined && format !== "auto" && !isFormat(format)) {
        throw wrong(
          file,
          `${key}.format`,
          `expected auto, ${LIST_FORMATS.join(", ")}`,
        );
      }
      if ((typeof path === "string") === (typeof url === "string")) {
        throw wrong(file, key, 'expected "path" or "url"');
      }
      const bytes = typeof path === "string"
        ? this.#read(path)
        : this.#lists.get(name);
      if (bytes === undefined) {
        throw wrong(
          file,
          `${key}.url`,
          "the list was never fetched; a local fetches it at its start",
        );
      }
      const shown = typeof path === "string" ? path : name;
      const rules = this.#noted(
        shown,
        named(shown, () =>
          readRuleList(bytes, {
            list: shown,
            decompress,
            format: isFormat(format) ? format : undefined,
            inCountry,
          })),
      );
      sets.set(name, rules);
      this.#facts.push({
        name,
        ...typeof path === "string"
          ? factsOfFile(this.#pathOf(path))
          : { source: URL.parse(String(url))?.host ?? name },
        rules: countRules(rules.counts),
        bytes: rules.byteLength,
      });
    }
    return sets;
  }

  #noted(list: string, rules: RuleList): RuleList {
    for (const note of rules.notes) {
      this.#notes.push(`${list}: ${describeNote(note)}`);
    }
    return rules;
  }

  #database(name: string, path: string): Uint8Array {
    const bytes = this.#read(path);
    const facts = factsOfFile(this.#pathOf(path));
    this.#facts.push({ name, ...facts, bytes: bytes.length });
    return bytes;
  }

  #read(path: string): Uint8Array {
    return readBytes(this.#pathOf(path));
  }

  #pathOf(path: string): string {
    return resolve(dirname(fileOf(this.#settings)), path);
  }
}

/** Returns the name of the file; "" without a file. */
function fileOf({ file }: RouteSettings): string {
  return file?.name ?? "";
}

/** Returns the path of a file, and the time of its last change, if known. */
function factsOfFile(
  path: string,
): Pick<RuleListFacts, "source" | "changedUnixMs"> {
  const changedUnixMs = statSync(path, { throwIfNoEntry: false })?.mtimeMs;
  return {
    source: path,
    ...changedUnixMs !== undefined &&
      { changedUnixMs: Math.round(changedUnixMs) },
  };
}

/** Runs a function and adds the name of a list to the message of its error. */
function named<T>(list: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    throw new ConfigError(error.code, `${list}: ${error.message}`, {
      cause: error,
    });
  }
}

function objectOf(
  file: string,
  key: string,
  value: unknown,
): Record<string, unknown> {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) {
    return value as Record<string, unknown>;
  }
  throw wrong(file, key, "expected an object");
}

function wrong(file: string, key: string, what: string): ConfigError {
  const place = file === "" ? key : `${file}: ${key}`;
  return badValue(`${place}: ${what}`);
}
