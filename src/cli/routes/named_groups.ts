/**
 * The names to which routes may lead besides all servers: a server, or a group.
 *
 * @module
 */
import { badValue, type ConfigError } from "../../errors.ts";
import { ROUTE_ENDS } from "../../routes/read_routes.ts";
import { nearest } from "../options/nearest.ts";

/** Names of servers, by the name of the server or group. */
export type NamedGroups = ReadonlyMap<string, readonly string[]>;

/**
 * Returns every server under its name, and the groups of a file.
 *
 * @param groups The groups of the file; `undefined` if there are none.
 * @param servers Names of the servers of the local.
 * @param file Name of the file, for messages.
 * @throws {ConfigError} `ERR_CONFIG_VALUE`.
 */
export function namedGroups(
  groups: object | undefined,
  servers: readonly string[],
  file: string,
): NamedGroups {
  const named = new Map(servers.map((name) => [name, [name]]));
  for (const [group, members] of Object.entries(groups ?? {})) {
    const wrong = (what: string): ConfigError =>
      badValue(`${file}: groups.${group}: ${what}`);
    const isTaken = ROUTE_ENDS.some((end) => end === group) ||
      servers.includes(group);
    if (isTaken) throw wrong("the name is already used");
    const isList = Array.isArray(members) && members.length > 0;
    if (!isList) throw wrong("expected a list of names of servers");
    for (const member of members) {
      if (servers.includes(member)) continue;
      const meant = nearest(String(member), servers);
      throw wrong(
        `no server is called "${member}"` +
          (meant === undefined ? "" : `; did you mean "${meant}"?`),
      );
    }
    named.set(group, members);
  }
  for (const end of ROUTE_ENDS) named.delete(end);
  return named;
}
