/**
 * The settings of the listening side of `ss-local`, from the command line and
 * the configuration file.
 *
 * @module
 */
import type { Address } from "../../codec/address.ts";
import { badValue } from "../../errors.ts";
import type { Endpoint, Redirection } from "../../transport.ts";
import { LOCAL_DNS, type LocalDnsKeys } from "../settings/dns.ts";
import type { InboundProtocol } from "../../service/inbound/inbound.ts";
import type { SocksUser } from "../../service/inbound/socks5.ts";
import { DEFAULT_LOCAL } from "../commands/defaults.ts";
import type { Arguments } from "../options/args.ts";
import {
  LOCAL,
  type LocalKeys,
  SNIFF,
  type SniffKeys,
  SOCKS_USERS,
  type SpokenProtocol,
  TUNNEL,
} from "../settings/local.ts";
import { isWire, LIGHTSOCKS } from "../settings/legacy.ts";
import { REDIR, type RedirKeys } from "../settings/redir.ts";
import {
  complete,
  fromObject,
  fromOptions,
  merge,
  type Said,
} from "../settings/read.ts";
import { ENTRY } from "../settings/server.ts";
import { ACL, ROUTES } from "../settings/routes.ts";
import type { OwnRules } from "../routes/written_rules.ts";
import { SERVICE } from "../settings/service.ts";
import type { ServiceOptions } from "../../service/options.ts";
import type { Place } from "../settings/setting.ts";
import { knownKeys } from "../settings/tables.ts";
import type { ConfigObject } from "./config_file.ts";
import { checkNotServed } from "./not_served.ts";
import type { Secrets } from "./secrets.ts";
import { socksUsersFromFile } from "./socks_users.ts";
import { type HostAndPort, PORT_EXPECTED } from "./values.ts";

/** The settings of one local; all are optional. */
export interface LocalSettings {
  /** Name or IP address. */
  readonly host?: string | undefined;
  /** 0 to 65,535. */
  readonly port?: number | undefined;
  readonly service?: Said<ServiceOptions> | undefined;
  /** The users; not set if every client may connect. */
  readonly users?: readonly SocksUser[] | undefined;
  /** The protocol that programs speak. */
  readonly protocol?: InboundProtocol | undefined;
  /** Set for a local that answers DNS: the resolvers that it asks. */
  readonly dns?: LocalDns | undefined;
  /** The target of a tunnel. */
  readonly tunnelTo?: Address | undefined;
  /** True if the local has the protocol `redir`. */
  readonly isRedir?: boolean;
  /** The method by which the system redirects TCP. */
  readonly tcpRedir?: Redirection | undefined;
  /** The use of the names that clients send first (TLS, HTTP, QUIC). */
  readonly sniff?: Said<SniffKeys> | undefined;
  /** The rules of this local; not set if it uses the common rules. */
  readonly rules?: OwnRules | undefined;
}

/** The resolvers of a local that answers DNS. */
export interface LocalDns {
  /** The resolver that this machine asks. */
  readonly direct?: Endpoint | undefined;
  /** The resolver that is asked through the server. */
  readonly resolver?: Endpoint | undefined;
}

/** Reads the settings of the command line. */
export function localFromOptions(args: Arguments): LocalSettings {
  const { address, port, protocol } = fromOptions(LOCAL, args);
  return {
    host: address?.host,
    port: address?.port ?? port,
    users: fromOptions(SOCKS_USERS, args).users,
    // The option accepts neither tunnel nor redir.
    protocol: inboundOf(protocol ?? [], "--protocol") as
      | Exclude<SpokenProtocol, "tunnel" | "redir" | "dns">
      | undefined,
    tunnelTo: fromOptions(TUNNEL, args).tunnelTo,
    tcpRedir: tcpRedir(fromOptions(REDIR, args)),
    sniff: fromOptions(SNIFF, args),
  };
}

/**
 * Reads the locals of a configuration file: libev's `local_address` and
 * `local_port`, then rust's `locals`.
 *
 * @throws {ConfigError} With the place of the mistake.
 */
export function localsFromFile(
  file: ConfigObject,
  secrets: Secrets,
): { locals: LocalSettings[]; warnings: string[] } {
  const top = localFromObject(file, "top", secrets);
  const locals: LocalSettings[] = [];
  const warnings: string[] = [];
  if (top.host !== undefined || top.port !== undefined) locals.push(top);
  for (const [i, object] of file.children("locals").entries()) {
    if (fromObject(ENTRY, object, "local").disabled) continue;
    const local = localFromObject(object, "local", secrets);
    warnings.push(
      ...checkNotServed(object, "local"),
      ...object.unknownKeys(knownKeys("local")),
    );
    const { files: acl } = fromObject(ACL, object, "local");
    const { routes } = fromObject(ROUTES, object, "local");
    const key = `locals[${i}].${ROUTES.routes.key}`;
    locals.push({
      ...local,
      ...(acl || routes) && { rules: { acl, routes, key } },
      users: local.users ?? top.users,
      sniff: merge(local.sniff, top.sniff),
    });
  }
  return { locals: locals.length > 0 ? locals : [top], warnings };
}

/**
 * True for a file of libev's `ss-redir`: its top says how TCP is redirected,
 * and has no protocol for programs.
 */
export function isForRedir(file: ConfigObject): boolean {
  return tcpRedir(fromObject(REDIR, file)) !== undefined &&
    fromObject(LOCAL, file).protocol === undefined;
}

function localFromObject(
  object: ConfigObject,
  place: Place,
  secrets: Secrets,
): LocalSettings {
  const local = fromObject(LOCAL, object, place);
  const { address = lightsocksLocal(object, place), port } = local;
  const { socksAuthFile, httpAuthFile, protocol: words = [] } = local;
  if (place === "local" && words.some(isWire)) {
    throw object.wrong(
      "protocol",
      "a protocol for programs; the protocol of the server is at the top",
    );
  }
  const protocol = inboundOf(words, object.where("protocol"));
  return {
    host: address?.host,
    port: address?.port ?? port,
    service: fromObject(SERVICE, object, place),
    users: socksAuthFile !== undefined
      ? socksUsersFromFile(socksAuthFile, "password", secrets)
      : httpAuthFile !== undefined
      ? socksUsersFromFile(httpAuthFile, "basic", secrets)
      : undefined,
    protocol: protocol === "tunnel"
      ? { tunnelTo: forwardTarget(object, local) }
      : protocol === "redir" || protocol === "dns"
      ? undefined
      : protocol,
    dns: dnsFromObject(object, place, protocol === "dns"),
    tunnelTo: fromObject(TUNNEL, object, place).tunnelTo,
    isRedir: protocol === "redir",
    tcpRedir: tcpRedir(fromObject(REDIR, object, place)),
    sniff: fromObject(SNIFF, object, place),
  };
}

/** @throws {ConfigError} For a key that needs the protocol `dns`. */
function dnsFromObject(
  object: ConfigObject,
  place: Place,
  isDns: boolean,
): LocalDns | undefined {
  const said = fromObject(LOCAL_DNS, object, place);
  const [name] = Object.keys(said) as (keyof LocalDnsKeys)[];
  if (!isDns && name !== undefined) {
    throw badValue(
      `${object.where(LOCAL_DNS[name].key!)} is for a local with ` +
        '"protocol": "dns"; for other locals give --dns-listen, --dns-upstream ' +
        "and --dns-direct",
    );
  }
  if (!isDns) return undefined;
  const { directHost, directPort, resolverHost, resolverPort } = complete(
    LOCAL_DNS,
    said,
  ) as Said<LocalDnsKeys> & Pick<LocalDnsKeys, "directPort" | "resolverPort">;
  return {
    direct: directHost === undefined
      ? undefined
      : { host: directHost, port: directPort },
    resolver: resolverHost === undefined
      ? undefined
      : { host: resolverHost, port: resolverPort },
  };
}

/** Returns how TCP is redirected: libev has a switch for it, rust a word. */
function tcpRedir(
  { tproxy, tcp }: Said<RedirKeys>,
): Redirection | undefined {
  return tproxy ? "tproxy" : tcp;
}

/**
 * Returns the address of a local in a file of the original lightsocks programs.
 */
function lightsocksLocal(
  file: ConfigObject,
  place: Place,
): HostAndPort | undefined {
  const { listen, remote, localHost, localPort: port } = place === "top"
    ? fromObject(LIGHTSOCKS, file)
    : {};
  if (localHost !== undefined) return { ...localHost, port };
  if (port !== undefined) return { host: DEFAULT_LOCAL.host, port };
  return remote === undefined ? undefined : listen;
}

/**
 * Returns the word for the protocol that programs speak.
 *
 * @throws {ConfigError} If there are several.
 */
function inboundOf(
  words: readonly string[],
  origin: string,
): SpokenProtocol | undefined {
  const [word, second] = words.filter((word) => !isWire(word));
  if (second === undefined) return word as SpokenProtocol | undefined;
  throw badValue(`${origin}: two protocols for programs; give one`);
}

/** Returns the target of a tunnel in the form of shadowsocks-rust. */
function forwardTarget(
  object: ConfigObject,
  { forwardAddress: host, forwardPort: port }: Said<LocalKeys>,
): Address {
  if (host === undefined) throw object.wrong("forward_address", "a host");
  if (port === undefined) throw object.wrong("forward_port", PORT_EXPECTED);
  return { host, port };
}
