/**
 * A fleet whose source is Valkey (7.2 and later) or Redis (6.2 and later).
 *
 * A node has four connections, so that no call waits behind one of another
 * kind: for changes, for salts, for reports, and for calls that a client waits
 * for.
 *
 * @module
 */
import { badValue, StoreError } from "../../errors.ts";
import type {
  Entrance,
  FleetLink,
  ReportOutcome,
  ReportReply,
  Seat,
  SharedChange,
  SharedUser,
  UsageReport,
  UserChanges,
  UserSnapshot,
} from "../../fleet.ts";
import {
  FLEET_CALL_MS,
  FLEET_COPY_BATCH,
  FLEET_LOG_BATCH,
  FLEET_WATCH_MS,
  LEASE_HOLD_MS,
} from "../../limits.ts";
import {
  type EngineAddress,
  type EngineClient,
  openEngine,
  type Reply,
} from "./_engine_client.ts";
import { FleetNames, INDEX_PARTS } from "./_fleet_names.ts";
import { NodeRows } from "./_node_rows.ts";
import { COPY, ENTER, KEEP, REPORT } from "./_scripts.ts";
import { ValkeyTotals } from "./_usage_totals.ts";
import { ValkeySalts } from "./_valkey_salts.ts";
import {
  fieldsOf,
  idOf,
  packedFields,
  partsOf,
  readUser,
  type Sealing,
  splitId,
  textOf,
} from "./_user_form.ts";
import type { FleetKeys } from "./fleet_keys.ts";

/** The options of a node's link. */
export interface ValkeyFleetOptions {
  readonly address: EngineAddress;
  /** Name of the fleet in the engine. */
  readonly fleet: string;
  readonly keys: FleetKeys;
  /** Name of the node. */
  readonly node: string;
  /**
   * Called for each user whose password cannot be opened, and who is not
   * served.
   */
  readonly unopened?: (error: StoreError) => void;
  /**
   * Name of the nodes that share their keys. Default: none; no salts are
   * exchanged.
   */
  readonly domain?: string | undefined;
}

/**
 * Connects a node.
 *
 * @throws {TransportError | StoreError} When the engine does not answer, or
 * refuses.
 * @throws {ConfigError} When the fleet does not exist, or has another key.
 */
export async function openValkeyFleet(
  options: ValkeyFleetOptions,
): Promise<FleetLink> {
  const { address, keys, node, domain } = options;
  const names = new FleetNames(options.fleet);
  const clients: EngineClient[] = [];
  const open = async (callMs: number): Promise<EngineClient> => {
    const client = await openEngine(address, callMs);
    clients.push(client);
    return client;
  };
  try {
    const calls = await open(FLEET_CALL_MS);
    const reports = await open(FLEET_CALL_MS);
    const log = await open(WATCH_CALL_MS);
    const { fleet } = await checkFleet(calls, {
      names,
      keys,
      shown: address.shown,
    });
    const salts = domain === undefined ? undefined : new ValkeySalts({
      ...{ names, domain, node, calls },
      waiting: await open(WATCH_CALL_MS),
    });
    return new ValkeyLink(node, names, {
      ...{ calls, reports, log, clients, salts },
      sealing: { keys, fleet },
      unopened: options.unopened ?? (() => {}),
    });
  } catch (error) {
    for (const client of clients) client.close();
    throw error;
  }
}

/** Time limit of the call that waits for changes, in milliseconds. */
const WATCH_CALL_MS = FLEET_WATCH_MS + FLEET_CALL_MS;

/** The fields that are read of the fleet itself. */
const META_FIELDS = ["form", "id", "check", "m", "old"] as const;

/** A fleet that has one of the keys here. */
export interface OurFleet {
  /** Id of the fleet. */
  readonly fleet: string;
  /** Check value of the key that the present key has replaced. */
  readonly oldCheck: string | undefined;
}

/**
 * Checks that the fleet exists and has one of these keys, and makes that key
 * the current one.
 *
 * @throws {ConfigError} When the fleet does not exist, or has another key.
 */
export async function checkFleet(
  client: EngineClient,
  { names, keys, shown }: {
    readonly names: FleetNames;
    readonly keys: FleetKeys;
    readonly shown: string;
  },
): Promise<OurFleet> {
  const meta = await client.send("HMGET", names.meta, ...META_FIELDS);
  const [form, fleet, check, , oldCheck] = partsOf(meta).map((value) =>
    value instanceof Uint8Array ? textOf(value) : undefined
  );
  if (fleet === undefined || check === undefined) {
    throw badValue(
      `There is no fleet at ${shown}: make one with umbra fleet init`,
    );
  }
  if (form !== FORM) {
    throw badValue(
      `The fleet at ${shown} has form ${form}, known is ${FORM}: run a newer ` +
        "version",
    );
  }
  if (!keys.isOf(check)) {
    throw badValue(
      `The fleet at ${shown} has another key: give every node the key file ` +
        "that umbra fleet init or rekey has written",
    );
  }
  useKey(keys, fleet, { check, sealedMark: partsOf(meta)[3] });
  return { fleet, oldCheck };
}

/**
 * The id that the key of marks is sealed for; no user and no node has this id.
 */
export const MARK_KEY_ID = "/mark";

/** Makes the key current that the fleet names. */
function useKey(
  keys: FleetKeys,
  fleet: string,
  { check, sealedMark }: {
    readonly check: string;
    readonly sealedMark: Reply | undefined;
  },
): void {
  // The key of marks is sealed with the fleet's current key.
  const whose = { fleet, id: MARK_KEY_ID, version: 0 };
  const mark = sealedMark instanceof Uint8Array
    ? Uint8Array.fromBase64(keys.open(sealedMark, whose))
    : undefined;
  keys.use(check, mark);
}

/** The version of the format of keys and values. */
const FORM = "1";

interface Connections {
  /** The connection for calls that are waited for. */
  readonly calls: EngineClient;
  readonly reports: EngineClient;
  readonly log: EngineClient;
  /** Every connection, so that disposal closes all. */
  readonly clients: readonly EngineClient[];
  readonly salts: ValkeySalts | undefined;
  readonly sealing: Sealing;
  unopened(error: StoreError): void;
}

class ValkeyLink implements FleetLink {
  readonly node: string;
  readonly leaseMs = LEASE_HOLD_MS;
  readonly nodes: NodeRows;
  readonly totals: ValkeyTotals;
  readonly #names: FleetNames;
  readonly #connections: Connections;

  constructor(node: string, names: FleetNames, connections: Connections) {
    this.node = node;
    this.#names = names;
    this.#connections = connections;
    const { reports, sealing } = connections;
    this.nodes = new NodeRows(reports, { names, sealing, node });
    this.totals = new ValkeyTotals(reports, names);
  }

  get fleet(): string {
    return this.#connections.sealing.fleet;
  }

  get salts(): ValkeySalts | undefined {
    return this.#connections.salts;
  }

  async snapshot(services: readonly string[]): Promise<UserSnapshot> {
    const { log } = this.#connections;
    const names = this.#names;
    // The position is read before the users, so that a change in between is
    // read twice and never missed.
    const [meta, last] = await log.all([
      ["HGET", names.meta, "id"],
      ["XREVRANGE", names.log, "+", "-", "COUNT", 1],
    ]);
    this.#checkId(meta);
    const position = idOfEntry(partsOf(last)[0]);
    if (position === undefined) throw this.#lost();
    const users: SharedUser[] = [];
    for (const service of services) {
      const sets = await log.all(
        Array.from(
          { length: INDEX_PARTS },
          (_, part) => ["SMEMBERS", names.index(service, part)],
        ),
      );
      const ids = sets.flatMap((set) => partsOf(set).map(textOf));
      let at = 0;
      for await (const packed of this.#copies(ids)) {
        for (const fields of packedFields(packed)) {
          const user = this.#read(ids[at++]!, fields);
          if (user !== undefined) users.push(user);
        }
      }
    }
    return { users, position };
  }

  async changes(position: string): Promise<UserChanges> {
    const { log: client } = this.#connections;
    const { log, meta } = this.#names;
    const [first, last, id, named] = await client.all([
      ["XRANGE", log, "-", "+", "COUNT", 1],
      ["XREVRANGE", log, "+", "-", "COUNT", 1],
      ["HGET", meta, "id"],
      ["HMGET", meta, "check", "m"],
    ]);
    this.#checkId(id);
    this.#followKey(named);
    const ends = [first, last].map((reply) => idOfEntry(partsOf(reply)[0]));
    const [oldest, newest] = ends;
    if (oldest === undefined || newest === undefined) throw this.#lost();
    // The log was trimmed, or a replica that became primary lacks its end.
    if (isLater(oldest, position) || isLater(position, newest)) {
      return { changes: [], position, isIncomplete: true };
    }
    const read = await client.send(
      ...["XREAD", "COUNT", FLEET_LOG_BATCH, "BLOCK", FLEET_WATCH_MS],
      ...["STREAMS", log, position],
    );
    const entries = partsOf(partsOf(partsOf(read)[0])[1]);
    return {
      changes: entries.flatMap((entry) => this.#changeOf(entry) ?? []),
      position: idOfEntry(entries.at(-1)) ?? position,
    };
  }

  async join(): Promise<number> {
    const { calls } = this.#connections;
    const reply = await calls.send("HINCRBY", this.#names.nodes, this.node, 1);
    return Number(reply);
  }

  async report(
    incarnation: number,
    reports: readonly UsageReport[],
  ): Promise<ReportReply> {
    const { reports: client } = this.#connections;
    if (reports.length === 0) return await this.#ask(client);
    const replies = await client.run(
      REPORT,
      reports.map((report) => [
        this.#names.user(idOf(report.service, report.name)),
        this.node,
        ...numbersOf(incarnation, report),
      ]),
    );
    const answers = replies.map(readAnswer);
    if (answers.some(({ outcome }) => outcome.kind === "unknown")) {
      // The user was removed, or the engine has lost its data.
      await this.#ask(client);
    }
    return {
      outcomes: answers.map(({ outcome }) => outcome),
      unixMs: answers.at(-1)!.unixMs,
    };
  }

  async enter(
    incarnation: number,
    seat: Seat,
    report: UsageReport,
  ): Promise<Entrance> {
    const [reply] = await this.#connections.calls.run(ENTER, [[
      ...this.#keysOf(seat),
      this.node,
      this.#markOf(seat),
      ...numbersOf(incarnation, report),
    ]]);
    const [isAdmitted, answer] = partsOf(reply);
    return { isAdmitted: isAdmitted === 1, ...readAnswer(answer) };
  }

  async keep(seats: readonly Seat[]): Promise<boolean[]> {
    const replies = await this.#connections.calls.run(
      KEEP,
      seats.map((seat) => [
        ...this.#keysOf(seat),
        this.node,
        this.#markOf(seat),
      ]),
    );
    return replies.map((reply) => reply === 1);
  }

  async leave(seats: readonly Seat[]): Promise<void> {
    await this.#connections.calls.all(
      seats.map((seat) => {
        const [, key] = this.#keysOf(seat);
        return ["ZREM", key, `${this.#markOf(seat)}:${this.node}`];
      }),
    );
  }

  [Symbol.asyncDispose](): Promise<void> {
    for (const client of this.#connections.clients) client.close();
    return Promise.resolve();
  }

  /** Checks that the engine answers and has the fleet. */
  async #ask(client: EngineClient): Promise<ReportReply> {
    const [time, id] = await client.all([
      ["TIME"],
      ["HGET", this.#names.meta, "id"],
    ]);
    this.#checkId(id);
    const [seconds, micros] = partsOf(time).map((part) => Number(textOf(part)));
    return {
      outcomes: [],
      unixMs: seconds! * 1_000 + Math.floor(micros! / 1_000),
    };
  }

  /**
   * Reads users in batches. The engine works on one batch while the caller
   * reads the one before.
   */
  async *#copies(ids: readonly string[]): AsyncGenerator<Uint8Array> {
    const keys = ids.map((id) => this.#names.user(id));
    const ask = (at: number): Promise<Reply[]> | undefined => {
      if (at >= keys.length) return undefined;
      const batch = keys.slice(at, at + FLEET_COPY_BATCH);
      const asked = this.#connections.log.run(COPY, [batch]);
      // It may fail while the caller reads the batch before.
      asked.catch(() => {});
      return asked;
    };
    let next = ask(0);
    for (
      let at = FLEET_COPY_BATCH;
      next !== undefined;
      at += FLEET_COPY_BATCH
    ) {
      const [packed] = await next;
      next = ask(at);
      yield packed as Uint8Array;
    }
  }

  #changeOf(entry: Reply): SharedChange | undefined {
    const fields = fieldsOf(partsOf(entry)[1]);
    const id = fields.get("id");
    if (id === undefined) return undefined;
    switch (textOf(fields.get("t"))) {
      case "user": {
        const user = this.#read(textOf(id), fields);
        return user === undefined
          ? { kind: "gone", ...splitId(textOf(id)) }
          : { kind: "put", user };
      }
      case "gone":
        return { kind: "gone", ...splitId(textOf(id)) };
      default:
        return undefined;
    }
  }

  /**
   * Reads a user; reports one whose password cannot be opened, so that it does
   * not block the others.
   */
  #read(
    id: string,
    fields: ReadonlyMap<string, Uint8Array>,
  ): SharedUser | undefined {
    try {
      return readUser(id, fields, this.#connections.sealing);
    } catch (error) {
      if (!(error instanceof StoreError)) throw error;
      this.#connections.unopened(error);
      return undefined;
    }
  }

  #keysOf({ service, name }: Seat): [user: string, seats: string] {
    const id = idOf(service, name);
    return [this.#names.user(id), this.#names.seats(id)];
  }

  #markOf({ service, name, place }: Seat): string {
    return this.#connections.sealing.keys.mark(idOf(service, name), place);
  }

  #checkId(reply: Reply | undefined): void {
    const { fleet } = this.#connections.sealing;
    if (reply instanceof Uint8Array && textOf(reply) === fleet) return;
    throw this.#lost();
  }

  /** Follows the fleet if another of the keys has become its current one. */
  #followKey(named: Reply | undefined): void {
    const { keys, fleet } = this.#connections.sealing;
    const [value, sealedMark] = partsOf(named);
    const check = textOf(value);
    if (check === keys.check || !keys.isOf(check)) return;
    useKey(keys, fleet, { check, sealedMark });
  }

  #lost(): StoreError {
    return new StoreError(
      "ERR_STORE_DAMAGED",
      "The engine has lost the fleet's data, and no user is removed: restore " +
        "its data",
    );
  }
}

/** Returns the arguments of a report after the node. */
function numbersOf(incarnation: number, report: UsageReport): number[] {
  const { bytesUp, bytesDown, connections, open, sequence, wantBytes } = report;
  return [
    incarnation,
    bytesUp,
    bytesDown,
    connections,
    open,
    sequence,
    wantBytes,
  ];
}

/** Reads the result of a report. */
function readAnswer(
  reply: Reply | undefined,
): { outcome: ReportOutcome; unixMs: number } {
  const [kind, unixMs, granted, used, active, elsewhere] = partsOf(reply)
    .map((part) => textOf(part));
  const outcome: ReportOutcome = kind === "lease"
    ? {
      kind,
      lease: {
        grantedBytes: granted === "-1" ? Infinity : Number(granted),
        usedBytes: Number(used),
        activeNodes: Number(active),
        openElsewhere: Number(elsewhere),
      },
    }
    : { kind: kind === "stale" ? "stale" : "unknown" };
  return { outcome, unixMs: Number(unixMs) };
}

/** Returns the id of an entry of the log, `MS-SEQUENCE`. */
function idOfEntry(entry: Reply | undefined): string | undefined {
  const [id] = partsOf(entry);
  return id instanceof Uint8Array ? textOf(id) : undefined;
}

/** True if the first id of the log is later than the second. */
function isLater(one: string, other: string): boolean {
  const [[oneMs, oneAt], [otherMs, otherAt]] = [one, other].map((id) =>
    id.split("-").map(Number)
  ) as [[number, number], [number, number]];
  return oneMs === otherMs ? oneAt > otherAt : oneMs > otherMs;
}
