/**
 * Outbounds for the servers and groups that routes name.
 *
 * @module
 */
import type { Outbound } from "../outbound.ts";
import type { ServerGroup } from "./server_group.ts";

/** The servers and groups that routes name. */
export interface NamedGroups {
  /** Names of the member servers for each server or group in routes. */
  readonly groups?: ReadonlyMap<string, readonly string[]> | undefined;
}

/** Makes an outbound for each name in routes. */
export function partsOf(
  group: ServerGroup,
  { groups = new Map() }: NamedGroups,
): [string, Outbound][] {
  return Array.from(
    groups,
    ([name, members]) => [name, group.part(name, members)],
  );
}
