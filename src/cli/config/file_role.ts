/**
 * Finds the role of a configuration file. The files of libev's `ss-local` and
 * `ss-server` have the same keys.
 *
 * @module
 */
import { type ConfigObject, MUDB_KEY } from "./config_file.ts";
import { isWire } from "../settings/legacy.ts";
import type { Role } from "../settings/setting.ts";
import { keysOfRole } from "../settings/tables.ts";
import { isWildcard, readHostAndPort } from "./values.ts";

/** The roles, in the order in which their keys are looked for. */
const ROLES: readonly Role[] = ["tunnel", "local", "server"];

/**
 * Returns the role of a file: keys of one role decide, then servers that have
 * only wildcard addresses, then a local port.
 *
 * @returns `undefined` if nothing decides, or the file has keys of several
 * roles.
 * @throws {ConfigError} If `servers` is not a list of objects.
 */
export function roleOfFile(object: ConfigObject): Role | undefined {
  // ShadowsocksR also uses "protocol" for the protocol of the server.
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

/** Returns the hosts of the file's servers that are text. */
function hostsOf(object: ConfigObject): string[] {
  return [object, ...object.children("servers")]
    .flatMap((one) => [...one.values("server"), ...one.values("address")])
    .filter((value) => typeof value === "string")
    .map((text) => readHostAndPort(text)?.host ?? text);
}
