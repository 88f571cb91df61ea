/**
 * The settings of several servers of a local, from the command line and the
 * configuration file.
 *
 * @module
 */
import { formatAddress } from "../../codec/address.ts";
import { badValue } from "../../errors.ts";
import type { Mode } from "../../service/options.ts";
import type { GroupOptions } from "../../service/outbound/servers/options.ts";
import type { UpstreamServer } from "../../service/outbound/shadowsocks.ts";
import type { Arguments } from "../options/args.ts";
import { BALANCER, BALANCING, RUST_BALANCER } from "../settings/balancer.ts";
import { complete, fromObject, fromOptions } from "../settings/read.ts";
import { knownKeys } from "../settings/tables.ts";
import type { ConfigObject, NamedConfig } from "./config_file.ts";
import type { ServerSettings } from "./server_settings.ts";
import { present } from "./find_servers.ts";

/** The policy that chooses servers, and warnings about it. */
export interface BalancerSettings {
  readonly balancer: GroupOptions;
  readonly warnings: readonly string[];
}

const KEY = BALANCING.balancer.key!;

/**
 * Reads the options and the object of the file; options override the file.
 *
 * @throws {ConfigError} With the place of the mistake.
 */
export function balancerOf(
  args: Arguments,
  file: NamedConfig | undefined,
): BalancerSettings {
  if (file !== undefined) fromObject(BALANCING, file.object);
  const object = file?.object.child(KEY);
  const filed = object === undefined
    ? {}
    : { ...policyOfRust(object), ...fromObject(BALANCER, object, "balancer") };
  if (object !== undefined) checkBestInterval(object, filed.probeIntervalMs);
  return {
    balancer: complete(BALANCER, { ...filed, ...fromOptions(BALANCER, args) }),
    warnings: object?.unknownKeys(knownKeys("balancer")) ?? [],
  };
}

/**
 * Returns the policy of shadowsocks-rust, the fastest server, for a file that
 * has its keys.
 */
function policyOfRust(object: ConfigObject): Partial<GroupOptions> {
  return RUST_KEYS.some((key) => object.has(key)) ? { policy: "latency" } : {};
}

const RUST_KEYS = ["max_server_rtt", "check_interval", "check_best_interval"];

/** Checks the times of {@link RUST_BALANCER}, as shadowsocks-rust does. */
function checkBestInterval(object: ConfigObject, intervalMs?: number): void {
  const { checkBestMs } = fromObject(RUST_BALANCER, object, "balancer");
  if (checkBestMs === undefined || intervalMs === undefined) return;
  if (checkBestMs <= intervalMs) return;
  throw object.wrong(
    "check_best_interval",
    `at most check_interval (${intervalMs / 1_000})`,
  );
}

/** The name of a server, and its shares of TCP and UDP. */
export type ServerShare = Pick<
  UpstreamServer,
  "name" | "tcpWeight" | "udpWeight"
>;

/**
 * Names and weights of servers, in their order. A name is the id, or the
 * remarks if no other server has the same, or the address.
 *
 * @param common The mode that the file has for all servers.
 */
export function sharesOf(
  servers: readonly ServerSettings[],
  common: Mode | undefined,
): ServerShare[] {
  return servers.map((server) => {
    const { id, tag, service } = server;
    const isUnique = servers.filter((one) => one.tag === tag).length === 1;
    const own = service?.mode === common ? undefined : service?.mode;
    return present({
      name: id ?? (tag && isUnique ? tag : undefined),
      tcpWeight: own === "udp_only" ? 0 : server.tcpWeight,
      udpWeight: own === "tcp_only" ? 0 : server.udpWeight,
    });
  });
}

/**
 * Checks that there is a server for each transport that is served.
 *
 * @param name Name of the file, for messages.
 *
 * @returns Warnings.
 * @throws {ConfigError} If no server has TCP, or only UDP is served and no
 * server has it.
 */
export function checkShares(
  servers: readonly UpstreamServer[],
  mode: Mode,
  name: string,
): string[] {
  const has = (weight: "tcpWeight" | "udpWeight"): boolean =>
    servers.some((one) => one[weight] !== 0);
  const none = (transport: string): string =>
    `${name}: no server is left: every one is disabled or has weight 0 for ` +
    transport;
  if (mode !== "udp_only" && !has("tcpWeight")) {
    throw badValue(none("TCP"));
  }
  if (mode === "tcp_only" || has("udpWeight")) return [];
  if (mode === "udp_only") {
    throw badValue(none("UDP"));
  }
  return [none("UDP")];
}

/** Returns the name of a server in messages. */
export function nameOf({ name, endpoint }: UpstreamServer): string {
  return name ?? formatAddress(endpoint);
}
