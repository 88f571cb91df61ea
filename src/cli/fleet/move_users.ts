/**
 * Copies users from a store into a fleet, and back.
 *
 * @module
 */
import type { FleetAdmin } from "../../adapters/fleet/fleet_admin.ts";
import { NO_COUNTS, type UserStore } from "../../users.ts";

/**
 * Adds the users of a store to a fleet, with their usage. Repeating the import
 * changes nothing.
 *
 * @returns A summary for the operator.
 */
export async function importUsers(
  store: UserStore,
  admin: FleetAdmin,
  service: string,
): Promise<string> {
  const users = store.users().filter(({ server, standing = "made" }) =>
    server === service && standing === "made"
  );
  for (const { name, password, limits, disabled } of users) {
    await admin.put({ service, name, password, limits, disabled });
    const [kept] = store.counts(service, name);
    const { bytesUp, bytesDown } = kept?.counts ?? NO_COUNTS;
    await admin.raise(service, name, { bytesUp, bytesDown });
  }
  return `Users of port ${service} that are in the fleet now: ${users.length}\n`;
}

/**
 * Writes the users of a fleet into a store, with their usage, so that a server
 * can start with it outside the fleet.
 *
 * @returns A summary for the operator.
 */
export async function exportUsers(
  store: UserStore,
  admin: FleetAdmin,
  service: string,
): Promise<string> {
  const users = await admin.users(service);
  for (const { user, bytesUp, bytesDown } of users) {
    const { name, password, limits, disabled } = user;
    store.put({ server: service, name, password, limits, disabled });
    store.clear(service, name);
    store.add([
      { server: service, name, counts: { ...NO_COUNTS, bytesUp, bytesDown } },
    ]);
  }
  return `Users of port ${service} that are in the store now: ${users.length}\n`;
}
