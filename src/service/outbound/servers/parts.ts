/**
 * Servers and groups of servers that routes name.
 *
 * @module
 */
import type { Outbound } from "../outbound.ts";
import type { ServerGroup } from "./server_group.ts";

/** The ways of routes besides all servers. */
export interface NamedGroups {
  /** Names of servers by what routes call them: a server, or a group. */
  readonly groups?: ReadonlyMap<string, readonly string[]> | undefined;
}

/** Ways through some of the servers, by what routes call them. */
export function partsOf(
  group: ServerGroup,
  { groups = new Map() }: NamedGroups,
): [string, Outbound][] {
  return Array.from(
    groups,
    ([name, members]) => [name, group.part(name, members)],
  );
}
