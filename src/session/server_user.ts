/**
 * The users of a server, for all families.
 *
 * @module
 */
import { fromLatin1, toLatin1 } from "../bytes.ts";
import type { UserLimits } from "../users.ts";

/** A user of a server. */
export interface ServerUser {
  /** The name in the log and the counters. */
  readonly name: string;
  /**
   * The key, whose length is the method's key length; for ShadowsocksR, the
   * user's password in UTF-8.
   */
  readonly masterKey: Uint8Array;
  /** The id that clients of ShadowsocksR send: 32 bits. */
  readonly uid?: number;
  /** The limits of the user; default: none. */
  readonly limits?: UserLimits;
  /** True if the user may not connect at present. Default: false. */
  readonly disabled?: boolean;
}

/**
 * A user that takes little memory, for servers with a hundred thousand users: a
 * `Uint8Array` takes ten times the bytes of its key.
 */
export class CompactUser implements ServerUser {
  readonly name: string;
  // Undefined fields are not created, which saves memory.
  declare readonly uid?: number;
  declare readonly limits?: UserLimits;
  declare readonly disabled?: boolean;
  readonly #key: string;

  /** Copies a user. */
  constructor({ name, masterKey, uid, limits, disabled }: ServerUser) {
    this.name = name;
    this.#key = fromLatin1(masterKey);
    if (uid !== undefined) this.uid = uid;
    if (limits !== undefined) this.limits = limits;
    if (disabled) this.disabled = disabled;
  }

  get masterKey(): Uint8Array {
    return toLatin1(this.#key);
  }

  /** The key as Latin-1 text. */
  get keyText(): string {
    return this.#key;
  }
}

/** Returns the key of a user as text, for comparison. */
function keyText(user: ServerUser): string {
  return user instanceof CompactUser
    ? user.keyText
    : fromLatin1(user.masterKey);
}

/**
 * Returns users with one replaced, as `ServerProtocol.replaceUser` describes.
 */
export function withReplaced(
  users: readonly ServerUser[],
  old: ServerUser | undefined,
  next: ServerUser | undefined,
): readonly ServerUser[] {
  const added = next === undefined ? [] : [next];
  if (old === undefined) return [...users, ...added];
  return users.flatMap((user) => user.name === old.name ? added : [user]);
}

/**
 * Caches the results of a function of users, and calls it only for users that
 * have changed.
 */
export class RememberedUsers<T> {
  readonly #make: (user: ServerUser) => T;
  #known: ReadonlyMap<string, Made<T>> = new Map();

  /** @param make Computes the result for a user. */
  constructor(make: (user: ServerUser) => T) {
    this.#make = make;
  }

  /**
   * Returns the results for these users, in their order, and drops all others.
   */
  all(users: readonly ServerUser[]): T[] {
    const next = new Map<string, Made<T>>();
    for (const user of users) {
      const key = keyText(user);
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

/** @throws {RangeError} If a name or a key occurs twice. */
export function checkDistinct(users: readonly ServerUser[]): void {
  checkNames(users);
  const owners = new Map<string, string>();
  for (const user of users) {
    const key = keyText(user);
    const other = owners.get(key);
    if (other !== undefined) {
      throw new RangeError(`Users ${other} and ${user.name} have the same key`);
    }
    owners.set(key, user.name);
  }
}

/** @throws {RangeError} If a name occurs twice. */
export function checkNames(users: readonly ServerUser[]): void {
  const names = new Set<string>();
  for (const { name } of users) {
    if (names.has(name)) throw new RangeError(`There are two users ${name}`);
    names.add(name);
  }
}
