/**
 * The settings of the DNS inbound, from the command line and the configuration
 * file.
 *
 * @module
 */
import { formatAddress } from "../../codec/address.ts";
import { isUnspecified, parseIp } from "../../codec/ip_address.ts";
import { badValue, ConfigError } from "../../errors.ts";
import { ListNotes } from "../../routes/list_notes.ts";
import { TargetSetBuilder } from "../../routes/match/target_set.ts";
import type { DnsResolver } from "../../service/dns/dns_resolver.ts";
import type { FakeRanges } from "../../service/dns/fake_ips.ts";
import type { LocalOptions } from "../../service/inbound/local.ts";
import type { Endpoint } from "../../transport.ts";
import { DEFAULT_RESOLVER } from "../commands/defaults.ts";
import type { Arguments } from "../options/args.ts";
import { DNS, type DnsKeys, LOCAL_DNS } from "../settings/dns.ts";
import { ROUTES } from "../settings/routes.ts";
import {
  complete,
  fromBoth,
  fromObject,
  fromOptions,
  merge,
} from "../settings/read.ts";
import type { ConfigObject } from "./config_file.ts";
import { followedLists } from "../routes/open_lists.ts";
import { readFile } from "./find_servers.ts";
import type { LocalDns } from "./local_settings.ts";
import { onlineSettings } from "./online_settings.ts";
import type { Sources } from "./secrets.ts";
import { usage } from "../options/getopt.ts";

/** The settings of the DNS inbound. */
export interface DnsSettings {
  /** The address on which programs ask. */
  readonly listen: Endpoint;
  /** The resolver that is asked through a server. */
  readonly resolver: DnsResolver;
  /**
   * The resolver, an IP address, that this machine asks; not set if there is
   * none.
   */
  readonly direct: DnsResolver | undefined;
  /**
   * Returns the resolver that this machine asks at present; not set if it is
   * configured.
   */
  readonly directNow: (() => DnsResolver | undefined) | undefined;
  /** Set if the inbound answers with fake addresses. */
  readonly fake: FakeSettings | undefined;
  /** Names of the hosts from which this program fetches lists. */
  readonly hosts: readonly string[];
}

/** The settings of fake addresses. */
export interface FakeSettings {
  readonly ranges: FakeRanges;
  /** The file that keeps them; default: a file in the system's cache folder. */
  readonly file: string | undefined;
  /** True for names whose real addresses are returned. */
  isTrue(name: string): boolean;
}

/** The settings of one local that answers DNS. */
export interface OwnDns extends LocalDns {
  /** The address on which programs ask. */
  readonly listen: Endpoint;
}

/**
 * Reads the settings of the DNS inbound.
 *
 * @param locals The locals that will run; some may answer DNS themselves.
 * @returns `undefined` if there is no DNS inbound.
 * @throws {ConfigError} Also for options that have no effect without a
 * listening address.
 */
export function dnsSettings(
  args: Arguments,
  sources: Sources,
  locals: readonly { readonly dns?: DnsSettings }[] = [],
): DnsSettings | undefined {
  const file = readFile(args, sources);
  const chosen = fromOptions(DNS, args);
  const { listen } = merge(chosen, file && fromObject(DNS, file.object));
  if (listen !== undefined) return localDnsSettings(args, sources, { listen });
  const asksForRoutes = file !== undefined &&
    fromObject(ROUTES, file.object).resolve === "remote";
  const [useless] = (Object.keys(chosen) as (keyof DnsKeys)[])
    .filter((key) => key !== "resolver" || !asksForRoutes);
  if (useless === undefined || locals.some(({ dns }) => dns !== undefined)) {
    return undefined;
  }
  throw usage(
    `--${DNS[useless].flag} has no effect alone: give --dns-listen ` +
      "HOST:PORT too",
  );
}

/**
 * Reads the settings of a DNS inbound, or of a local that answers DNS.
 *
 * @param own The settings of the inbound itself.
 * @throws {ConfigError} `ERR_CONFIG_VALUE`.
 */
export function localDnsSettings(
  args: Arguments,
  sources: Sources,
  own: OwnDns,
): DnsSettings {
  const { listen } = own;
  const file = readFile(args, sources);
  const said = fromBoth(DNS, args, file?.object);
  const resolver = own.resolver ?? said.resolver ?? DEFAULT_RESOLVER;
  const direct = own.direct ?? said.direct;
  if (direct !== undefined && isItself(direct, listen)) {
    const at = formatAddress(direct);
    throw badValue(
      own.direct === undefined
        ? `--${DNS.direct.flag} ${at}: expected another address than ` +
          "--dns-listen, which would ask itself"
        : `${LOCAL_DNS.directHost.key} ${at}: expected another address than ` +
          "that of the local, which would ask itself",
    );
  }
  const { fakeIp, ...fake } = complete(DNS, said);
  const directNow = (): DnsResolver | undefined =>
    systemResolver(sources, listen);
  return {
    listen,
    resolver,
    direct: direct ?? directNow(),
    directNow: direct === undefined ? directNow : undefined,
    fake: fakeIp
      ? {
        ranges: { ipv4: fake.fakeIpRange, ipv6: fake.fakeIp6Range },
        file: fake.fakeIpFile,
        isTrue: namesOf(fake.fakeIpFilter ?? []),
      }
      : undefined,
    hosts: [
      ...file === undefined
        ? []
        : followedLists(file.name, file.object.values("rule_sets")[0]),
      onlineSettings(args, file?.object) ?? [],
    ].flat().map(({ url }) => url.hostname),
  };
}

/** Returns the resolver for routes that resolve names through a server. */
export function routeResolver(
  args: Arguments,
  file: ConfigObject | undefined,
): DnsResolver {
  return fromBoth(DNS, args, file).resolver ?? DEFAULT_RESOLVER;
}

/**
 * Checks that there is a resolver for the names of direct routes.
 *
 * @throws {ConfigError} `ERR_CONFIG_VALUE`.
 */
export function checkDnsRoutes(
  dns: DnsSettings | undefined,
  locals: readonly (Pick<LocalOptions, "routes"> & {
    readonly dns?: DnsSettings;
  })[],
): void {
  const hasNone = (one: DnsSettings | undefined): boolean =>
    one !== undefined && one.direct === undefined;
  const routed = locals.filter(({ routes }) => routes !== undefined);
  if (routed.length > 0 && hasNone(dns)) {
    throw badValue(`--dns-listen ${NO_DIRECT}`);
  }
  if (routed.some(({ dns }) => hasNone(dns))) {
    throw badValue(`A local with "protocol": "dns" ${NO_DIRECT}`);
  }
}

const NO_DIRECT = "with routes: /etc/resolv.conf names no other resolver for " +
  "direct ones; give --dns-direct IP[:PORT]";

/**
 * Returns the first resolver of this machine that is not the inbound itself.
 */
function systemResolver(
  sources: Sources,
  listen: Endpoint,
): Endpoint | undefined {
  return nameservers(resolvConf(sources) ?? "")
    .find((resolver) => !isItself(resolver, listen));
}

/** @returns The text of /etc/resolv.conf; `undefined` if it cannot be read. */
export function resolvConf(sources: Sources): string | undefined {
  try {
    return sources.readText("/etc/resolv.conf");
  } catch (error) {
    if (error instanceof ConfigError) return undefined;
    throw error;
  }
}

/** The resolvers that `/etc/resolv.conf` names, in order. */
export function nameservers(text: string): Endpoint[] {
  return [...text.matchAll(/^\s*nameserver\s+(\S+)/gm)]
    .flatMap(([, host]) =>
      host !== undefined && parseIp(host) !== undefined
        ? [{ host, port: DEFAULT_RESOLVER.port }]
        : []
    );
}

/** True if a resolver's address is the address on which the inbound listens. */
export function isItself({ host, port }: Endpoint, listen: Endpoint): boolean {
  if (port !== listen.port) return false;
  return host === listen.host || isUnspecified(host) ||
    isUnspecified(listen.host) && /^(127\.|::1$)/.test(host);
}

/**
 * Returns a predicate that is true for these names, for names below them, and
 * for names of the local network.
 */
function namesOf(texts: readonly string[]): (name: string) => boolean {
  const notes = new ListNotes();
  const builder = new TargetSetBuilder(undefined, notes);
  for (const text of [...texts, "local", "localhost"]) {
    builder.name("suffix", text, 0);
    if (notes.all().length === 0) continue;
    throw badValue(`fake_ip_filter: "${text}" is no name`);
  }
  const set = builder.build();
  return (name) => !name.includes(".") || set.matchName(name) !== undefined;
}
