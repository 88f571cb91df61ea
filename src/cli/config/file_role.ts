/**
 * Which end a configuration file is for. libev's files look the same for both.
 *
 * @module
 */
import { type ConfigObject, MUDB_KEY } from "./config_file.ts";
import { isWire } from "../settings/legacy.ts";
import type { Role } from "../settings/setting.ts";
import { keysOfRole } from "../settings/tables.ts";
import { isWildcard, readHostAndPort } from "./values.ts";

/** The ends, in the order in which a key may tell of one. */
const ROLES: readonly Role[] = ["tunnel", "local", "server"];

/**
 * Told by keys of one role, by servers without an address that one could
 * connect to, by a local's port.
 *
 * @returns `undefined` when nothing decides, or keys of several roles.
 * @throws {ConfigError} When `servers` is no list of objects.
 */
export function roleOfFile(object: ConfigObject): Role | undefined {
  // ShadowsocksR calls what is spoken with the other end a protocol as well.
  const keys = new Set(object.keys());
  const isInbound = object.values("protocol").some((word) => !isWire(word));
  const [role, second] = ROLES.filter((role) =>
    keysOfRole(role).some((key) => keys.has(key)) ||
    role === "local" && isInbound ||
    role === "server" && keys.has(MUDB_KEY)
  );
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
