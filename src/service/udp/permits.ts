/**
 * The addresses that may send datagrams to a local, and their users. A check
 * costs the same, however many associations there are.
 *
 * @module
 */
import type { Endpoint } from "../../transport.ts";

/** The senders that one association allows. */
export interface Permit {
  /** IP address of the sender. */
  readonly host: string;
  /** Port of the sender; `undefined` for any. */
  readonly port: number | undefined;
  /** The user that asked for the association, where users have names. */
  readonly user: string | undefined;
}

/** The user of a sender. */
export interface Sender {
  /** Not set if users have no names, or if several users match. */
  readonly user: string | undefined;
}

/** The number of associations of each user. */
type Users = Map<string | undefined, number>;

/** The permits of all associations. */
export class Permits {
  readonly #users = new Map<string, Users>();

  /** Adds a permit; permits are counted. */
  add(permit: Permit): void {
    const key = keyOf(permit);
    const users: Users = this.#users.get(key) ?? new Map();
    users.set(permit.user, (users.get(permit.user) ?? 0) + 1);
    this.#users.set(key, users);
  }

  /** Removes a permit that was added. */
  delete(permit: Permit): void {
    const key = keyOf(permit);
    const users = this.#users.get(key)!;
    const count = users.get(permit.user)! - 1;
    if (count > 0) users.set(permit.user, count);
    else users.delete(permit.user);
    if (users.size === 0) this.#users.delete(key);
  }

  /** True if a permit allows this sender. */
  admits(from: Endpoint): boolean {
    return this.find(from) !== undefined;
  }

  /** Returns the sender of datagrams; `undefined` if no permit allows it. */
  find({ host, port }: Endpoint): Sender | undefined {
    const one = this.#users.get(keyOf({ host, port }));
    const any = this.#users.get(keyOf({ host, port: undefined }));
    if (one === undefined) return any && senderOf(any);
    const sender = senderOf(one);
    const isCertain = any === undefined || senderOf(any).user === sender.user;
    return isCertain ? sender : UNCERTAIN;
  }
}

/** If several users share an address, the user is not known. */
function senderOf(users: Users): Sender {
  if (users.size > 1) return UNCERTAIN;
  const [user] = users.keys();
  return { user };
}

const UNCERTAIN: Sender = { user: undefined };

function keyOf({ host, port }: Omit<Permit, "user">): string {
  return `${host} ${port ?? "any"}`;
}
