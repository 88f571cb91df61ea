/**
 * Settings of the DNS inbound.
 *
 * @module
 */
import { formatAddress } from "../../codec/address.ts";
import { formatIp, parseIp } from "../../codec/ip_address.ts";
import { type CidrBlock, parseCidr } from "../../security/target_policy.ts";
import {
  type DnsResolver,
  formatResolver,
} from "../../service/dns/dns_resolver.ts";
import type { Endpoint } from "../../transport.ts";
import { DEFAULT_RESOLVER } from "../commands/defaults.ts";
import { readHostAndPort } from "../config/values.ts";
import { ENDPOINT, OFF, PORT, several, text, textAs } from "./kinds.ts";
import { type Kind, OF_LOCAL, type Settings, settings } from "./setting.ts";

export interface DnsKeys {
  readonly listen: Endpoint;
  readonly resolver: DnsResolver;
  readonly direct: DnsResolver;
  readonly fakeIp: boolean;
  readonly fakeIpRange: CidrBlock;
  readonly fakeIp6Range: CidrBlock;
  readonly fakeIpFilter: string[];
  readonly fakeIpFile: string;
}

/** The settings of a local that answers DNS. */
export interface LocalDnsKeys {
  readonly directHost: string;
  readonly directPort: number;
  readonly resolverHost: string;
  readonly resolverPort: number;
}

const IP: Kind<string> = textAs({
  value: "IP",
  expected: "an IP address",
  read: (text) => parseIp(text) && text,
});

/**
 * The resolvers of an entry of `locals` that answers DNS, as in
 * shadowsocks-rust.
 */
export const LOCAL_DNS: Settings<LocalDnsKeys> = settings({
  places: OF_LOCAL,
  role: "local",
  reload: "listens",
}, {
  directHost: {
    key: "local_dns_address",
    kind: IP,
    usual: "`dns_direct`",
    help: "The resolver that this machine asks, for a local with `dns`",
  },
  directPort: {
    key: "local_dns_port",
    kind: PORT,
    default: DEFAULT_RESOLVER.port,
    help: "Its port",
  },
  resolverHost: {
    key: "remote_dns_address",
    kind: IP,
    usual: "`dns_upstream`",
    help: "The resolver that the server asks, for a local with `dns`",
  },
  resolverPort: {
    key: "remote_dns_port",
    kind: PORT,
    default: DEFAULT_RESOLVER.port,
    help: "Its port",
  },
});

/** A resolver; plain DNS needs an IP address. */
const RESOLVER: Kind<DnsResolver> = textAs({
  value: "RESOLVER",
  expected: "IP[:PORT], tls://HOST[:PORT] or https://HOST[:PORT]/PATH",
  read: readResolver,
  write: formatResolver,
});

/**
 * A resolver by its IP address: this inbound may itself be the resolver of
 * names.
 */
const NEAR_RESOLVER: Kind<DnsResolver> = {
  ...RESOLVER,
  expected: "IP[:PORT], tls://IP[:PORT] or https://IP[:PORT]/PATH",
  read: (value) => {
    const read = RESOLVER.read(value);
    return read && parseIp(read.host) && read;
  },
};

/** The settings of the DNS inbound, its resolvers and fake addresses. */
export const DNS: Settings<DnsKeys> = settings({ role: "local" }, {
  listen: {
    name: "dns_listen",
    kind: ENDPOINT,
    help: "Answer DNS on this address, UDP and TCP; queries are sent through " +
      "the server, or as routes decide",
  },
  resolver: {
    name: "dns_upstream",
    kind: RESOLVER,
    usual: formatAddress(DEFAULT_RESOLVER),
    help: "The resolver that the server asks",
  },
  direct: {
    name: "dns_direct",
    kind: NEAR_RESOLVER,
    usual: "the first in /etc/resolv.conf",
    help:
      "The resolver that this machine asks for the names of direct routes and " +
      "of the servers",
  },
  fakeIp: {
    name: "fake_ip",
    ...OFF,
    help: "Answer with fake addresses for names that are reached through a " +
      "server; a connection to a fake address leads to its name",
  },
  fakeIpRange: {
    key: "fake_ip_range",
    keyAliases: ["fake_dns_ipv4_network"],
    kind: block(4, 30),
    default: parseCidr("198.18.0.0/15")!,
    help: "Range of fake IPv4 addresses",
  },
  fakeIp6Range: {
    key: "fake_ip6_range",
    keyAliases: ["fake_dns_ipv6_network"],
    kind: block(16, 120),
    default: parseCidr("fdfe:dcba:9876::/64")!,
    help: "Range of fake IPv6 addresses",
  },
  fakeIpFilter: {
    key: "fake_ip_filter",
    kind: several(text("NAME")),
    help: "Names that keep their real addresses, with all names below them; " +
      "`*.local`, `localhost` and names without a dot always do",
  },
  fakeIpFile: {
    key: "fake_ip_file",
    keyAliases: ["fake_dns_database_path"],
    kind: text("FILE", "file"),
    usual: "in ~/.cache/umbra",
    help: "File that keeps the names of fake addresses across restarts",
  },
});

function block(length: 4 | 16, mostBits: number): Kind<CidrBlock> {
  const version = length === 4 ? 4 : 6;
  return textAs({
    value: "CIDR",
    expected: `a block of IPv${version} addresses, /${mostBits} or larger`,
    read: (text) => {
      const read = parseCidr(text);
      return read?.prefix.length === length && read.bits <= mostBits
        ? read
        : undefined;
    },
    write: ({ prefix, bits }) => `${formatIp(prefix)}/${bits}`,
  });
}

function readResolver(text: string): DnsResolver | undefined {
  const [, scheme, rest = text, path] =
    /^(tls|https):\/\/([^/?#]+)(\/[!-~]*)?$/i.exec(text) ?? [];
  const read = readHostAndPort(rest);
  if (read === undefined || read.port === 0) return undefined;
  const { host } = read;
  switch (scheme?.toLowerCase()) {
    case "tls":
      return path === undefined || path === "/"
        ? { host, port: read.port ?? TLS_PORT, protocol: "tls" }
        : undefined;
    case "https": {
      const port = read.port ?? HTTPS_PORT;
      return { host, port, protocol: "https", path: path ?? DOH_PATH };
    }
    default: {
      const port = read.port ?? DEFAULT_RESOLVER.port;
      return parseIp(host) === undefined ? undefined : { host, port };
    }
  }
}

/** Default port of DNS over TLS: RFC 7858 §3.1. */
const TLS_PORT = 853;
const HTTPS_PORT = 443;

/** The usual path of DNS over HTTPS: RFC 8484 §4.1.1. */
const DOH_PATH = "/dns-query";
