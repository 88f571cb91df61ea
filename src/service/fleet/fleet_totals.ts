/**
 * The totals of a fleet: its nodes and users by state, and the users who have
 * used the most of their quota.
 *
 * The usage of all users is read in batches, at most once in
 * {@link FLEET_TOTALS_MS}; requests at the same time share one reading.
 *
 * @module
 */
import type { Clock } from "../../clock.ts";
import type { UsedBytes, UserId } from "../../fleet.ts";
import {
  FLEET_COPY_BATCH,
  FLEET_TOP_USERS,
  FLEET_TOTALS_MS,
} from "../../limits.ts";
import type { UserLimits } from "../../users.ts";
import { type NodeState, nodeState } from "./node_state.ts";
import type { KnownNodes } from "./presence.ts";

/** The state of a user: `spent` if its quota is used up. */
export type UserState = "active" | "disabled" | "expired" | "spent";

/** The use of a quota. */
export interface QuotaUse extends UserId {
  /** Used part of the quota, from 0. */
  readonly part: number;
}

/** The totals of a fleet. */
export interface FleetTotals {
  /** Number of nodes in each state. */
  readonly nodes: Readonly<Record<NodeState, number>>;
  /** Number of users of this node's services in each state. */
  readonly users: Readonly<Record<UserState, number>>;
  /** The users with the highest use of their quota, the highest first. */
  readonly top: readonly QuotaUse[];
}

/** A user of the fleet, as the node knows it. */
export interface KnownUser extends UserId {
  readonly limits: UserLimits;
  readonly disabled: boolean;
}

/** The dependencies of the totals. */
export interface TotalsOptions {
  /** The fleet's clock. */
  readonly clock: Clock;
  /** Returns the users of this node's services. */
  users(): Iterable<KnownUser>;
  /** See `FleetMember.used`. */
  used(
    users: readonly UserId[],
  ): Promise<(UsedBytes | undefined)[] | undefined>;
  /** Returns the nodes. */
  nodes(): Promise<KnownNodes>;
}

type UserTotals = Pick<FleetTotals, "users" | "top">;

/** Reads the totals. */
export class TotalsReader {
  readonly #options: TotalsOptions;
  #last: UserTotals | undefined;
  #readMs = -Infinity;
  #reading: Promise<void> | undefined;

  constructor(options: TotalsOptions) {
    this.#options = options;
  }

  /** @returns `undefined` while the source does not answer. */
  async read(): Promise<FleetTotals | undefined> {
    const { clock } = this.#options;
    if (clock.monotonicMs() - this.#readMs >= FLEET_TOTALS_MS) {
      this.#reading ??= this.#readUsers()
        .finally(() => this.#reading = undefined);
      await this.#reading;
    }
    const list = await this.#options.nodes();
    if (!list.isCurrent || this.#last === undefined) return undefined;
    const nodes = { up: 0, draining: 0, lost: 0 };
    for (const node of list.nodes) nodes[nodeState(node, list)]++;
    return { nodes, ...this.#last };
  }

  async #readUsers(): Promise<void> {
    this.#last = undefined;
    const count = new UserCount(this.#options.clock.unixMs());
    let batch: KnownUser[] = [];
    const add = async (): Promise<boolean> => {
      const used = await this.#options.used(batch);
      if (used === undefined) return false;
      for (const [i, user] of batch.entries()) count.add(user, used[i]);
      batch = [];
      return true;
    };
    for (const user of this.#options.users()) {
      batch.push(user);
      if (batch.length === FLEET_COPY_BATCH && !await add()) return;
    }
    if (batch.length > 0 && !await add()) return;
    this.#last = count.totals;
    this.#readMs = this.#options.clock.monotonicMs();
  }
}

/** Counts users, and keeps those with the highest use of their quota. */
class UserCount {
  readonly #nowMs: number;
  readonly #users = { active: 0, disabled: 0, expired: 0, spent: 0 };
  #top: QuotaUse[] = [];

  /** @param nowMs Milliseconds since 1970. */
  constructor(nowMs: number) {
    this.#nowMs = nowMs;
  }

  get totals(): UserTotals {
    this.#cut();
    return { users: this.#users, top: this.#top };
  }

  /** @param used `undefined` if the user was removed. */
  add(
    { service, name, limits, disabled }: KnownUser,
    used: UsedBytes | undefined,
  ): void {
    if (used === undefined) return;
    const { quotaBytes, expiresUnixMs = Infinity } = limits;
    const usedBytes = used.bytesUp + used.bytesDown;
    const isSpent = quotaBytes !== undefined && usedBytes >= quotaBytes;
    const isExpired = expiresUnixMs <= this.#nowMs;
    this.#users[
      disabled
        ? "disabled"
        : isExpired
        ? "expired"
        : isSpent
        ? "spent"
        : "active"
    ]++;
    if (quotaBytes === undefined) return;
    // A quota of 0 bytes is used up.
    const part = quotaBytes === 0 ? 1 : usedBytes / quotaBytes;
    this.#top.push({ service, name, part });
    if (this.#top.length >= 2 * FLEET_TOP_USERS) this.#cut();
  }

  #cut(): void {
    this.#top = this.#top.sort((a, b) => b.part - a.part)
      .slice(0, FLEET_TOP_USERS);
  }
}
