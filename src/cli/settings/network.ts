/**
 * Settings of the targets that are allowed, and of source addresses.
 *
 * @module
 */
import { formatIp, parseIp } from "../../codec/ip_address.ts";
import { type CidrBlock, parseCidr } from "../../security/target_policy.ts";
import { several, SWITCH, textAs } from "./kinds.ts";
import type { Kind, Settings } from "./setting.ts";
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
        type: "string",
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

const ADDRESS: Kind<string> = textAs({
  value: "ADDRESS",
  type: "string",
  expected: "an IP address of this host, one of each family at most; " +
    "an interface is outbound_bind_interface",
  read(text): string | undefined {
    const ip = parseIp(text);
    const isWildcard = ip?.every((byte) => byte === 0);
    // The spelling of runtimes.
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
