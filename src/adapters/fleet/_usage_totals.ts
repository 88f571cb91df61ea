/**
 * The usage of users in the engine: `u` bytes of the present period of the
 * quota, and `up` and `dn` of all periods.
 *
 * @module
 */
import type { UsageTotals, UsedBytes, UserId } from "../../fleet.ts";
import type { EngineClient } from "./_engine_client.ts";
import type { FleetNames } from "./_fleet_names.ts";
import { idOf, partsOf, textOf } from "./_user_form.ts";

/** Reads the usage of users. */
export class ValkeyTotals implements UsageTotals {
  readonly #client: EngineClient;
  readonly #names: FleetNames;

  constructor(client: EngineClient, names: FleetNames) {
    this.#client = client;
    this.#names = names;
  }

  async used(users: readonly UserId[]): Promise<(UsedBytes | undefined)[]> {
    const replies = await this.#client.all(
      users.map(({ service, name }) => [
        ...["HMGET", this.#names.user(idOf(service, name))],
        ...["v", "u", "up", "dn"],
      ]),
    );
    return replies.map((reply) => {
      const [version, ...counts] = partsOf(reply);
      if (!(version instanceof Uint8Array)) return undefined;
      const [used, up, down] = counts.map((count) =>
        count instanceof Uint8Array ? Number(textOf(count)) : 0
      );
      return splitUsed(used!, up!, down!);
    });
  }
}

/**
 * Splits the bytes of a period in the proportion of all periods: the engine
 * counts the directions together for each period.
 */
export function splitUsed(
  usedBytes: number,
  allUp: number,
  allDown: number,
): UsedBytes {
  const all = Math.max(1, allUp + allDown);
  const bytesUp = Math.round(usedBytes * (allUp / all));
  return { bytesUp, bytesDown: usedBytes - bytesUp };
}
