/**
 * Settings of where traffic may go and where it leaves from.
 *
 * @module
 */
import { formatIp, parseIp } from "../../codec/ip_address.ts";
import { type CidrBlock, parseCidr } from "../../security/target_policy.ts";
import { several, SWITCH, textAs } from "./kinds.ts";
import type { Kind, Settings } from "./setting.ts";
import { INTERFACE } from "./sockets.ts";

/** An address block, or all addresses; and how it was written. */
export interface Allowed {
  /** The addresses that clients may reach. */
  readonly block: CidrBlock | "all";
  /** The text of the operator. */
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
    help: "Let clients reach these addresses of this host or its network " +
      "too; `all` for every one",
    reload: "adopts",
  },
  rejectPrivate: {
    flag: "reject-private",
    kind: SWITCH,
    help: "Public addresses only, whatever the file allows",
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
    // As runtimes write it.
    return ip === undefined || isWildcard ? undefined : formatIp(ip);
  },
});

/** libev's `-i` takes a name. */
const ADDRESS_OR_INTERFACE: Kind<string> = {
  ...ADDRESS,
  expected: "an IP address of this host, one of each family at most, or the " +
    "name of an interface",
  read: (value) => ADDRESS.read(value) ?? INTERFACE.read(value),
};

/** libev takes an empty text for none. */
const ADDRESSES_OR_NONE: Kind<string[]> = several({
  ...ADDRESS,
  read: (value) => value === "" ? "" : ADDRESS.read(value),
});

/** The addresses from which everything leaves. */
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
    usual: "the system's choice",
    help: "Send from this address of the host, one of each family at most, " +
      "or by this interface; TCP on Bun, or with --transport linux",
  },
  ipv4: {
    key: "local_ipv4_address",
    kind: ADDRESSES_OR_NONE,
    help: "The same as `outbound_bind_addr`, as shadowsocks-libev calls it",
  },
  ipv6: {
    key: "local_ipv6_address",
    kind: ADDRESSES_OR_NONE,
    help: "The same as `outbound_bind_addr`, as shadowsocks-libev calls it",
  },
};

/** libev's server has it under this name. */
export const SEND_FROM: Settings<{ readonly addresses: string[] }> = {
  addresses: {
    flag: "local-addr",
    short: "b",
    kind: several(ADDRESS),
    help: "The same as -i, under the name it has in shadowsocks-libev",
  },
};
