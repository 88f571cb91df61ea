/**
 * What users have moved and was not reported to a panel. A panel adds up
 * reports, so that nothing is sent again that may have arrived: the book is
 * written down before traffic leaves and after the answer.
 *
 * ```text
 * PREFIX pending/ID   "UP DOWN", not sent yet
 * PREFIX batch        what was sent and not answered yet, as it was sent
 * ```
 *
 * @module
 */
import { formatTraffic, type PanelTraffic } from "../../codec/uniproxy.ts";
import type { NodeMemory, UsageReport } from "../../fleet.ts";
import type { PushOutcome } from "./panel_client.ts";

/** Traffic by the number of the user. */
type Traffic = ReadonlyMap<number, PanelTraffic>;

/** How a book is kept. */
export interface BookOptions {
  /** Keeps it over restarts; not set: nothing does. */
  readonly memory: NodeMemory | undefined;
  /** The prefix of its keys. */
  readonly prefix: string;
  /** True if traffic is sent again that may have arrived. */
  readonly resends: boolean;
}

/** See above. */
export class TrafficBook {
  readonly #options: BookOptions;
  /** The last report of each user: totals, and its number. */
  readonly #heard = new Map<number, readonly [...PanelTraffic, number]>();
  readonly #pending = new Map<number, PanelTraffic>();
  /** Users whose pending bytes on disk are out of date. */
  readonly #unsaved = new Set<number>();
  #uncertainBytes = 0;

  /**
   * Goes on with what was kept. What was under way when the program ended may
   * have arrived.
   *
   * @throws {StoreError} When the memory cannot be read or written.
   */
  constructor(options: BookOptions) {
    this.#options = options;
    const { memory, prefix } = options;
    if (memory === undefined) return;
    const start = `${prefix}pending/`;
    for (const [key, value] of memory.entries(start)) {
      const [up = 0, down = 0] = value.split(" ").map(Number);
      this.#pending.set(Number(key.slice(start.length)), [up, down]);
    }
    const [batch] = memory.entries(this.#batchKey);
    if (batch === undefined) return;
    const sent = Object.entries(
      JSON.parse(batch[1]) as Record<string, PanelTraffic>,
    );
    this.#settleUnknown(
      new Map(sent.map(([id, traffic]) => [Number(id), traffic])),
    );
    this.#write([[this.#batchKey, undefined]]);
  }

  /** Bytes that were not reported to a panel yet. */
  get pendingBytes(): number {
    return sum(this.#pending);
  }

  /** Bytes that were sent, may not have arrived, and are not sent again. */
  get uncertainBytes(): number {
    return this.#uncertainBytes;
  }

  /**
   * Takes totals of one user, which grow with the numbers of reports; both
   * begin again with a user who was removed and comes again.
   */
  hear(id: number, { bytesUp, bytesDown, sequence }: UsageReport): void {
    const known = this.#heard.get(id);
    const isNew = known === undefined || sequence < known[2];
    const [up, down] = isNew ? NONE : known;
    this.#heard.set(id, [
      Math.max(up, bytesUp),
      Math.max(down, bytesDown),
      sequence,
    ]);
    const more: PanelTraffic = [
      Math.max(0, bytesUp - up),
      Math.max(0, bytesDown - down),
    ];
    if (more[0] + more[1] > 0) this.#add(id, more);
  }

  /**
   * Writes down what is pending.
   *
   * @throws {StoreError} When the memory cannot be written.
   */
  save(): void {
    if (this.#unsaved.size > 0) this.#write([]);
  }

  /**
   * Sends all that is pending, and settles what became of it.
   *
   * @param send Sends it once.
   * @returns What became of it; `undefined` if there was nothing to send.
   * @throws {StoreError} When it cannot be written down: nothing is sent then.
   */
  async push(
    send: (traffic: Traffic) => Promise<PushOutcome>,
  ): Promise<PushOutcome | undefined> {
    if (this.#pending.size === 0) return undefined;
    const batch = new Map(this.#pending);
    this.#pending.clear();
    for (const id of batch.keys()) this.#unsaved.add(id);
    try {
      this.#write([[this.#batchKey, formatTraffic(batch)]]);
    } catch (error) {
      this.#putBack(batch);
      throw error;
    }
    const outcome = await send(batch);
    if (outcome.kind === "refused") this.#putBack(batch);
    if (outcome.kind === "unknown") this.#settleUnknown(batch);
    this.#write([[this.#batchKey, undefined]]);
    return outcome;
  }

  get #batchKey(): string {
    return `${this.#options.prefix}batch`;
  }

  #settleUnknown(batch: Traffic): void {
    if (this.#options.resends) this.#putBack(batch);
    else this.#uncertainBytes += sum(batch);
  }

  #putBack(batch: Traffic): void {
    for (const [id, traffic] of batch) this.#add(id, traffic);
  }

  #add(id: number, [up, down]: PanelTraffic): void {
    const [pendingUp, pendingDown] = this.#pending.get(id) ?? NONE;
    this.#pending.set(id, [pendingUp + up, pendingDown + down]);
    this.#unsaved.add(id);
  }

  /** Writes these and what is pending, all or none. */
  #write(
    entries: readonly (readonly [key: string, value: string | undefined])[],
  ): void {
    const { memory, prefix } = this.#options;
    const unsaved = [...this.#unsaved].map((id) =>
      [
        `${prefix}pending/${id}`,
        this.#pending.get(id)?.join(" "),
      ] as const
    );
    memory?.write([...entries, ...unsaved]);
    this.#unsaved.clear();
  }
}

const NONE: PanelTraffic = [0, 0];

function sum(traffic: Traffic): number {
  let bytes = 0;
  for (const [up, down] of traffic.values()) bytes += up + down;
  return bytes;
}
