/**
 * Which end a configuration file is for. libev's files look the same for both.
 *
 * @module
 */
import type { ConfigObject } from "./config_file.ts";
import { isWildcard, readHostAndPort } from "./values.ts";

/** The commands that run with a file. */
export type Role = "server" | "local" | "tunnel";

/** Keys that only one of them reads. */
const TELLING: readonly (readonly [Role, readonly string[]])[] = [
  ["tunnel", ["tunnel_address"]],
  ["local", ["locals", "protocol", "socks5_auth_config_path"]],
  [
    "server",
    [
      "users",
      "port_password",
      "allow_private",
      "public_host",
      "manager",
      "store",
    ],
  ],
];

/**
 * Told by keys of one role, by servers without an address that one could
 * connect to, by a local's port.
 *
 * @returns `undefined` when nothing tells, or keys of several roles.
 * @throws {ConfigError} When `servers` is no list of objects.
 */
export function roleOfFile(object: ConfigObject): Role | undefined {
  const keys = new Set(object.keys());
  const [role, second] = TELLING
    .filter(([, own]) => own.some((key) => keys.has(key)))
    .map(([role]) => role);
  if (role !== undefined) return second === undefined ? role : undefined;
  if (hostsOf(object).every(isWildcard)) return "server";
  return keys.has("local_port") || keys.has("local_address")
    ? "local"
    : undefined;
}

/** Every host of the file's servers, as far as one is text. */
function hostsOf(object: ConfigObject): string[] {
  return [object, ...object.children("servers")]
    .flatMap((one) => [...one.values("server"), ...one.values("address")])
    .filter((value) => typeof value === "string")
    .map((text) => readHostAndPort(text)?.host ?? text);
}
