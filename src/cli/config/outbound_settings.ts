/**
 * Which addresses of this host connections and datagrams leave from, and
 * whether the runtime can do that.
 *
 * The names are those of shadowsocks-rust, and of shadowsocks-libev's server.
 * libev's `-i` takes an interface, and ours either: see `interfaceOf()`.
 *
 * @module
 */
import { parseIp } from "../../codec/ip_address.ts";
import { ConfigError, TransportError } from "../../errors.ts";
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
 * @param role A server has `-b` besides, under its name of libev.
 * @returns `undefined`: the system chooses.
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

/** `-i eth0`, as shadowsocks-libev has it. */
export function interfaceOf(args: Arguments): string | undefined {
  return fromOptions(OUTBOUND, args).both
    ?.find((name) => INTERFACE.read(name) !== undefined);
}

/**
 * What libev's server would do with a key that, in our files, is about
 * `ss-local` alone.
 *
 * @returns A warning, or nothing.
 */
export function localAddressWarning(file: ConfigObject | undefined): string[] {
  const ip = parseIp(String(file?.values("local_address")[0]));
  // Files that both roles share have a loopback address there.
  const isOutward = ip !== undefined && ip[0] !== 127 &&
    !ip.subarray(0, -1).every((byte) => byte === 0);
  return isOutward
    ? [
      `ignored: ${file!.where("local_address")}: a server sends from there ` +
      "in shadowsocks-libev; here that is outbound_bind_addr",
    ]
    : [];
}

/** @param wrong Makes the error of a second address of a family. */
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

/** The traffic that will leave this host. */
export interface OutboundTraffic {
  /** Connections. */
  readonly streams: boolean;
  /** Datagrams. */
  readonly datagrams: boolean;
}

/**
 * Tries the addresses before anything is served: on each, something is opened
 * that listens, and a connection to it is made from there.
 *
 * @param transport Made with these addresses.
 * @throws {ConfigError} When the host has not such an address, or the runtime
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
      throw new ConfigError(
        "ERR_CONFIG_VALUE",
        `Cannot send from ${host}: the ${transport.name} transport cannot ` +
          "choose the address that a TCP connection leaves from; use " +
          "--transport linux, run Umbra on Bun, or relay UDP alone (-U), or let the system prefer the address: " +
          "`ip route change default … src ADDRESS`",
      );
    }
    try {
      if (streams) await connectFrom(transport, host);
      if (datagrams) (await transport.bind({ host, port: 0 })).close();
    } catch (error) {
      if (!(error instanceof TransportError)) throw error;
      throw new ConfigError(
        "ERR_CONFIG_VALUE",
        `Cannot send from ${host}: ${explain(error)}`,
      );
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
    return "this host has no such address; `ip address` shows those it has";
  }
  return error.message;
}
