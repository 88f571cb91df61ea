/**
 * The keys of a fleet in the engine. All keys of one user hash to the same
 * slot.
 *
 * @module
 */

/** Number of sets among which the users of a service are spread. */
export const INDEX_PARTS = 256;

/** The keys of one fleet. */
export class FleetNames {
  readonly #prefix: string;

  /** @param fleet Name of the fleet. */
  constructor(fleet: string) {
    this.#prefix = `umbra:${fleet}:`;
  }

  /** The key of the fleet's format, id and check value. */
  get meta(): string {
    return `${this.#prefix}meta`;
  }

  /** The key of the log of changes of users. */
  get log(): string {
    return `${this.#prefix}log`;
  }

  /** The key of the nodes' incarnations. */
  get nodes(): string {
    return `${this.#prefix}nodes`;
  }

  /** The key of the times of the nodes' last heartbeats. */
  get heard(): string {
    return `${this.#prefix}heard`;
  }

  /** The key of the nodes that are drained, with the times since when. */
  get drained(): string {
    return `${this.#prefix}drained`;
  }

  /** Returns the key of a node. */
  node(node: string): string {
    return `${this.#prefix}n:${node}`;
  }

  /** Returns the key of a user. */
  user(id: string): string {
    return `${this.#prefix}u:{${id}}`;
  }

  /** The pattern that matches the keys of all users. */
  get users(): string {
    return this.user("*");
  }

  /** Returns the id of the user with this key. */
  idOf(key: string): string {
    return key.slice(this.user("").length - 1, -1);
  }

  /** Returns the key of a user's seats. */
  seats(id: string): string {
    return `${this.#prefix}h:{${id}}`;
  }

  /** Returns the key of one set of a service's users. */
  index(service: string, part: number): string {
    return `${this.#prefix}ix:${service}:${part}`;
  }

  /** Returns the key of the salts that the nodes of a domain have served. */
  salts(domain: string): string {
    return `${this.#prefix}x:{${domain}}`;
  }

  /** Returns the key of a salt that a node of a domain has claimed. */
  claim(domain: string, salt: string): string {
    return `${this.salts(domain)}:s:${salt}`;
  }

  /**
   * Returns the key of the set that contains a user, chosen by FNV-1a of the
   * name.
   */
  indexOf(service: string, name: string): string {
    let hash = 0x811c9dc5;
    for (const byte of new TextEncoder().encode(name)) {
      hash = Math.imul(hash ^ byte, 0x01000193);
    }
    return this.index(service, (hash >>> 0) % INDEX_PARTS);
  }
}
