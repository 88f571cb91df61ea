/**
 * What a node remembers of its fleet over restarts: a copy of its users, with
 * which it can start while the source is away, and totals that the source may
 * not have yet.
 *
 * @module
 */
import type { Clock } from "../../clock.ts";
import type {
  NodeMemory,
  SharedChange,
  SharedUser,
  UsageReport,
} from "../../fleet.ts";
import { FLEET_COPY_MS, FLEET_COPY_NOTE_MS } from "../../limits.ts";

const USER = "fleet/user/";
const TOTAL = "fleet/total/";
const SEEN = "fleet/seen";

/** Totals of an incarnation that has ended. */
export interface KeptTotals {
  readonly incarnation: number;
  readonly report: UsageReport;
}

/** One node's copy. */
export class NodeCopy {
  readonly #memory: NodeMemory;
  readonly #clock: Clock;
  #notedMs = -Infinity;

  /** @param memory Where it is kept. */
  constructor(memory: NodeMemory, clock: Clock) {
    this.#memory = memory;
    this.#clock = clock;
  }

  /**
   * The users of these services; `undefined` if there is no copy, or it is too
   * old.
   *
   * @throws {StoreError} When the disk does not do it.
   */
  users(services: readonly string[]): SharedUser[] | undefined {
    const [seen] = this.#memory.entries(SEEN);
    const ageMs = this.#clock.unixMs() - Number(seen?.[1] ?? -Infinity);
    if (ageMs > FLEET_COPY_MS) return undefined;
    return this.#memory.entries(USER)
      .map(([, text]) => JSON.parse(text) as SharedUser)
      .filter(({ service }) => services.includes(service));
  }

  /**
   * Takes these users in the place of all.
   *
   * @throws {StoreError} When the disk does not do it.
   */
  replace(users: readonly SharedUser[]): void {
    const next = new Map(
      users.map((user) => [keyOf(user), JSON.stringify(user)]),
    );
    const known = new Map(this.#memory.entries(USER));
    const gone = [...known.keys()].filter((key) => !next.has(key));
    this.#memory.write([
      ...gone.map((key) => [key, undefined] as const),
      ...[...next].filter(([key, text]) => known.get(key) !== text),
      ...this.#seen(),
    ]);
  }

  /**
   * Takes what has happened to users, and that the source was there.
   *
   * @throws {StoreError} When the disk does not do it.
   */
  change(changes: readonly SharedChange[]): void {
    const isOld =
      this.#clock.monotonicMs() - this.#notedMs > FLEET_COPY_NOTE_MS;
    if (changes.length === 0 && !isOld) return;
    this.#memory.write([
      ...changes.map((change) =>
        change.kind === "put"
          ? [keyOf(change.user), JSON.stringify(change.user)] as const
          : [keyOf(change), undefined] as const
      ),
      ...this.#seen(),
    ]);
  }

  /**
   * Keeps totals before they are sent.
   *
   * @throws {StoreError} When the disk does not do it.
   */
  keepTotals(incarnation: number, reports: readonly UsageReport[]): void {
    this.#memory.write(reports.map((report) => {
      const kept: KeptTotals = { incarnation, report };
      return [`${TOTAL}${report.service}/${report.name}`, JSON.stringify(kept)];
    }));
  }

  /**
   * Totals that were kept and not forgotten.
   *
   * @throws {StoreError} When the disk does not do it.
   */
  totals(): KeptTotals[] {
    return this.#memory.entries(TOTAL)
      .map(([, text]) => JSON.parse(text) as KeptTotals);
  }

  /**
   * The source has all totals.
   *
   * @throws {StoreError} When the disk does not do it.
   */
  forgetTotals(): void {
    this.#memory.write(
      this.#memory.entries(TOTAL).map(([key]) => [key, undefined] as const),
    );
  }

  #seen(): [key: string, value: string][] {
    this.#notedMs = this.#clock.monotonicMs();
    return [[SEEN, String(this.#clock.unixMs())]];
  }
}

function keyOf(
  { service, name }: { readonly service: string; readonly name: string },
): string {
  return `${USER}${service}/${name}`;
}
