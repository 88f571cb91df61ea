/**
 * Settings of sockets, with the names of shadowsocks-libev and
 * shadowsocks-rust. Only Umbra's own sockets (`--transport linux`) support
 * them.
 *
 * @module
 */
import type { SocketOptions } from "../../transport.ts";
import { OFF, seconds, SWITCH, textAs, whole } from "./kinds.ts";
import { type Kind, type Settings, settings } from "./setting.ts";

/**
 * Name of a network interface. Text of only digits, dots and colons is an
 * address.
 */
export const INTERFACE: Kind<string> = textAs({
  value: "NAME",
  expected: "the name of a network interface, as `ip link` shows it",
  read: (text) =>
    /^[^\s/:%]{1,15}$/.test(text) && !/^[\d.]+$/.test(text) ? text : undefined,
});

const BYTES: Kind<number> = whole(1, 0x3fff_ffff, {
  value: "BYTES",
  type: "bytes",
  expected: "a whole number of bytes, 1 to 1073741823",
});

const WHOLE_SECONDS: Kind<number> = seconds(
  1_000,
  "seconds, 1 or more, up to 2147483",
);

/** The settings of sockets. */
export const SOCKETS: Settings<SocketOptions> = settings({}, {
  mark: {
    name: "outbound_fwmark",
    kind: whole(1, 0xffff_ffff, {
      value: "N",
      type: "count",
      expected: "a whole number from 1 to 4294967295",
    }),
    help:
      "Set this mark on outgoing packets, for routing and firewall rules; " +
      "needs --transport linux and CAP_NET_ADMIN",
  },
  interfaceName: {
    name: "outbound_bind_interface",
    keyAliases: ["interface"],
    kind: INTERFACE,
    help:
      "Send through this network interface, the same as -i; needs --transport " +
      "linux",
  },
  dscp: {
    name: "outbound_dscp",
    kind: whole(0, 63, {
      value: "CLASS",
      type: "count",
      expected: "a whole number from 0 to 63",
    }),
    help: "Set this class (DSCP) on outgoing packets; needs --transport linux",
  },
  fastOpen: {
    name: "fast_open",
    flagAliases: ["tcp-fast-open"],
    kind: SWITCH,
    help: "Send first bytes with the first packet (TCP fast open); needs " +
      "--transport linux, and sysctl net.ipv4.tcp_fastopen=3 to accept it",
  },
  multipath: {
    name: "mptcp",
    flagAliases: ["tcp-multipath"],
    kind: SWITCH,
    help:
      "Let TCP use several paths (MPTCP) with peers that support it; needs " +
      "--transport linux",
  },
  keepAliveMs: {
    key: "keep_alive",
    flag: "tcp-keep-alive",
    kind: WHOLE_SECONDS,
    usual: "off",
    help:
      "Time without data after which TCP probes the peer (keep-alive); needs " +
      "--transport linux",
  },
  userTimeoutMs: {
    name: "tcp_user_timeout",
    kind: WHOLE_SECONDS,
    usual: "set by the system, about 15 minutes",
    help:
      "Close a connection whose peer has not acknowledged sent data for this " +
      "time; needs --transport linux",
  },
  inboundSendBuffer: {
    key: "tcp_incoming_sndbuf",
    flag: "inbound-send-buffer-size",
    flagAliases: ["tcp-incoming-sndbuf"],
    kind: BYTES,
    usual: "set by the system",
    help: "Send buffer of accepted connections; needs --transport linux",
  },
  inboundReceiveBuffer: {
    key: "tcp_incoming_rcvbuf",
    flag: "inbound-recv-buffer-size",
    flagAliases: ["tcp-incoming-rcvbuf"],
    kind: BYTES,
    usual: "set by the system",
    help: "Receive buffer of accepted connections; needs --transport linux",
  },
  outboundSendBuffer: {
    key: "tcp_outgoing_sndbuf",
    flag: "outbound-send-buffer-size",
    flagAliases: ["tcp-outgoing-sndbuf"],
    kind: BYTES,
    usual: "set by the system",
    help: "Send buffer of connections to servers and targets; needs " +
      "--transport linux",
  },
  outboundReceiveBuffer: {
    key: "tcp_outgoing_rcvbuf",
    flag: "outbound-recv-buffer-size",
    flagAliases: ["tcp-outgoing-rcvbuf"],
    kind: BYTES,
    usual: "set by the system",
    help: "Receive buffer of connections to servers and targets; needs " +
      "--transport linux",
  },
});

/** The order of addresses, which every transport supports. */
export const NAMES: Settings<{ readonly ipv6First: boolean }> = {
  ipv6First: {
    key: "ipv6_first",
    flag: "ipv6-first",
    short: "6",
    ...OFF,
    help:
      "Try the IPv6 addresses of a name before its IPv4 addresses, regardless " +
      "of the system's preference",
  },
};
