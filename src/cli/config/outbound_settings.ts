/**
 * Which addresses of this host connections and datagrams leave from, and
 * whether the runtime can do that.
 *
 * The names are those of shadowsocks-rust, and of shadowsocks-libev's server.
 * libev's `-i` takes an interface; ours takes an address of it.
 *
 * @module
 */
import * as v from "valibot";
import { formatIp, parseIp } from "../../codec/ip_address.ts";
import { ConfigError, TransportError } from "../../errors.ts";
import type { OutboundAddresses, Transport } from "../../transport.ts";
import type { Arguments } from "../options/args.ts";
import type { ConfigObject } from "./config_file.ts";
import { type Key, type Keys, texts } from "./config_keys.ts";
import { badOption } from "../options/option_value.ts";

const EXPECTED = "an IP address of this host, one of each family at most; " +
  "no interface can be chosen, but `ip address` shows the addresses of one";

const OUTBOUND = v.object({
  outbound_bind_addr: addresses(
    "Address of this host to send from, or one of each family; TCP on Bun only",
  ),
  local_ipv4_address: addresses("The same, as shadowsocks-libev calls it"),
  local_ipv6_address: addresses("The same, as shadowsocks-libev calls it"),
});

/** Keys that {@link outboundOf} reads, at the top of a file. */
export const OUTBOUND_KEYS: Keys = OUTBOUND.entries;

/**
 * Reads the options, or else the file.
 *
 * @param options Names of options that have addresses.
 * @returns `undefined`: the system chooses.
 * @throws {ConfigError} With the place of the mistake.
 */
export function outboundOf(
  args: Arguments,
  file: ConfigObject | undefined,
  options: readonly string[],
): OutboundAddresses | undefined {
  let chosen: OutboundAddresses | undefined;
  for (const name of options) {
    for (const text of args.all(name)) {
      chosen = withAddress(chosen, readAddress(text));
      if (chosen === undefined) throw badOption(name, text, EXPECTED);
    }
  }
  if (chosen !== undefined || file === undefined) return chosen;
  for (const [key, list = []] of Object.entries(file.read(OUTBOUND))) {
    // libev takes an empty text for none.
    for (const address of list.filter((one) => one !== "")) {
      chosen = withAddress(chosen, address);
      if (chosen === undefined) throw file.wrong(key, EXPECTED);
    }
  }
  return chosen;
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

function addresses(about: string): Key<string[]> {
  return texts({
    about,
    expected: EXPECTED,
    read: (value) => value === "" ? "" : readAddress(value),
  });
}

/** As runtimes write it. */
function readAddress(text: unknown): string | undefined {
  const ip = typeof text === "string" ? parseIp(text) : undefined;
  const isWildcard = ip?.every((byte) => byte === 0);
  return ip === undefined || isWildcard ? undefined : formatIp(ip);
}

/** `undefined` without an address, or with a second one of its family. */
function withAddress(
  known: OutboundAddresses = {},
  address: string | undefined,
): OutboundAddresses | undefined {
  if (address === undefined) return undefined;
  const family = address.includes(":") ? "ipv6" : "ipv4";
  return known[family] === undefined
    ? { ...known, [family]: address }
    : undefined;
}

/** What is going to leave this host. */
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
          "choose the address that a TCP connection leaves from; run Umbra on " +
          "Bun, or relay UDP alone (-U), or let the system prefer the address: " +
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
