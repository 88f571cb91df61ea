/**
 * The state of a fleet that a node keeps on disk: a copy of its users and nodes,
 * with which it can start while the source is away, and totals that the source
 * may not have yet.
 *
 * @module
 */
import type { Clock } from "../../clock.ts";
import type {
  NodeList,
  NodeMemory,
  SharedChange,
  SharedUser,
  UsageReport,
} from "../../fleet.ts";
import {
  FLEET_COPY_MS,
  FLEET_COPY_NOTE_MS,
  FLEET_COPY_PART,
} from "../../limits.ts";
import { nodeState } from "./node_state.ts";

/** Totals of a user in one incarnation. */
export interface KeptTotals {
  /** Id of the fleet; not set if the source serves only one fleet. */
  readonly fleet?: string;
  readonly incarnation: number;
  readonly report: UsageReport;
}

/** One node's copy. */
export class NodeCopy {
  readonly #memory: NodeMemory;
  readonly #clock: Clock;
  readonly #users: string;
  readonly #totals: string;
  readonly #seenAt: string;
  readonly #nodes: string;
  /** The facts about nodes that subscriptions depend on, as last written. */
  #knownNodes = "";
  #nodesNotedMs = -Infinity;
  #notedMs = -Infinity;
  /**
   * The time when the copy was last current, by the wall clock; not set if
   * there is no copy.
   */
  #seenUnixMs: number | undefined;
  /**
   * The users that the disk may lack, by key; `undefined` for one that is
   * removed. Not set while the copy is complete.
   */
  #unwritten: Map<string, SharedUser | undefined> | undefined;
  /**
   * The last key on the disk that was compared; not set after all were.
   */
  #comparedTo: string | undefined;

  /**
   * @param memory The storage; the workers of one program share it.
   * @param node Name of the node.
   */
  constructor(memory: NodeMemory, node: string, clock: Clock) {
    this.#memory = memory;
    this.#clock = clock;
    this.#users = `fleet/${node}/user/`;
    this.#totals = `fleet/${node}/total/`;
    this.#seenAt = `fleet/${node}/seen`;
    this.#nodes = `fleet/${node}/nodes`;
  }

  /**
   * Milliseconds since the copy was known to be current; `undefined` if there
   * is none.
   */
  get ageMs(): number | undefined {
    return this.#seenUnixMs && this.#clock.unixMs() - this.#seenUnixMs;
  }

  /**
   * Returns the users of these services; `undefined` if there is no copy, or it
   * is too old.
   *
   * @throws {StoreError} When the disk fails.
   */
  users(services: readonly string[]): SharedUser[] | undefined {
    const [seen] = this.#memory.entries(this.#seenAt);
    const ageMs = this.#clock.unixMs() - Number(seen?.[1] ?? -Infinity);
    if (ageMs > FLEET_COPY_MS) return undefined;
    this.#seenUnixMs = Number(seen![1]);
    return this.#memory.entries(this.#users)
      .map(([, text]) => JSON.parse(text) as SharedUser)
      .filter(({ service }) => services.includes(service));
  }

  /**
   * Replaces all users, in parts: {@link NodeCopy.writeSome} writes one.
   */
  replace(users: readonly SharedUser[]): void {
    this.#unwritten = new Map(users.map((user) => [this.#keyOf(user), user]));
    this.#comparedTo = this.#users;
  }

  /**
   * Writes a part of the users that the disk lacks, at most
   * {@link FLEET_COPY_PART}. The copy counts as current after the last part.
   *
   * @returns True if there is another part.
   * @throws {StoreError} When the disk fails; the part is written again then.
   */
  writeSome(): boolean {
    const unwritten = this.#unwritten;
    if (unwritten === undefined) return false;
    if (this.#compareSome(unwritten)) return true;
    const part = [...unwritten.entries().take(FLEET_COPY_PART)];
    const isLast = part.length === unwritten.size;
    this.#memory.write([
      ...part.map(([key, user]) =>
        [key, user && JSON.stringify(user)] as const
      ),
      ...isLast ? this.#seen() : [],
    ]);
    for (const [key] of part) unwritten.delete(key);
    if (isLast) this.#unwritten = undefined;
    return !isLast;
  }

  /**
   * Drops what the disk already has from the unwritten, and removes from the
   * disk what is not among them.
   *
   * @returns True if there is more to compare.
   */
  #compareSome(unwritten: Map<string, SharedUser | undefined>): boolean {
    if (this.#comparedTo === undefined) return false;
    const known = this.#memory.entries(this.#users, {
      after: this.#comparedTo,
      count: FLEET_COPY_PART,
    });
    const gone = known.filter(([key]) => unwritten.get(key) === undefined);
    if (gone.length > 0) {
      this.#memory.write(gone.map(([key]) => [key, undefined]));
    }
    for (const [key, text] of known) {
      const user = unwritten.get(key);
      const isKnown = user === undefined || JSON.stringify(user) === text;
      if (isKnown) unwritten.delete(key);
    }
    const isMore = known.length === FLEET_COPY_PART;
    this.#comparedTo = isMore ? known.at(-1)![0] : undefined;
    return isMore;
  }

  /**
   * Applies changes of users, and records that the copy is current.
   *
   * @throws {StoreError} When the disk fails.
   */
  change(changes: readonly SharedChange[]): void {
    if (this.#unwritten !== undefined) {
      for (const change of changes) {
        if (change.kind === "put") {
          this.#unwritten.set(this.#keyOf(change.user), change.user);
        } else this.#unwritten.set(this.#keyOf(change), undefined);
      }
      return;
    }
    const isOld =
      this.#clock.monotonicMs() - this.#notedMs > FLEET_COPY_NOTE_MS;
    if (changes.length === 0 && !isOld) return;
    this.#memory.write([
      ...changes.map((change) =>
        change.kind === "put"
          ? [this.#keyOf(change.user), JSON.stringify(change.user)] as const
          : [this.#keyOf(change), undefined] as const
      ),
      ...this.#seen(),
    ]);
  }

  /**
   * Replaces the nodes, if other nodes are up, or the list on disk is old.
   *
   * @throws {StoreError} When the disk fails.
   */
  keepNodes(list: NodeList): void {
    const facts = JSON.stringify(
      list.nodes.map((node) => [
        ...[node.node, node.services, nodeState(node, list)],
      ]),
    );
    const nowMs = this.#clock.monotonicMs();
    const isOld = nowMs - this.#nodesNotedMs > FLEET_COPY_NOTE_MS;
    if (facts === this.#knownNodes && !isOld) return;
    this.#memory.write([[this.#nodes, JSON.stringify(list)]]);
    this.#knownNodes = facts;
    this.#nodesNotedMs = nowMs;
  }

  /**
   * Returns the nodes that were last written; `undefined` if there are none.
   *
   * @throws {StoreError} When the disk fails.
   */
  nodes(): NodeList | undefined {
    const [found] = this.#memory.entries(this.#nodes);
    return found && JSON.parse(found[1]) as NodeList;
  }

  /**
   * Writes totals before they are reported.
   *
   * @throws {StoreError} When the disk fails.
   */
  keepTotals(
    of: Omit<KeptTotals, "report">,
    reports: readonly UsageReport[],
  ): void {
    this.#memory.write(reports.map((report) => {
      const kept: KeptTotals = { ...of, report };
      const key = `${this.#totals}${report.service}/${report.name}`;
      return [key, JSON.stringify(kept)];
    }));
  }

  /**
   * Returns the totals that were written and not forgotten.
   *
   * @throws {StoreError} When the disk fails.
   */
  totals(): KeptTotals[] {
    return this.#memory.entries(this.#totals)
      .map(([, text]) => JSON.parse(text) as KeptTotals);
  }

  /**
   * Forgets all totals, after the source has got them.
   *
   * @throws {StoreError} When the disk fails.
   */
  forgetTotals(): void {
    this.#memory.write(
      this.#memory.entries(this.#totals).map(([key]) =>
        [key, undefined] as const
      ),
    );
  }

  #seen(): [key: string, value: string][] {
    this.#notedMs = this.#clock.monotonicMs();
    this.#seenUnixMs = this.#clock.unixMs();
    return [[this.#seenAt, String(this.#seenUnixMs)]];
  }

  #keyOf(
    { service, name }: { readonly service: string; readonly name: string },
  ): string {
    return `${this.#users}${service}/${name}`;
  }
}
