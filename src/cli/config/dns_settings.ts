/**
 * What the command line says of the DNS inbound.
 *
 * @module
 */
import { parseIp } from "../../codec/ip_address.ts";
import { ConfigError } from "../../errors.ts";
import type { Endpoint } from "../../transport.ts";
import type { Arguments } from "../options/args.ts";
import { DEFAULT_RESOLVER } from "../commands/defaults.ts";
import { option } from "../options/option_value.ts";
import { readHostAndPort } from "./values.ts";

/** Where to answer, and whom to ask. */
export interface DnsSettings {
  /** Where programs ask. */
  readonly listen: Endpoint;
  /** An IP address. */
  readonly resolver: Endpoint;
}

/**
 * Reads `--dns-listen` and `--dns-upstream`.
 *
 * @returns `undefined` when no DNS inbound is asked for.
 * @throws {ConfigError} Also for an upstream without a place to listen.
 */
export function dnsFromOptions(args: Arguments): DnsSettings | undefined {
  const listen = option(args, "dns-listen", readListen, "HOST:PORT");
  const resolver = option(
    args,
    "dns-upstream",
    readResolver,
    "an IP address, with or without a port",
  );
  if (listen !== undefined) {
    return { listen, resolver: resolver ?? DEFAULT_RESOLVER };
  }
  if (resolver === undefined) return undefined;
  throw new ConfigError(
    "ERR_CONFIG_USAGE",
    "--dns-upstream has no effect alone: give --dns-listen HOST:PORT too",
  );
}

function readListen(text: string): Endpoint | undefined {
  const read = readHostAndPort(text);
  return read?.port === undefined
    ? undefined
    : { host: read.host, port: read.port };
}

function readResolver(text: string): Endpoint | undefined {
  const read = readHostAndPort(text);
  if (read === undefined || parseIp(read.host) === undefined) return undefined;
  const { host, port = DEFAULT_RESOLVER.port } = read;
  return port === 0 ? undefined : { host, port };
}
