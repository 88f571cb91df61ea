/**
 * Reads `routes` of the configuration: an ordered list of conditions, named as
 * in sing-box.
 *
 * @module
 */
import { badValue, type ConfigError } from "../errors.ts";
import { type Condition, inSets, type PortRange } from "./condition.ts";
import { ListNotes } from "./list_notes.ts";
import { parsePortRange } from "./lists/port_range.ts";
import { TargetSetBuilder } from "./match/target_set.ts";
import { type Route, RouteTable } from "./route_table.ts";
import { ListSizes, RuleBuilder } from "./rule_builder.ts";
import type { InCountry, RuleList } from "./rule_list.ts";

/** What routes may refer to. */
export interface RouteWorld {
  /** Name of the configuration file, for messages. */
  readonly file: string;
  /** The key of the list in the file; default: `routes`. */
  readonly key?: string | undefined;
  /**
   * Names of servers and groups, in addition to `proxy`, `direct` and `block`.
   */
  readonly outbounds: readonly string[];
  /** The lists of `rule_sets` by name. */
  readonly ruleSets: ReadonlyMap<string, RuleList>;
  /** Not set without `geoip_file`. */
  readonly inCountry?: InCountry | undefined;
  /** Returns a category of `geosite_file`; not set without it. */
  readonly geoSite?: ((category: string) => RuleList) | undefined;
  /** Returns the known word that is most similar, if any is. */
  nearest(word: string, known: Iterable<string>): string | undefined;
}

/** The values of `to` that are no servers or groups. */
export const ROUTE_ENDS = ["proxy", "direct", "block"] as const;

/**
 * Reads `routes`.
 *
 * @param value The value in the file.
 * @throws {ConfigError} `ERR_CONFIG_VALUE`, with file and key.
 */
export function readRoutes(value: unknown, world: RouteWorld): RouteTable {
  const { key = "routes" } = world;
  if (!Array.isArray(value)) {
    throw wrong(world, key, "expected a list of objects");
  }
  const routes = value.map((entry, i) =>
    new RouteReader(`${key}[${i}]`, entry, world).read()
  );
  return new RouteTable(routes, { to: "proxy", place: "no route holds" });
}

type Reader = (
  rule: RuleBuilder,
  value: unknown,
  key: string,
) => Condition | void;

/** Reads one route. */
class RouteReader {
  readonly #place: string;
  readonly #entry: unknown;
  readonly #world: RouteWorld;
  readonly #notes = new ListNotes();

  constructor(place: string, entry: unknown, world: RouteWorld) {
    this.#place = place;
    this.#entry = entry;
    this.#world = world;
  }

  read(): Route {
    const { to, invert, ...conditions } = this.#object();
    const rule = new RuleBuilder(undefined, this.#notes);
    for (const [key, value] of Object.entries(conditions)) {
      const read = this.#readers[key];
      if (read === undefined) {
        throw this.#wrong(key, `unknown condition${this.#meant(key)}`);
      }
      for (const one of Array.isArray(value) ? value : [value]) {
        const condition = read(rule, one, key);
        if (typeof condition === "object") rule.otherTargets.push(condition);
        const note = this.#notes.all().find(({ isUsed }) => !isUsed);
        if (note !== undefined) {
          throw this.#wrong(key, `${JSON.stringify(one)} ${note.reason}`);
        }
      }
    }
    if (invert !== undefined && typeof invert !== "boolean") {
      throw this.#wrong("invert", "expected true or false");
    }
    rule.isInverted = invert === true;
    const when = rule.build(new ListSizes());
    if (when === undefined && invert === true) {
      throw this.#wrong("invert", "expected a condition to invert");
    }
    return {
      to: this.#end(to),
      place: this.#place,
      ...when !== undefined && { when },
    };
  }

  #object(): Record<string, unknown> {
    if (
      typeof this.#entry !== "object" || this.#entry === null ||
      Array.isArray(this.#entry)
    ) {
      throw wrong(this.#world, this.#place, 'expected an object with "to"');
    }
    return this.#entry as Record<string, unknown>;
  }

  #end(to: unknown): string {
    const { outbounds, nearest } = this.#world;
    const known = [...ROUTE_ENDS, ...outbounds];
    if (typeof to !== "string") {
      throw this.#wrong("to", 'expected "proxy", "direct", "block" or a name');
    }
    if (known.includes(to)) return to;
    const meant = nearest(to, known);
    throw this.#wrong(
      "to",
      `no server or group is called "${to}"` +
        (meant === undefined ? "" : `; did you mean "${meant}"?`),
    );
  }

  /**
   * The readers of values by key; a returned condition is added to the targets.
   */
  readonly #readers: Readonly<Record<string, Reader>> = {
    "domain": (rule, value, key) =>
      rule.targets.name("exact", this.#text(value, key), 0),
    "domain_suffix": (rule, value, key) =>
      rule.targets.name("suffix", this.#text(value, key), 0),
    "domain_keyword": (rule, value, key) =>
      rule.targets.keyword(this.#text(value, key), 0),
    "domain_regex": (rule, value, key) =>
      rule.targets.regex(this.#text(value, key), 0),
    "ip_cidr": (rule, value, key) =>
      this.#block(rule.targets, this.#text(value, key), key),
    "ip_private": (_, value, key) => {
      if (value !== true) throw this.#wrong(key, "expected true");
      return inSets([privateAddresses()]);
    },
    "geoip": (_, value, key) => this.#country(this.#text(value, key), key),
    "geosite": (_, value, key) => {
      const { geoSite } = this.#world;
      if (geoSite === undefined) {
        throw this.#wrong(key, "geosite_file is not set");
      }
      return geoSite(this.#text(value, key)).condition;
    },
    "rule_set": (_, value, key) => this.#ruleSet(this.#text(value, key), key),
    "port": (rule, value, key) => {
      const port = Number(value);
      if (!Number.isInteger(port) || port < 1 || port > 0xffff) {
        throw this.#wrong(key, "expected a number from 1 to 65535");
      }
      rule.ports.push({ from: port, to: port });
      return undefined;
    },
    "port_range": (rule, value, key) => {
      rule.ports.push(this.#portRange(this.#text(value, key), key));
      return undefined;
    },
    "network": (rule, value, key) => {
      if (value !== "tcp" && value !== "udp") {
        throw this.#wrong(key, 'expected "tcp" or "udp"');
      }
      rule.networks.push(value);
      return undefined;
    },
    "source": (rule, value, key) =>
      this.#block(rule.sources, this.#text(value, key), key),
    "user": (rule, value, key) => {
      rule.users.push(this.#text(value, key));
    },
    "inbound": (rule, value, key) => {
      rule.inbounds.push(this.#text(value, key));
    },
  };

  #text(value: unknown, key: string): string {
    if (typeof value === "string" && value !== "") return value;
    throw this.#wrong(key, "expected text, or a list of texts");
  }

  #block(set: TargetSetBuilder, text: string, key: string): undefined {
    if (!set.cidr(text, 0)) {
      throw this.#wrong(key, `"${text}" is neither an address nor a block`);
    }
  }

  #portRange(text: string, key: string): PortRange {
    const range = parsePortRange(text);
    if (range !== undefined) return range;
    throw this.#wrong(key, 'expected "1000:2000", ":80" or "8000:"');
  }

  #country(code: string, key: string): Condition {
    const { inCountry } = this.#world;
    if (inCountry === undefined) {
      throw this.#wrong(key, "geoip_file is not set");
    }
    return inCountry(code.toUpperCase());
  }

  #ruleSet(name: string, key: string): Condition {
    const { ruleSets, nearest } = this.#world;
    const list = ruleSets.get(name);
    if (list !== undefined) return list.condition;
    const meant = nearest(name, ruleSets.keys());
    throw this.#wrong(
      key,
      `"${name}" is not in rule_sets` +
        (meant === undefined ? "" : `; did you mean "${meant}"?`),
    );
  }

  #meant(key: string): string {
    const meant = this.#world.nearest(key, Object.keys(this.#readers));
    return meant === undefined ? "" : `; did you mean "${meant}"?`;
  }

  #wrong(key: string, what: string): ConfigError {
    return wrong(this.#world, `${this.#place}.${key}`, what);
  }
}

function wrong(
  { file }: RouteWorld,
  key: string,
  what: string,
): ConfigError {
  return badValue(`${file}: ${key}: ${what}`);
}

/** Blocks that are never part of the public internet. RFC 6890, RFC 4193. */
export const PRIVATE_BLOCKS: readonly string[] = [
  ...["0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8"],
  ...["169.254.0.0/16", "172.16.0.0/12", "192.168.0.0/16"],
  ...["::/128", "::1/128", "fc00::/7", "fe80::/10"],
];

function privateAddresses(): ReturnType<TargetSetBuilder["build"]> {
  const set = new TargetSetBuilder(undefined, new ListNotes());
  for (const block of PRIVATE_BLOCKS) set.cidr(block, 0);
  return set.build();
}
