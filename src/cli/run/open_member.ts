/**
 * The membership of a server in its fleet, from its settings.
 *
 * @module
 */
import { hostname } from "node:os";
import { openValkeyFleet } from "../../adapters/fleet/valkey_fleet.ts";
import type { Clock } from "../../clock.ts";
import { badValue, faultOf, type StoreError } from "../../errors.ts";
import type { NodeMemory } from "../../fleet.ts";
import type { Logger } from "../../observe.ts";
import { Episode } from "../../service/episode.ts";
import { FleetMember } from "../../service/fleet/member.ts";
import type { ConfiguredFleet } from "../config/fleet_settings.ts";

/** The dependencies of a member. */
export interface MemberWorld {
  readonly clock: Clock;
  readonly logger: Logger;
  /** State that survives a restart; not set if nothing is kept. */
  readonly memory: NodeMemory | undefined;
  /** Number of the worker; not set in the program itself. */
  readonly worker: number | undefined;
}

/**
 * Creates the member, which joins the fleet when it is started.
 *
 * @throws {ConfigError} If the node has no name.
 */
export function makeMember(
  { node: given, outage, replay, ...place }: ConfiguredFleet,
  { worker, ...world }: MemberWorld,
): FleetMember {
  const name = given ?? hostName();
  const node = worker === undefined ? name : `${name}.w${worker}`;
  const { clock, logger } = world;
  const seals = new Episode(clock);
  const unopened = (error: StoreError): void => {
    if (!seals.happens()) return;
    logger.log(
      "error",
      "fleet: cannot serve a user; run umbra fleet doctor",
      faultOf(error),
    );
  };
  return new FleetMember({
    ...world,
    node,
    outage,
    replay,
    connect: () => openValkeyFleet({ ...place, node, unopened }),
  });
}

/**
 * Returns the host name, the default name of a node.
 *
 * @throws {ConfigError} When the runtime has no permission to read it.
 */
export function hostName(): string {
  try {
    return hostname();
  } catch (error) {
    throw badValue(
      "node is not set, and Deno was not granted the name of this host: " +
        "give node NAME, or run with --allow-sys=hostname",
      { cause: error },
    );
  }
}
