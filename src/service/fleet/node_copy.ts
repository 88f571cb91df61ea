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
import { FLEET_COPY_MS, FLEET_COPY_NOTE_MS } from "../../limits.ts";
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
   * Replaces all users.
   *
   * @throws {StoreError} When the disk fails.
   */
  replace(users: readonly SharedUser[]): void {
    const next = new Map(
      users.map((user) => [this.#keyOf(user), JSON.stringify(user)]),
    );
    const known = new Map(this.#memory.entries(this.#users));
    const gone = [...known.keys()].filter((key) => !next.has(key));
    this.#memory.write([
      ...gone.map((key) => [key, undefined] as const),
      ...[...next].filter(([key, text]) => known.get(key) !== text),
      ...this.#seen(),
    ]);
  }

  /**
   * Applies changes of users, and records that the copy is current.
   *
   * @throws {StoreError} When the disk fails.
   */
  change(changes: readonly SharedChange[]): void {
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
