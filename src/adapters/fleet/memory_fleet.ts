/**
 * A fleet's source in memory, for tests. It implements the rules of leases and
 * seats in plain arithmetic, which every other source must match, and simulates
 * a network that fails as the test demands.
 *
 * @module
 */
import type { Clock } from "../../clock.ts";
import { StoreError, TransportError } from "../../errors.ts";
import type {
  Entrance,
  FleetLink,
  FleetNode,
  Lease,
  NodeBeat,
  NodeDirectory,
  NodeList,
  ReportOutcome,
  ReportReply,
  SaltExchange,
  Seat,
  SharedChange,
  SharedUser,
  ToldSalts,
  UsageReport,
  UsageTotals,
  UsedBytes,
  UserChanges,
  UserId,
  UserSnapshot,
} from "../../fleet.ts";
import {
  FLEET_ACTIVE_MS,
  FLEET_CALL_MS,
  FLEET_ENTER_MS,
  FLEET_WATCH_MS,
  LEASE_HOLD_MS,
  NODE_FORGET_MS,
  SALT_MARK_LENGTH,
  SALT_POOL_MS,
  SEAT_MS,
} from "../../limits.ts";
import { onAbort, Stop } from "../../on_abort.ts";
import { splitUsed } from "./_usage_totals.ts";

/** How the source reacts to calls. */
export type Reach =
  /** Calls are answered. */
  | "answers"
  /** Calls fail at once and have no effect. */
  | "down"
  /** Calls take effect, but their answers are lost. */
  | "loses answers"
  /** Calls take effect twice, and the second answer is returned. */
  | "doubles calls"
  /** Calls take effect, but are answered later than a node waits for a seat. */
  | "slow"
  /** Calls have no effect and get no answer. */
  | "frozen"
  /** Calls fail because the source has lost its data. */
  | "emptied";

/** What one node has reported about a user. */
interface NodeTotals {
  incarnation: number;
  up: number;
  down: number;
  connections: number;
  grantedBytes: number;
  atMs: number;
  sequence: number;
  open: number;
}

/** The last heartbeat of a node. */
interface Row {
  readonly incarnation: number;
  readonly beat: NodeBeat;
  readonly heardUnixMs: number;
}

interface Entry {
  user: SharedUser;
  usedBytes: number;
  bytesUp: number;
  bytesDown: number;
  readonly nodes: Map<string, NodeTotals>;
  /** The time when each seat expires, by place and node. */
  readonly seats: Map<string, number>;
}

/** The salts of one domain. */
interface Domain {
  readonly log: {
    readonly atMs: number;
    readonly node: string;
    readonly part: Uint8Array;
  }[];
  /** Number of forgotten messages. */
  forgotten: number;
  /** The time when each claim expires, in the order of the claims. */
  readonly claims: Map<string, number>;
}

/** The source and its data. */
export class MemoryFleet {
  /** The reaction to calls of each node, by name. Default: `answers`. */
  readonly reach: Map<string, Reach> = new Map();
  readonly #clock: Clock;
  readonly #entries = new Map<string, Entry>();
  readonly #incarnations = new Map<string, number>();
  readonly #rows = new Map<string, Row>();
  readonly #drained = new Set<string>();
  #log: SharedChange[] = [];
  /** Number of forgotten changes. */
  #forgotten = 0;
  readonly #waiting = new Set<() => void>();
  readonly #domains = new Map<string, Domain>();

  /** Milliseconds without a report after which a lease is granted to others. */
  readonly leaseMs: number;

  /** Creates a source without users. */
  constructor(clock: Clock, leaseMs: number = LEASE_HOLD_MS) {
    this.#clock = clock;
    this.leaseMs = leaseMs;
  }

  /** The clock of the source. */
  get clock(): Clock {
    return this.#clock;
  }

  /**
   * Returns the link of a node.
   *
   * @param domain Name of the nodes that share their keys. Default: none; no
   * salts are exchanged.
   */
  link(node: string, domain?: string): FleetLink {
    return new MemoryLink(node, this, domain);
  }

  /** Adds a user, or replaces the one of the same name. */
  put(user: SharedUser): void {
    const known = this.#entries.get(keyOf(user));
    if (known !== undefined) known.user = user;
    else {
      this.#entries.set(keyOf(user), {
        user,
        usedBytes: 0,
        bytesUp: 0,
        bytesDown: 0,
        nodes: new Map(),
        seats: new Map(),
      });
    }
    this.#tell({ kind: "put", user });
  }

  /** Removes a user. */
  remove(service: string, name: string): void {
    this.#entries.delete(keyOf({ service, name }));
    this.#tell({ kind: "gone", service, name });
  }

  /** Forgets all previous changes. */
  trim(): void {
    this.#forgotten += this.#log.length;
    this.#log = [];
  }

  /** Returns the bytes that nodes have reported for a user. */
  usedBytes(service: string, name: string): number {
    return this.#entries.get(keyOf({ service, name }))?.usedBytes ?? 0;
  }

  /** See {@link UsageTotals.used}. */
  used({ service, name }: UserId): UsedBytes | undefined {
    const entry = this.#entries.get(keyOf({ service, name }));
    if (entry === undefined) return undefined;
    return splitUsed(entry.usedBytes, entry.bytesUp, entry.bytesDown);
  }

  /** Returns the places where a user has seats. */
  places(service: string, name: string): string[] {
    const entry = this.#entries.get(keyOf({ service, name }));
    return entry === undefined ? [] : [...placesOf(entry, this.#nowMs)];
  }

  /** See {@link FleetLink.snapshot}. */
  snapshot(services: readonly string[]): UserSnapshot {
    const users = [...this.#entries.values()].map(({ user }) => user)
      .filter(({ service }) => services.includes(service));
    return { users, position: String(this.#forgotten + this.#log.length) };
  }

  /** See {@link FleetLink.changes}. */
  changesAfter(position: string): UserChanges {
    const from = Number(position) - this.#forgotten;
    return {
      changes: this.#log.slice(Math.max(0, from)),
      position: String(this.#forgotten + this.#log.length),
      ...from < 0 && { isIncomplete: true },
    };
  }

  /**
   * Calls back at the next change. Returns a function that cancels the call.
   */
  onChange(callback: () => void): () => void {
    this.#waiting.add(callback);
    return () => this.#waiting.delete(callback);
  }

  /** See {@link FleetLink.join}. */
  join(node: string): number {
    const next = (this.#incarnations.get(node) ?? 0) + 1;
    this.#incarnations.set(node, next);
    return next;
  }

  /** See {@link FleetLink.report}. */
  report(
    node: string,
    incarnation: number,
    report: UsageReport,
  ): ReportOutcome {
    const entry = this.#entries.get(keyOf(report));
    if (entry === undefined) return { kind: "unknown" };
    const nowMs = this.#nowMs;
    const fresh = { up: 0, down: 0, connections: 0, grantedBytes: 0, open: 0 };
    let me = entry.nodes.get(node);
    if (me === undefined || me.incarnation < incarnation) {
      me = { ...fresh, incarnation, atMs: nowMs, sequence: 0 };
      entry.nodes.set(node, me);
    }
    if (me.incarnation > incarnation) return { kind: "stale" };
    const up = Math.max(me.up, report.bytesUp);
    const down = Math.max(me.down, report.bytesDown);
    entry.usedBytes += up - me.up + down - me.down;
    entry.bytesUp += up - me.up;
    entry.bytesDown += down - me.down;
    const isWrittenOff = nowMs - me.atMs > this.leaseMs;
    const mine = isWrittenOff ? 0 : Math.max(0, me.grantedBytes - up - down);
    const others = [...entry.nodes].filter(([name]) => name !== node)
      .map(([, other]) => other);
    const free = Math.max(
      0,
      quotaOf(entry) - entry.usedBytes - this.#leasedBy(others),
    );
    me.up = up;
    me.down = down;
    me.connections = Math.max(me.connections, report.connections);
    // A report that was overtaken by a later one does not change the lease.
    if (report.sequence > me.sequence) {
      const { wantBytes } = report;
      const more = Math.max(0, Math.min(wantBytes - mine, free - mine));
      me.grantedBytes = up + down + (wantBytes === 0 ? 0 : mine + more);
      me.sequence = report.sequence;
      me.atMs = nowMs;
      me.open = report.open;
    }
    return { kind: "lease", lease: this.#leaseOf(entry, me, others) };
  }

  /** See {@link FleetLink.enter}. */
  enter(
    node: string,
    incarnation: number,
    seat: Seat,
    report: UsageReport,
  ): Omit<Entrance, "unixMs"> {
    const isAdmitted = this.keep(node, seat);
    return { isAdmitted, outcome: this.report(node, incarnation, report) };
  }

  /** See {@link FleetLink.keep}. */
  keep(node: string, seat: Seat): boolean {
    const entry = this.#entries.get(keyOf(seat));
    if (entry === undefined) return false;
    const { maxHosts = Infinity } = entry.user.limits;
    const places = placesOf(entry, this.#nowMs);
    if (!places.has(seat.place) && places.size >= maxHosts) return false;
    entry.seats.set(`${seat.place} ${node}`, this.#nowMs + SEAT_MS);
    return true;
  }

  /** See {@link FleetLink.leave}. */
  leave(node: string, seat: Seat): void {
    this.#entries.get(keyOf(seat))?.seats.delete(`${seat.place} ${node}`);
  }

  /** See {@link NodeDirectory.beat}. */
  beat(node: string, incarnation: number, beat: NodeBeat): boolean {
    if ((this.#rows.get(node)?.incarnation ?? 0) <= incarnation) {
      this.#rows.set(node, { incarnation, beat, heardUnixMs: this.#nowMs });
    }
    return this.#drained.has(node);
  }

  /** See {@link NodeDirectory.leave}. */
  leaveNode(node: string, incarnation: number): void {
    if (this.#rows.get(node)?.incarnation !== incarnation) return;
    this.#rows.delete(node);
  }

  /** See {@link NodeDirectory.list}. */
  list(): NodeList {
    const unixMs = this.#nowMs;
    const nodes = [...this.#rows].map(([node, row]): FleetNode => ({
      ...row.beat,
      node,
      heardUnixMs: row.heardUnixMs,
      isDraining: this.#drained.has(node),
      keyIds: [],
      isSealed: false,
    })).filter(({ heardUnixMs }) => unixMs - heardUnixMs <= NODE_FORGET_MS);
    return {
      nodes: nodes.sort((a, b) => a.node < b.node ? -1 : 1),
      unixMs,
    };
  }

  /** See {@link NodeDirectory.setDraining}. */
  setDraining(node: string, isDraining: boolean): boolean {
    if (!isDraining) return this.#drained.delete(node) || this.#rows.has(node);
    if (!this.#rows.has(node)) return false;
    this.#drained.add(node);
    return true;
  }

  /** See {@link SaltExchange.tell}. */
  tell(domain: string, node: string, parts: readonly Uint8Array[]): void {
    const { log } = this.#domain(domain);
    for (const part of parts) log.push({ atMs: this.#nowMs, node, part });
    this.#wake();
  }

  /** See {@link SaltExchange.told}. */
  told(domain: string, node: string, position: string | undefined): ToldSalts {
    const { log, forgotten } = this.#domain(domain);
    const from = Math.max(0, Number(position ?? 0) - forgotten);
    return {
      parts: log.slice(from).filter((entry) => entry.node !== node)
        .map(({ part }) => part),
      position: String(forgotten + log.length),
    };
  }

  /** See {@link SaltExchange.claim}. */
  claim(domain: string, salt: Uint8Array): boolean {
    const { claims } = this.#domain(domain);
    const mark = salt.subarray(0, SALT_MARK_LENGTH).toHex();
    if (claims.has(mark)) return false;
    claims.set(mark, this.#nowMs + SALT_POOL_MS);
    return true;
  }

  /** Returns a domain, without the messages and claims that are too old. */
  #domain(name: string): Domain {
    const domain = this.#domains.get(name) ??
      { log: [], forgotten: 0, claims: new Map<string, number>() };
    this.#domains.set(name, domain);
    const sinceMs = this.#nowMs - SALT_POOL_MS;
    while (domain.log.length > 0 && domain.log[0]!.atMs < sinceMs) {
      domain.log.shift();
      domain.forgotten++;
    }
    for (const [mark, endMs] of domain.claims) {
      if (endMs > this.#nowMs) break;
      domain.claims.delete(mark);
    }
    return domain;
  }

  get #nowMs(): number {
    return this.#clock.unixMs();
  }

  /**
   * Returns the bytes that were granted to these nodes and not reported yet. A
   * silent node counts as 0.
   */
  #leasedBy(nodes: readonly NodeTotals[]): number {
    return nodes.filter(({ atMs }) => this.#nowMs - atMs <= this.leaseMs)
      .reduce(
        (sum, { grantedBytes, up, down }) =>
          sum + Math.max(0, grantedBytes - up - down),
        0,
      );
  }

  #leaseOf(entry: Entry, me: NodeTotals, others: NodeTotals[]): Lease {
    const nowMs = this.#nowMs;
    const within = (ms: number): NodeTotals[] =>
      others.filter(({ atMs }) => nowMs - atMs <= ms);
    return {
      grantedBytes: quotaOf(entry) === Infinity ? Infinity : me.grantedBytes,
      usedBytes: entry.usedBytes,
      activeNodes: within(FLEET_ACTIVE_MS).length + 1,
      openElsewhere: within(SEAT_MS).reduce((sum, { open }) => sum + open, 0),
    };
  }

  #tell(change: SharedChange): void {
    this.#log.push(change);
    this.#wake();
  }

  #wake(): void {
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const wake of waiting) wake();
  }
}

/** The link of one node. */
class MemoryLink implements FleetLink {
  readonly node: string;
  readonly salts?: SaltExchange;
  readonly #fleet: MemoryFleet;
  readonly #closed = new Stop();

  constructor(node: string, fleet: MemoryFleet, domain: string | undefined) {
    this.node = node;
    this.#fleet = fleet;
    if (domain !== undefined) this.salts = this.#saltsOf(domain);
  }

  snapshot(services: readonly string[]): Promise<UserSnapshot> {
    return this.#call(() => this.#fleet.snapshot(services));
  }

  async changes(position: string): Promise<UserChanges> {
    const now = await this.#call(() => this.#fleet.changesAfter(position));
    if (now.changes.length > 0 || now.isIncomplete) return now;
    await this.#wait(
      FLEET_WATCH_MS,
      (wake) => this.#fleet.onChange(wake),
    );
    return await this.#call(() => this.#fleet.changesAfter(position));
  }

  get leaseMs(): number {
    return this.#fleet.leaseMs;
  }

  join(): Promise<number> {
    return this.#call(() => this.#fleet.join(this.node));
  }

  report(
    incarnation: number,
    reports: readonly UsageReport[],
  ): Promise<ReportReply> {
    return this.#call(() => ({
      outcomes: reports.map((report) =>
        this.#fleet.report(this.node, incarnation, report)
      ),
      unixMs: this.#fleet.clock.unixMs(),
    }));
  }

  enter(
    incarnation: number,
    seat: Seat,
    report: UsageReport,
  ): Promise<Entrance> {
    return this.#call(() => ({
      ...this.#fleet.enter(this.node, incarnation, seat, report),
      unixMs: this.#fleet.clock.unixMs(),
    }));
  }

  keep(seats: readonly Seat[]): Promise<boolean[]> {
    return this.#call(() =>
      seats.map((seat) => this.#fleet.keep(this.node, seat))
    );
  }

  leave(seats: readonly Seat[]): Promise<void> {
    return this.#call(() => {
      for (const seat of seats) this.#fleet.leave(this.node, seat);
    });
  }

  get totals(): UsageTotals {
    return {
      used: (users) =>
        this.#call(() => users.map((user) => this.#fleet.used(user))),
    };
  }

  get nodes(): NodeDirectory {
    const { node } = this;
    const fleet = this.#fleet;
    return {
      beat: (incarnation, beat) =>
        this.#call(() => fleet.beat(node, incarnation, beat)),
      leave: (incarnation) =>
        this.#call(() => fleet.leaveNode(node, incarnation)),
      list: () => this.#call(() => fleet.list()),
      setDraining: (other, isDraining) =>
        this.#call(() => fleet.setDraining(other, isDraining)),
    };
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#closed.abort(
      new TransportError("ERR_NET_CLOSED", "The link to the fleet is closed"),
    );
    return Promise.resolve();
  }

  #saltsOf(domain: string): SaltExchange {
    const fleet = this.#fleet;
    const { node } = this;
    return {
      tell: (parts) => this.#call(() => fleet.tell(domain, node, parts)),
      told: async (position) => {
        const now = await this.#call(() => fleet.told(domain, node, position));
        if (position === undefined || now.position !== position) return now;
        await this.#wait(FLEET_WATCH_MS, (wake) => {
          // Another node may have sent salts since.
          const next = fleet.told(domain, node, position);
          if (next.position !== position) wake();
          return fleet.onChange(wake);
        });
        return await this.#call(() => fleet.told(domain, node, position));
      },
      claim: (salt) => this.#call(() => fleet.claim(domain, salt)),
    };
  }

  async #call<T>(action: () => T): Promise<T> {
    this.#closed.throwIfAborted();
    await Promise.resolve();
    switch (this.#fleet.reach.get(this.node) ?? "answers") {
      case "answers":
        return action();
      case "doubles calls":
        action();
        return action();
      case "emptied":
        throw new StoreError("ERR_STORE_DAMAGED", "The fleet's data is gone");
      case "down":
        throw unreachable("it is down");
      case "loses answers":
        action();
        throw unreachable("the answer was lost");
      case "slow": {
        const answer = action();
        await this.#wait(2 * FLEET_ENTER_MS);
        return answer;
      }
      case "frozen":
        await this.#wait(FLEET_CALL_MS);
        throw unreachable("it did not answer");
    }
  }

  /**
   * Waits until the time has passed, the link is closed, or a change wakes it.
   */
  async #wait(
    delayMs: number,
    begin: (wake: () => void) => () => void = () => () => {},
  ): Promise<void> {
    this.#closed.throwIfAborted();
    const { promise, resolve } = Promise.withResolvers<void>();
    const ends = [
      this.#fleet.clock.schedule(resolve, delayMs),
      onAbort(this.#closed, resolve),
      begin(resolve),
    ];
    await promise;
    for (const end of ends) end();
    this.#closed.throwIfAborted();
  }
}

function keyOf(
  { service, name }: { readonly service: string; readonly name: string },
): string {
  return `${service}/${name}`;
}

function quotaOf({ user: { limits } }: Entry): number {
  return limits.quotaBytes ?? Infinity;
}

/** Returns the places with valid seats, and removes expired ones. */
function placesOf({ seats }: Entry, nowMs: number): Set<string> {
  const places = new Set<string>();
  for (const [key, endMs] of seats) {
    if (endMs <= nowMs) seats.delete(key);
    else places.add(key.slice(0, key.indexOf(" ")));
  }
  return places;
}

function unreachable(why: string): TransportError {
  return new TransportError(
    "ERR_NET_TIMEOUT",
    `Cannot reach the fleet's source: ${why}`,
  );
}
