/**
 * Settings of the targets that are allowed, and of source addresses.
 *
 * @module
 */
import { formatIp, parseIp } from "../../codec/ip_address.ts";
import type { PortRange } from "../../routes/condition.ts";
import { type CidrBlock, parseCidr } from "../../security/target_policy.ts";
import { several, SWITCH, textAs } from "./kinds.ts";
import { type Kind, OF_SERVER, type Settings, settings } from "./setting.ts";
import { INTERFACE } from "./sockets.ts";

/** An address block, or all addresses, with its text. */
export interface Allowed {
  /** The addresses that clients may reach. */
  readonly block: CidrBlock | "all";
  /** The text in the configuration. */
  readonly text: string;
}

/** The targets that clients of a server may reach. */
export const TARGETS: Settings<{
  readonly allowPrivate: Allowed[];
  readonly rejectPrivate: boolean;
}> = {
  allowPrivate: {
    key: "allow_private",
    flag: "allow-private",
    kind: several({
      ...textAs<Allowed>({
        value: "CIDR",
        expected: "an IP address, IP/BITS, or all",
        read(text): Allowed | undefined {
          const block = text === "all" ? text : parseCidr(text);
          return block && { block, text };
        },
      }),
    }),
    usual: "public addresses only",
    role: "server",
    help:
      "Also let clients reach these addresses of this host or its network; " +
      "`all` for every address",
    reload: "adopts",
  },
  rejectPrivate: {
    flag: "reject-private",
    kind: SWITCH,
    help: "Allow public addresses only, even if the file allows more",
  },
};

const STRING_OR_LIST = {
  anyOf: [{ type: "string" }, { type: "array", items: { type: "string" } }],
} as const;

/** Addresses or ports that no client of a server reaches. */
export interface Forbidden<T> {
  /** The items in the order of the text. */
  readonly all: readonly T[];
  /** The text as written; empty if nothing is forbidden. */
  readonly text: string;
}

/** Settings of the addresses and ports that clients cannot reach. */
export const FORBIDDEN: Settings<{
  readonly forbiddenIps: Forbidden<CidrBlock>;
  readonly forbiddenPorts: Forbidden<PortRange>;
}> = settings({ places: OF_SERVER, reload: "adopts" }, {
  forbiddenIps: {
    name: "forbidden_ip",
    kind: {
      ...listOf(parseForbiddenIp, {
        expected: "IP addresses and IP/BITS, separated by commas",
        schema: STRING_OR_LIST,
      }),
      value: "LIST",
    },
    usual: "none",
    help:
      "Server: addresses that clients cannot reach, separated by commas, as " +
      "in the Python original and in ShadowsocksR",
  },
  forbiddenPorts: {
    key: "forbidden_port",
    kind: listOf(parseForbiddenPort, {
      expected: "ports and ranges like 1-1023, separated by commas",
      schema: { anyOf: [...STRING_OR_LIST.anyOf, { type: "integer" }] },
    }),
    usual: "none",
    help:
      "Server: ports that clients cannot reach over TCP or UDP, separated " +
      "by commas, as in ShadowsocksR",
  },
});

/** Reads a text with commas, or a list. */
function listOf<T>(
  parse: (text: string) => T | undefined,
  form: Pick<Kind<unknown>, "expected" | "schema">,
): Kind<Forbidden<T>> {
  return {
    type: "string or list",
    ...form,
    read(value): Forbidden<T> | undefined {
      const texts = [value].flat().flatMap((one) =>
        typeof one === "number" || typeof one === "string"
          ? String(one).split(",").map((text) => text.trim())
          : [undefined]
      ).filter((text) => text !== "");
      const all = texts.map((text) =>
        text === undefined ? undefined : parse(text)
      );
      return all.every((one) => one !== undefined)
        ? { all, text: texts.join(", ") }
        : undefined;
    },
    write: ({ text }) => text,
  };
}

/**
 * Reads a forbidden address. As in the original programs, an address without
 * BITS means all addresses that begin with its bits before the zeros at its
 * end.
 */
function parseForbiddenIp(text: string): CidrBlock | undefined {
  const block = parseCidr(text);
  if (block === undefined || text.includes("/")) return block;
  const { prefix } = block;
  const last = prefix.findLastIndex((byte) => byte !== 0);
  if (last === -1) return block;
  const zeros = 31 - Math.clz32(prefix[last]! & -prefix[last]!);
  return { prefix, bits: 8 * (last + 1) - zeros };
}

/**
 * Reads a port or a range, such as `25` or `1-1023`. Ports above 65,535 are
 * left out.
 */
function parseForbiddenPort(text: string): PortRange | undefined {
  const [, first, last = first] =
    /^(\d{1,5})(?:\s*-\s*(\d{1,5}))?$/.exec(text) ??
      [];
  const [from, to] = [Number(first), Math.min(Number(last), 0xffff)];
  return from <= to ? { from, to } : undefined;
}

const ADDRESS: Kind<string> = textAs({
  value: "ADDRESS",
  expected: "an IP address of this host, one of each family at most; " +
    "an interface is outbound_bind_interface",
  read(text): string | undefined {
    const ip = parseIp(text);
    const isWildcard = ip?.every((byte) => byte === 0);
    // The runtimes use this spelling.
    return ip === undefined || isWildcard ? undefined : formatIp(ip);
  },
});

/** libev's `-i` takes the name of an interface. */
const ADDRESS_OR_INTERFACE: Kind<string> = {
  ...ADDRESS,
  expected: "an IP address of this host, one of each family at most, or the " +
    "name of an interface",
  read: (value) => ADDRESS.read(value) ?? INTERFACE.read(value),
};

/** libev takes an empty text as no address. */
const ADDRESSES_OR_NONE: Kind<string[]> = several({
  ...ADDRESS,
  read: (value) => value === "" ? "" : ADDRESS.read(value),
});

/** The source addresses of outgoing traffic. */
export const OUTBOUND: Settings<{
  readonly both: string[];
  readonly ipv4: string[];
  readonly ipv6: string[];
}> = {
  both: {
    key: "outbound_bind_addr",
    flag: "outbound-bind-addr",
    short: "i",
    flagAliases: ["bind-addr"],
    kind: several(ADDRESS_OR_INTERFACE),
    fileKind: ADDRESSES_OR_NONE,
    usual: "chosen by the system",
    help:
      "Source address on this host, at most one of each family, or interface " +
      "for sending; for TCP it needs Bun or --transport linux",
  },
  ipv4: {
    key: "local_ipv4_address",
    kind: ADDRESSES_OR_NONE,
    help: "The same as `outbound_bind_addr`, by its name in shadowsocks-libev",
  },
  ipv6: {
    key: "local_ipv6_address",
    kind: ADDRESSES_OR_NONE,
    help: "The same as `outbound_bind_addr`, by its name in shadowsocks-libev",
  },
};

/** The option of libev's server for source addresses. */
export const SEND_FROM: Settings<{ readonly addresses: string[] }> = {
  addresses: {
    flag: "local-addr",
    short: "b",
    kind: several(ADDRESS),
    help: "The same as -i, by its name in shadowsocks-libev",
  },
};
