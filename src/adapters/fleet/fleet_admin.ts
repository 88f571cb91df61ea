/**
 * The operator's actions on a fleet on Valkey or Redis: create it, show its
 * users and change them.
 *
 * @module
 */
import { ConfigError, StoreError } from "../../errors.ts";
import type { NodeList, SharedUser } from "../../fleet.ts";
import { FLEET_COPY_BATCH, FLEET_PUT_TRIES } from "../../limits.ts";
import { type RandomBytes, systemRandomBytes } from "../../random.ts";
import {
  type EngineAddress,
  type EngineClient,
  openEngine,
} from "./_engine_client.ts";
import { askEngine, type EngineFacts } from "./_engine_facts.ts";
import { FleetNames, INDEX_PARTS } from "./_fleet_names.ts";
import { NodeRows } from "./_node_rows.ts";
import {
  FOUND,
  PUT,
  RAISE,
  REMOVE,
  RESEAL,
  RESET,
  STRIKE,
  SWITCH_KEY,
  WRITE_OFF,
} from "./_scripts.ts";
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
import { type FleetKeys, keyIdOf } from "./fleet_keys.ts";
import { checkFleet, MARK_KEY_ID, type OurFleet } from "./valkey_fleet.ts";

/** Selects a fleet. */
export interface FleetAdminOptions {
  readonly address: EngineAddress;
  /** Name of the fleet in the engine. */
  readonly fleet: string;
  readonly keys: FleetKeys;
  /** Default: the system's random source. */
  readonly randomBytes?: RandomBytes;
}

/** What one node has reported about a user. */
export interface NodeUse {
  readonly node: string;
  /** Payload bytes since the node's incarnation began. */
  readonly bytesUp: number;
  readonly bytesDown: number;
  /** Bytes that the node may still relay on its lease. */
  readonly leaseBytes: number;
  /** Time of the node's last report; milliseconds since 1970. */
  readonly atUnixMs: number;
  /** TCP connections that are open on the node. */
  readonly open: number;
}

/** A user's sealed password. */
interface SealedUser {
  readonly id: string;
  readonly sealed: Uint8Array;
  /** The version as the engine stores it. */
  readonly version: string;
}

/** The fleet keys that have sealed the users' passwords. */
export interface Seals {
  /** The number of users sealed with each fleet key, by the id of the key. */
  readonly sealedBy: ReadonlyMap<number, number>;
  /** Ids of users whose passwords cannot be opened with the keys here. */
  readonly unopened: readonly string[];
}

/** A user and its usage. */
export interface FleetUser {
  readonly user: SharedUser;
  /** Bytes used of the quota. */
  readonly usedBytes: number;
  /** Payload bytes from the user to targets, on all nodes. */
  readonly bytesUp: number;
  readonly bytesDown: number;
  /** Number of places that the user is connected from. */
  readonly places: number;
  readonly nodes: readonly NodeUse[];
}

/**
 * Creates a fleet.
 *
 * @throws {ConfigError} When the fleet exists already.
 * @throws {TransportError | StoreError} When the engine does not answer, or
 * refuses.
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
 * Opens an existing fleet.
 *
 * @throws {ConfigError} When the fleet does not exist, or has another key.
 * @throws {TransportError | StoreError} When the engine does not answer, or
 * refuses.
 */
export async function openFleetAdmin(
  options: FleetAdminOptions,
): Promise<FleetAdmin> {
  const { address, keys, randomBytes = systemRandomBytes } = options;
  const names = new FleetNames(options.fleet);
  const client = await openEngine(address);
  try {
    const shown = address.shown;
    const ours = await checkFleet(client, { names, keys, shown });
    return new FleetAdmin(client, names, { ...ours, keys, randomBytes });
  } catch (error) {
    client.close();
    throw error;
  }
}

/** An open fleet. */
export class FleetAdmin implements Disposable {
  readonly #client: EngineClient;
  readonly #names: FleetNames;
  readonly #sealing: Sealing & OurFleet & { readonly randomBytes: RandomBytes };
  readonly #nodes: NodeRows;

  /** See {@link openFleetAdmin}. */
  constructor(
    client: EngineClient,
    names: FleetNames,
    sealing: Sealing & OurFleet & { readonly randomBytes: RandomBytes },
  ) {
    this.#client = client;
    this.#names = names;
    this.#sealing = sealing;
    this.#nodes = new NodeRows(client, { names, sealing });
  }

  /** Adds or changes a user. Its usage is kept. */
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

  /** @returns False if the user does not exist. */
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
   * Starts a new period: sets the used bytes of the quota to 0.
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
   * Raises the counts of a user to at least these.
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

  /** Returns a user and its usage; `undefined` if the user does not exist. */
  async user(service: string, name: string): Promise<FleetUser | undefined> {
    const id = idOf(service, name);
    const [fields, places] = await this.#client.all([
      ["HGETALL", this.#names.user(id)],
      ["ZRANGE", this.#names.seats(id), 0, -1],
    ]);
    return this.#userOf(id, fieldsOf(fields), partsOf(places).map(textOf));
  }

  /** Returns every user of a service, sorted by name. */
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

  /** Finds the fleet keys that have sealed the users' passwords. */
  async seals(): Promise<Seals> {
    const { keys, fleet } = this.#sealing;
    const sealedBy = new Map<number, number>();
    const unopened: string[] = [];
    const seen = new Set<string>();
    for await (const batch of this.#allIds()) {
      const ids = batch.filter((id) => !seen.has(id));
      for (const id of ids) seen.add(id);
      for (const { id, sealed, version } of await this.#sealedOf(ids)) {
        const key = keyIdOf(sealed);
        sealedBy.set(key, (sealedBy.get(key) ?? 0) + 1);
        const whose = { fleet, id, version: Number(version) };
        if (!keys.opens(sealed, whose)) unopened.push(id);
      }
    }
    return { sealedBy, unopened };
  }

  /** Check value of the key that the present key has replaced. */
  get oldCheck(): string | undefined {
    return this.#sealing.oldCheck;
  }

  /**
   * Makes another of the keys the present one, which seals on every node that
   * has it.
   *
   * @returns False if the present key was changed by another command meanwhile.
   */
  async switchKey(check: string): Promise<boolean> {
    const { keys, fleet, randomBytes } = this.#sealing;
    const { check: old, markKey } = keys;
    keys.use(check, markKey);
    const whose = { fleet, id: MARK_KEY_ID, version: 0 };
    const sealed = keys.seal(markKey.toBase64(), whose, randomBytes);
    const [isDone] = await this.#client.run(SWITCH_KEY, [
      [this.#names.meta, old, check, sealed],
    ]);
    return isDone === 1;
  }

  /**
   * Seals with the present key all passwords that were sealed with another one.
   * Neither users nor nodes notice.
   *
   * @returns The number of users.
   * @throws {StoreError} When a password cannot be opened with any key.
   */
  async sealAgain(): Promise<number> {
    const { keys, fleet, randomBytes } = this.#sealing;
    let count = 0;
    for await (const batch of this.#allIds()) {
      // A user that was changed between the read and the write is read again.
      for (let rest = batch; rest.length > 0;) {
        const old = (await this.#sealedOf(rest))
          .filter(({ sealed }) => keys.isOld(sealed));
        const answers = await this.#client.run(
          RESEAL,
          old.map(({ id, sealed, version }) => {
            const whose = { fleet, id, version: Number(version) };
            const password = keys.open(sealed, whose);
            const again = keys.seal(password, whose, randomBytes);
            return [this.#names.user(id), version, again];
          }),
        );
        count += answers.filter((answer) => answer === 1).length;
        rest = old.filter((_, at) => answers[at] !== 1).map(({ id }) => id);
      }
    }
    return count;
  }

  /** Forgets the old key, which no node uses any more. */
  async forgetOldKey(): Promise<void> {
    await this.#client.send("HDEL", this.#names.meta, "old");
  }

  /** Reads the facts about the engine. */
  engine(): Promise<EngineFacts> {
    return askEngine(this.#client);
  }

  /** Lists the nodes. */
  nodes(): Promise<NodeList> {
    return this.#nodes.list();
  }

  /**
   * Drains or restores a node.
   *
   * @returns False if the node does not exist.
   */
  setDraining(node: string, isDraining: boolean): Promise<boolean> {
    return this.#nodes.setDraining(node, isDraining);
  }

  /**
   * Removes a node that will not come back, with its leases and seats. Bytes
   * that it has not reported are lost; a process of it that still runs has to
   * join again.
   *
   * @returns The number of users that it had served, or why nothing is removed.
   */
  async removeNode(node: string): Promise<number | "unknown" | "alive"> {
    const { heard, drained, nodes } = this.#names;
    const [reply] = await this.#client.run(STRIKE, [
      [this.#names.node(node), heard, drained, nodes, node],
    ]);
    const incarnation = Number(reply);
    if (incarnation < 0) return incarnation === -2 ? "alive" : "unknown";
    let users = 0;
    for await (const ids of this.#allIds()) {
      const found = await this.#client.run(
        WRITE_OFF,
        ids.map((id) => [
          ...[this.#names.user(id), this.#names.seats(id)],
          ...[node, incarnation],
        ]),
      );
      users += found.filter((one) => one === 1).length;
    }
    return users;
  }

  /** Closes the connection. */
  [Symbol.dispose](): void {
    this.#client.close();
  }

  /**
   * Yields the ids of the users of all services in batches. An id may occur
   * twice.
   */
  async *#allIds(): AsyncGenerator<string[]> {
    let cursor = "0";
    do {
      const [next, keys] = partsOf(
        await this.#client.send(
          ...["SCAN", cursor, "MATCH", this.#names.users],
          ...["COUNT", FLEET_COPY_BATCH],
        ),
      );
      cursor = textOf(next);
      yield partsOf(keys).map((key) => this.#names.idOf(textOf(key)));
    } while (cursor !== "0");
  }

  /** Returns the sealed passwords of those users that exist. */
  async #sealedOf(ids: readonly string[]): Promise<SealedUser[]> {
    const replies = await this.#client.all(
      ids.map((id) => ["HMGET", this.#names.user(id), "k", "v"]),
    );
    return ids.flatMap((id, at) => {
      const [sealed, version] = partsOf(replies[at]);
      return sealed instanceof Uint8Array
        ? [{ id, sealed, version: textOf(version) }]
        : [];
    });
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
      // A seat is `MARK:NODE`. A mark contains no colon, but a node's name may.
      places: new Set(seats.map((seat) => seat.split(":")[0])).size,
      nodes: [...fields].flatMap(([name, value]) =>
        name.startsWith("n:")
          ? nodeUse(name.slice("n:".length), textOf(value)) ?? []
          : []
      ),
    };
  }
}

/** @returns `undefined` if the node was removed. */
function nodeUse(node: string, text: string): NodeUse | undefined {
  const [, up, down, , lease, at, sequence, open] = text.split(",").map(Number);
  if (sequence === 0) return undefined;
  return {
    node,
    bytesUp: up!,
    bytesDown: down!,
    leaseBytes: lease!,
    atUnixMs: at!,
    open: open!,
  };
}
