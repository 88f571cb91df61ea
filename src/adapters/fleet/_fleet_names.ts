/**
 * The keys of a fleet in the engine. Those of one user have one slot.
 *
 * @module
 */

/** Sets among which the users of a service are spread. */
export const INDEX_PARTS = 256;

/** The keys of one fleet. */
export class FleetNames {
  readonly #prefix: string;

  /** @param fleet Its name. */
  constructor(fleet: string) {
    this.#prefix = `umbra:${fleet}:`;
  }

  /** Form, id and check value of the fleet. */
  get meta(): string {
    return `${this.#prefix}meta`;
  }

  /** Changes of users. */
  get log(): string {
    return `${this.#prefix}log`;
  }

  /** Incarnations of nodes. */
  get nodes(): string {
    return `${this.#prefix}nodes`;
  }

  /** The times at which nodes were heard of. */
  get heard(): string {
    return `${this.#prefix}heard`;
  }

  /** Nodes that take no new clients, and since when. */
  get drained(): string {
    return `${this.#prefix}drained`;
  }

  /** One node. */
  node(node: string): string {
    return `${this.#prefix}n:${node}`;
  }

  /** One user. */
  user(id: string): string {
    return `${this.#prefix}u:{${id}}`;
  }

  /** A pattern of the keys of all users. */
  get users(): string {
    return this.user("*");
  }

  /** The id of the user that has this key. */
  idOf(key: string): string {
    return key.slice(this.user("").length - 1, -1);
  }

  /** The key of a user's seats. */
  seats(id: string): string {
    return `${this.#prefix}h:{${id}}`;
  }

  /** The users of a service, by part. */
  index(service: string, part: number): string {
    return `${this.#prefix}ix:${service}:${part}`;
  }

  /** Salts that the nodes of a domain have served. */
  salts(domain: string): string {
    return `${this.#prefix}x:{${domain}}`;
  }

  /** One salt that a node of a domain has claimed. */
  claim(domain: string, salt: string): string {
    return `${this.salts(domain)}:s:${salt}`;
  }

  /** The set in which a user is: by FNV-1a. */
  indexOf(service: string, name: string): string {
    let hash = 0x811c9dc5;
    for (const byte of new TextEncoder().encode(name)) {
      hash = Math.imul(hash ^ byte, 0x01000193);
    }
    return this.index(service, (hash >>> 0) % INDEX_PARTS);
  }
}
