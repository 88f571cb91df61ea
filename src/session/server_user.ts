/**
 * The users of a server, as every edition needs them.
 *
 * @module
 */
import { fromLatin1, toLatin1 } from "../bytes.ts";
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

/**
 * A user in little memory, for who has a hundred thousand: a `Uint8Array` takes
 * ten times the bytes of its key.
 */
export class CompactUser implements ServerUser {
  readonly name: string;
  // What most users do not have takes no room.
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

  /** The key as characters of the same numbers. */
  get keyText(): string {
    return this.#key;
  }
}

/** The key of a user as text, to compare it. */
function keyText(user: ServerUser): string {
  return user instanceof CompactUser
    ? user.keyText
    : fromLatin1(user.masterKey);
}

/**
 * Users with one in the place of another, as `ServerProtocol.replaceUser` has
 * it.
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

/** @throws {RangeError} When a name or a key is there twice. */
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

/** @throws {RangeError} When a name is there twice. */
export function checkNames(users: readonly ServerUser[]): void {
  const names = new Set<string>();
  for (const { name } of users) {
    if (names.has(name)) throw new RangeError(`There are two users ${name}`);
    names.add(name);
  }
}
