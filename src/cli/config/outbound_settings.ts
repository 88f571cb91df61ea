/**
 * The source addresses of outgoing connections and datagrams, and a check that
 * the runtime can use them.
 *
 * The names of the settings are those of shadowsocks-rust and of
 * shadowsocks-libev's server. libev's `-i` takes an interface, Umbra's takes an
 * interface or an address: see `interfaceOf()`.
 *
 * @module
 */
import { parseIp } from "../../codec/ip_address.ts";
import { badValue, type ConfigError, TransportError } from "../../errors.ts";
import type { OutboundAddresses, Transport } from "../../transport.ts";
import type { Arguments } from "../options/args.ts";
import type { ConfigObject } from "./config_file.ts";
import { badOption } from "../options/option_value.ts";
import { OUTBOUND, SEND_FROM } from "../settings/network.ts";
import { fromObject, fromOptions } from "../settings/read.ts";
import { INTERFACE } from "../settings/sockets.ts";

/**
 * Reads the options, or else the file.
 *
 * @param role The role; a server also has `-b`, as in libev.
 * @returns `undefined` if the system chooses the addresses.
 * @throws {ConfigError} With the place of the mistake.
 */
export function outboundOf(
  role: "server" | "local",
  args: Arguments,
  file: ConfigObject | undefined,
): OutboundAddresses | undefined {
  const { flag, kind: { each } } = OUTBOUND.both;
  const chosen = [
    ...(fromOptions(OUTBOUND, args).both ?? [])
      .filter((one) => parseIp(one) !== undefined),
    ...role === "server" ? fromOptions(SEND_FROM, args).addresses ?? [] : [],
  ];
  if (chosen.length > 0 || file === undefined) {
    return oneOfEach(chosen, () => badOption(flag!, each!.expected));
  }
  const { both = [], ipv4 = [], ipv6 = [] } = fromObject(OUTBOUND, file);
  const filed = [...both, ...ipv4, ...ipv6].filter((one) => one !== "");
  const key = [OUTBOUND.both, OUTBOUND.ipv4, OUTBOUND.ipv6]
    .map(({ key }) => key!).findLast((key) => file.has(key))!;
  return oneOfEach(filed, () => file.wrong(key, each!.expected));
}

/** Returns the interface of `-i eth0`, as in shadowsocks-libev. */
export function interfaceOf(args: Arguments): string | undefined {
  return fromOptions(OUTBOUND, args).both
    ?.find((name) => INTERFACE.read(name) !== undefined);
}

/**
 * Warns about `local_address` in a server's file. libev's server sends from
 * that address; Umbra uses the key only for `ss-local`.
 *
 * @returns A warning, or nothing.
 */
export function localAddressWarning(file: ConfigObject | undefined): string[] {
  const ip = parseIp(String(file?.values("local_address")[0]));
  // A file that both roles share usually has a loopback address there.
  const isOutward = ip !== undefined && ip[0] !== 127 &&
    !ip.subarray(0, -1).every((byte) => byte === 0);
  return isOutward
    ? [
      `ignored: ${file!.where("local_address")}: a server sends from there ` +
      "in shadowsocks-libev; here that is outbound_bind_addr",
    ]
    : [];
}

/** @param wrong Makes the error for a second address of one family. */
function oneOfEach(
  addresses: readonly string[],
  wrong: () => ConfigError,
): OutboundAddresses | undefined {
  const chosen: { ipv4?: string; ipv6?: string } = {};
  for (const address of addresses) {
    const family = address.includes(":") ? "ipv6" : "ipv4";
    if (chosen[family] !== undefined) throw wrong();
    chosen[family] = address;
  }
  return addresses.length > 0 ? chosen : undefined;
}

/** The kinds of traffic that will leave this host. */
export interface OutboundTraffic {
  /** True for connections. */
  readonly streams: boolean;
  /** True for datagrams. */
  readonly datagrams: boolean;
}

/**
 * Tests the source addresses before anything is served: opens a listener on
 * each address, and connects to it from there.
 *
 * @param transport A transport that uses these addresses.
 * @throws {ConfigError} If the host does not have an address, or the runtime
 * cannot choose it.
 */
export async function checkOutbound(
  transport: Transport,
  outbound: OutboundAddresses,
  { streams, datagrams }: OutboundTraffic,
): Promise<void> {
  for (const host of [outbound.ipv4, outbound.ipv6]) {
    if (host === undefined) continue;
    if (streams && !transport.capabilities.outboundAddress) {
      throw badValue(
        `Cannot send from ${host}: the ${transport.name} transport cannot ` +
          "choose the source address of a TCP connection; use --transport " +
          "linux, run Umbra on Bun, relay only UDP (-U), or set the " +
          "preferred address in the system: `ip route change default … src " +
          "ADDRESS`",
      );
    }
    try {
      if (streams) await connectFrom(transport, host);
      if (datagrams) (await transport.bind({ host, port: 0 })).close();
    } catch (error) {
      if (!(error instanceof TransportError)) throw error;
      throw badValue(`Cannot send from ${host}: ${explain(error)}`);
    }
  }
}

async function connectFrom(transport: Transport, host: string): Promise<void> {
  const listener = await transport.listen({ host, port: 0 });
  try {
    (await transport.dial(listener.address)).close();
  } finally {
    listener.close();
  }
}

function explain(error: TransportError): string {
  if (error.code === "ERR_NET_ADDRESS_UNAVAILABLE") {
    return "this host does not have the address; `ip address` lists its addresses";
  }
  return error.message;
}
