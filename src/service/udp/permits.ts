/**
 * Which addresses may send datagrams to a local, and whose those are. Asking
 * costs the same, however many associations there are.
 *
 * @module
 */
import type { Endpoint } from "../../transport.ts";

/** What one association admits. */
export interface Permit {
  /** IP address of the sender. */
  readonly host: string;
  /** Port of the sender; `undefined`: any. */
  readonly port: number | undefined;
  /** Who has asked for the association, where users have names. */
  readonly user: string | undefined;
}

/** How many associations each user has. */
type Users = Map<string | undefined, number>;

/** The permits of all associations. */
export class Permits {
  readonly #users = new Map<string, Users>();

  /** Admits what the permit says, once more. */
  add(permit: Permit): void {
    const key = keyOf(permit);
    const users: Users = this.#users.get(key) ?? new Map();
    users.set(permit.user, (users.get(permit.user) ?? 0) + 1);
    this.#users.set(key, users);
  }

  /** Takes one back that was added. */
  delete(permit: Permit): void {
    const key = keyOf(permit);
    const users = this.#users.get(key)!;
    const count = users.get(permit.user)! - 1;
    if (count > 0) users.set(permit.user, count);
    else users.delete(permit.user);
    if (users.size === 0) this.#users.delete(key);
  }

  /** True if a permit admits what comes from there. */
  admits(from: Endpoint): boolean {
    return this.#admitting(from).length > 0;
  }

  /** Whose datagrams those are; `undefined` where that is not certain. */
  userOf(from: Endpoint): string | undefined {
    const all = this.#admitting(from);
    const [user] = all[0]?.keys() ?? [];
    const isCertain = all.every((users) => users.size === 1 && users.has(user));
    return isCertain ? user : undefined;
  }

  #admitting({ host, port }: Endpoint): Users[] {
    return [keyOf({ host, port }), keyOf({ host, port: undefined })]
      .flatMap((key) => this.#users.get(key) ?? []);
  }
}

function keyOf({ host, port }: Omit<Permit, "user">): string {
  return `${host} ${port ?? "any"}`;
}
