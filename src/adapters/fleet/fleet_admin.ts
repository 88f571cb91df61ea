/**
 * What an operator does with a fleet on Valkey or Redis: begins it, and looks
 * at its users and changes them.
 *
 * @module
 */
import { ConfigError, StoreError } from "../../errors.ts";
import type { SharedUser } from "../../fleet.ts";
import { FLEET_COPY_BATCH, FLEET_PUT_TRIES } from "../../limits.ts";
import { type RandomBytes, systemRandomBytes } from "../../random.ts";
import {
  type EngineAddress,
  type EngineClient,
  openEngine,
} from "./_engine_client.ts";
import { FleetNames, INDEX_PARTS } from "./_fleet_names.ts";
import { FOUND, PUT, RAISE, REMOVE, RESET } from "./_scripts.ts";
import {
  type Fields,
  fieldsOf,
  idOf,
  numberIn,
  partsOf,
  readUser,
  type Sealing,
  textOf,
  writeUser,
} from "./_user_form.ts";
import type { FleetKeys } from "./fleet_keys.ts";
import { checkFleet } from "./valkey_fleet.ts";

/** Which fleet. */
export interface FleetAdminOptions {
  readonly address: EngineAddress;
  /** Name of the fleet in the engine. */
  readonly fleet: string;
  readonly keys: FleetKeys;
  /** Default: the system's. */
  readonly randomBytes?: RandomBytes;
}

/** What one node has said of a user. */
export interface NodeUse {
  readonly node: string;
  /** Bytes since its incarnation began. */
  readonly bytesUp: number;
  readonly bytesDown: number;
  /** Bytes it may still let pass without asking. */
  readonly leaseBytes: number;
  /** When it was heard of last; milliseconds since 1970. */
  readonly atUnixMs: number;
  /** TCP connections that are open there. */
  readonly open: number;
}

/** A user, and what it has used. */
export interface FleetUser {
  readonly user: SharedUser;
  /** Bytes of its quota. */
  readonly usedBytes: number;
  /** Bytes from it to targets, on all nodes. */
  readonly bytesUp: number;
  readonly bytesDown: number;
  /** Places where it is. */
  readonly places: number;
  readonly nodes: readonly NodeUse[];
}

/**
 * Begins a fleet where there is none.
 *
 * @throws {ConfigError} When there is one.
 * @throws {TransportError | StoreError} When the engine did not do it.
 */
export async function foundFleet(
  { address, fleet, keys, randomBytes = systemRandomBytes }: FleetAdminOptions,
): Promise<void> {
  const names = new FleetNames(fleet);
  const client = await openEngine(address);
  try {
    const id = randomBytes(8).toHex();
    const [isNew] = await client.run(FOUND, [
      [names.meta, names.log, id, keys.check],
    ]);
    if (isNew === 1) return;
    throw new ConfigError(
      "ERR_CONFIG_VALUE",
      `There is a fleet ${fleet} at ${address.shown} already`,
    );
  } finally {
    client.close();
  }
}

/**
 * Opens a fleet to change it.
 *
 * @throws {ConfigError} When it is not there, or has another key.
 * @throws {TransportError | StoreError} When the engine did not answer.
 */
export async function openFleetAdmin(
  options: FleetAdminOptions,
): Promise<FleetAdmin> {
  const { address, keys, randomBytes = systemRandomBytes } = options;
  const names = new FleetNames(options.fleet);
  const client = await openEngine(address);
  try {
    const shown = address.shown;
    const fleet = await checkFleet(client, { names, keys, shown });
    return new FleetAdmin(client, names, { keys, fleet, randomBytes });
  } catch (error) {
    client.close();
    throw error;
  }
}

/** A fleet that can be changed. */
export class FleetAdmin implements Disposable {
  readonly #client: EngineClient;
  readonly #names: FleetNames;
  readonly #sealing: Sealing & { readonly randomBytes: RandomBytes };

  /** See {@link openFleetAdmin}. */
  constructor(
    client: EngineClient,
    names: FleetNames,
    sealing: Sealing & { readonly randomBytes: RandomBytes },
  ) {
    this.#client = client;
    this.#names = names;
    this.#sealing = sealing;
  }

  /** Adds a user, or changes it; what it has used stays. */
  async put(user: SharedUser): Promise<void> {
    const { service, name } = user;
    const id = idOf(service, name);
    const keys = [
      this.#names.user(id),
      this.#names.indexOf(service, name),
      this.#names.log,
    ];
    const found = await this.#client.send("HGET", keys[0]!, "v");
    let version = found === null ? 0 : Number(textOf(found));
    for (let tries = 0; tries < FLEET_PUT_TRIES; tries++) {
      const fields = writeUser(
        user,
        version + 1,
        this.#sealing,
        this.#sealing.randomBytes,
      );
      const [other] = await this.#client.run(PUT, [
        [...keys, id, version, ...fields],
      ]);
      if (other === -1) return;
      version = Number(other);
    }
    throw new StoreError(
      "ERR_STORE_BUSY",
      `Cannot change ${id}: others change it all the time`,
    );
  }

  /** @returns False if there is no such user. */
  async remove(service: string, name: string): Promise<boolean> {
    const id = idOf(service, name);
    const [found] = await this.#client.run(REMOVE, [[
      this.#names.user(id),
      this.#names.seats(id),
      this.#names.indexOf(service, name),
      this.#names.log,
      id,
    ]]);
    return found === 1;
  }

  /**
   * Begins another period: nothing is used of the quota.
   *
   * @returns False if there is no such user.
   */
  async reset(service: string, name: string): Promise<boolean> {
    const id = idOf(service, name);
    const [found] = await this.#client.run(RESET, [
      [this.#names.user(id), this.#names.log, id],
    ]);
    return found === 1;
  }

  /**
   * Lets the counts of a user be at least these.
   *
   * @returns False if there is no such user.
   */
  async raise(
    service: string,
    name: string,
    { bytesUp, bytesDown }: {
      readonly bytesUp: number;
      readonly bytesDown: number;
    },
  ): Promise<boolean> {
    const key = this.#names.user(idOf(service, name));
    const [found] = await this.#client.run(RAISE, [[key, bytesUp, bytesDown]]);
    return found === 1;
  }

  /** A user, and what it has used. */
  async user(service: string, name: string): Promise<FleetUser | undefined> {
    const id = idOf(service, name);
    const [fields, places] = await this.#client.all([
      ["HGETALL", this.#names.user(id)],
      ["ZRANGE", this.#names.seats(id), 0, -1],
    ]);
    return this.#userOf(id, fieldsOf(fields), partsOf(places).map(textOf));
  }

  /** Every user of a service, by name. */
  async users(service: string): Promise<FleetUser[]> {
    const sets = await this.#client.all(
      Array.from(
        { length: INDEX_PARTS },
        (_, part) => ["SMEMBERS", this.#names.index(service, part)],
      ),
    );
    const ids = sets.flatMap((set) => partsOf(set).map(textOf)).sort();
    const users: FleetUser[] = [];
    for (let i = 0; i < ids.length; i += FLEET_COPY_BATCH) {
      const batch = ids.slice(i, i + FLEET_COPY_BATCH);
      const replies = await this.#client.all(
        batch.flatMap((id) => [
          ["HGETALL", this.#names.user(id)],
          ["ZRANGE", this.#names.seats(id), 0, -1],
        ]),
      );
      for (const [at, id] of batch.entries()) {
        const fields = fieldsOf(replies[2 * at]);
        const places = partsOf(replies[2 * at + 1]).map(textOf);
        const user = this.#userOf(id, fields, places);
        if (user !== undefined) users.push(user);
      }
    }
    return users;
  }

  /** Closes the connection. */
  [Symbol.dispose](): void {
    this.#client.close();
  }

  #userOf(
    id: string,
    fields: Fields,
    seats: readonly string[],
  ): FleetUser | undefined {
    const user = readUser(id, fields, this.#sealing);
    if (user === undefined) return undefined;
    const number = (name: string): number => numberIn(fields, name) ?? 0;
    return {
      user,
      usedBytes: number("u"),
      bytesUp: number("up"),
      bytesDown: number("dn"),
      // A mark has no colon; a node may.
      places: new Set(seats.map((seat) => seat.split(":")[0])).size,
      nodes: [...fields].filter(([name]) => name.startsWith("n:"))
        .map(([name, value]) =>
          nodeUse(name.slice("n:".length), textOf(value))
        ),
    };
  }
}

function nodeUse(node: string, text: string): NodeUse {
  const [, up, down, , lease, at, , open] = text.split(",").map(Number);
  return {
    node,
    bytesUp: up!,
    bytesDown: down!,
    leaseBytes: lease!,
    atUnixMs: at!,
    open: open!,
  };
}
