/**
 * The users of a server, as every edition needs them.
 *
 * @module
 */
import type { UserLimits } from "../users.ts";

/** A user of a server. */
export interface ServerUser {
  /** For the log and the counters. */
  readonly name: string;
  /**
   * The method's key length in bytes; of ShadowsocksR, the user's password in
   * UTF-8.
   */
  readonly masterKey: Uint8Array;
  /** The number that clients of ShadowsocksR send: 32 bits. */
  readonly uid?: number;
  /** Not set: none. */
  readonly limits?: UserLimits;
  /** Whether it may not connect at present. Default: no. */
  readonly disabled?: boolean;
}

/** What users are turned into; who has not changed is turned only once. */
export class RememberedUsers<T> {
  readonly #make: (user: ServerUser) => T;
  #known: ReadonlyMap<string, Made<T>> = new Map();

  /** @param make Turns a user into what is needed of it. */
  constructor(make: (user: ServerUser) => T) {
    this.#make = make;
  }

  /** What these users are turned into, in their order; others are forgotten. */
  all(users: readonly ServerUser[]): T[] {
    const next = new Map<string, Made<T>>();
    for (const user of users) {
      const key = user.masterKey.join();
      const known = this.#known.get(user.name);
      const made = known?.key === key ? known.made : this.#make(user);
      next.set(user.name, { key, made });
    }
    this.#known = next;
    return [...next.values()].map(({ made }) => made);
  }
}

interface Made<T> {
  readonly key: string;
  readonly made: T;
}

/** @throws {RangeError} When a name or a key is there twice. */
export function checkDistinct(users: readonly ServerUser[]): void {
  const names = new Set<string>();
  const owners = new Map<string, string>();
  for (const { name, masterKey } of users) {
    if (names.has(name)) throw new RangeError(`There are two users ${name}`);
    names.add(name);
    const key = masterKey.join();
    const other = owners.get(key);
    if (other !== undefined) {
      throw new RangeError(`Users ${other} and ${name} have the same key`);
    }
    owners.set(key, name);
  }
}
