/**
 * Nodes of a fleet without sockets. Each has accounts and a member that shares
 * them.
 *
 * @module
 */
import assert from "node:assert/strict";
import { MemoryFleet } from "./memory_fleet.ts";
import type { Clock } from "../../src/clock.ts";
import { StoreError } from "../../src/errors.ts";
import type {
  MemoryPage,
  NodeMemory,
  SharedChange,
  SharedUser,
} from "../../src/fleet.ts";
import { FLEET_WATCH_MS } from "../../src/limits.ts";
import type { LogLevel } from "../../src/observe.ts";
import { FleetMember, type Outage } from "../../src/service/fleet/member.ts";
import type { NodeFacts } from "../../src/service/fleet/presence.ts";
import type { Visit } from "../../src/service/server/account.ts";
import { Accounts } from "../../src/service/server/accounts.ts";
import type { UserLimits } from "../../src/users.ts";
import { FakeClock } from "./fake_clock.ts";

/** The service of every user here. */
export const SERVICE = "8388";
/** The error of a user whose quota is used. */
export const QUOTA = { code: "ERR_POLICY_USER_QUOTA" };
/** The error of one device too many. */
export const HOSTS = { code: "ERR_POLICY_USER_HOSTS" };

/** Returns the user Alice. */
export function user(limits: UserLimits, disabled = false): SharedUser {
  return { service: SERVICE, name: "alice", password: "x", limits, disabled };
}

/** The facts of a node without connections. */
export const FACTS: NodeFacts = {
  version: "0",
  runtime: "test",
  startedUnixMs: 0,
  isReady: true,
  connections: 0,
  bytes: 0,
  services: [],
};

/** A server without sockets: accounts, and a member that shares them. */
export class Node {
  readonly member: FleetMember;
  readonly accounts: Accounts;
  readonly lines: string[] = [];

  constructor(
    fleet: MemoryFleet,
    name: string,
    { outage = "serve", clock = fleet.clock, memory }: {
      outage?: Outage;
      clock?: Clock;
      memory?: NodeMemory;
    } = {},
  ) {
    this.member = new FleetMember({
      node: name,
      connect: () => Promise.resolve(fleet.link(name)),
      memory,
      clock,
      outage,
      logger: {
        enabled: () => true,
        log: (level: LogLevel, message: string) => {
          this.lines.push(`${level}: ${message}`);
        },
      },
    });
    this.accounts = new Accounts(
      [],
      this.member.fleetClock,
      (user) => this.member.share(SERVICE, user),
    );
  }

  async start(): Promise<this> {
    const { accounts } = this;
    await this.member.start({
      services: () => [SERVICE],
      setUsers: (users) => accounts.set(users),
      change(change: SharedChange): void {
        if (change.kind === "put") accounts.put(change.user);
        else accounts.remove(change.name);
      },
      facts: () => FACTS,
    });
    return this;
  }

  connect(host = "192.0.2.1"): Visit {
    return this.accounts.connect("alice", host);
  }

  /** True if a visit from this host is admitted. Ends the visit. */
  async tries(host: string): Promise<boolean> {
    try {
      using visit = this.connect(host);
      await visit.settled;
      return true;
    } catch (error) {
      assert.equal((error as { code?: string }).code, HOSTS.code);
      return false;
    }
  }
}

/** Starts nodes with these names, and adds Alice with these limits. */
export async function startFleet(
  limits: UserLimits,
  names: readonly string[],
  { outage, leaseMs }: { outage?: Outage; leaseMs?: number } = {},
): Promise<{ fleet: MemoryFleet; clock: FakeClock; nodes: Node[] }> {
  const clock = new FakeClock();
  const fleet = new MemoryFleet(clock, leaseMs);
  fleet.put(user(limits));
  const options = outage === undefined ? {} : { outage };
  const nodes = names.map((name) => new Node(fleet, name, options));
  for (const node of nodes) await node.start();
  return { fleet, clock, nodes };
}

/** Stops nodes and checks that nothing of them is left. */
export async function stop(
  clock: FakeClock,
  nodes: readonly Node[],
): Promise<void> {
  const stopping = nodes.map(({ member }) => member[Symbol.asyncDispose]());
  await clock.advance(FLEET_WATCH_MS);
  await Promise.all(stopping);
  assert.equal(clock.pending, 0);
}

/** A visit that transfers bytes until the quota ends it. */
export class Drinker {
  passed = 0;
  isOver = false;
  readonly #visit: Visit;

  constructor(visit: Visit) {
    this.#visit = visit;
  }

  drink(bytes: number): void {
    if (this.isOver) return;
    try {
      if (this.#visit.count("down", bytes) >= 0) this.passed += bytes;
    } catch (error) {
      assert.equal((error as { code?: string }).code, QUOTA.code);
      this.isOver = true;
    }
  }
}

/** Keeps the state of a node in memory. */
export class FakeMemory implements NodeMemory {
  readonly #entries = new Map<string, string>();
  isFull = false;

  entries(prefix: string, page?: MemoryPage): [string, string][] {
    return [...this.#entries]
      .filter(([key]) => key.startsWith(prefix) && key > (page?.after ?? ""))
      .sort().slice(0, page?.count);
  }

  write(changes: Iterable<readonly [string, string | undefined]>): void {
    if (this.isFull) throw new StoreError("ERR_STORE_FULL", "full");
    for (const [key, value] of changes) {
      if (value === undefined) this.#entries.delete(key);
      else this.#entries.set(key, value);
    }
  }
}

/** Returns a copy of a clock, parts of which can be replaced. */
export function clockOf(clock: Clock): Clock {
  return {
    monotonicMs: () => clock.monotonicMs(),
    unixMs: () => clock.unixMs(),
    schedule: (callback, delayMs) => clock.schedule(callback, delayMs),
  };
}
