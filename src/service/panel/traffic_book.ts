/**
 * The traffic that was not reported to a panel yet. A panel adds up reports, so
 * a report that may have arrived must not be sent again: the book is saved
 * before traffic is sent and after the answer.
 *
 * ```text
 * PREFIX pending/ID   "UP DOWN", not sent yet
 * PREFIX batch        traffic that was sent and not answered yet
 * ```
 *
 * @module
 */
import { formatTraffic, type PanelTraffic } from "../../codec/uniproxy.ts";
import type { NodeMemory, UsageReport } from "../../fleet.ts";
import type { PushOutcome } from "./panel_client.ts";

/** Traffic by user id. */
type Traffic = ReadonlyMap<number, PanelTraffic>;

/** The options of a book. */
export interface BookOptions {
  /** Keeps the book over restarts; not set if it is not kept. */
  readonly memory: NodeMemory | undefined;
  /** The prefix of its keys. */
  readonly prefix: string;
  /** True if traffic that may have arrived is sent again. */
  readonly resends: boolean;
}

/** Collects traffic and reports it to a panel. */
export class TrafficBook {
  readonly #options: BookOptions;
  /** Each user's totals in the last report, and the number of that report. */
  readonly #heard = new Map<number, readonly [...PanelTraffic, number]>();
  readonly #pending = new Map<number, PanelTraffic>();
  /** Users whose pending bytes must be saved. */
  readonly #unsaved = new Set<number>();
  #uncertainBytes = 0;

  /**
   * Restores the kept book. A report that was pending when the program ended
   * may have arrived.
   *
   * @throws {StoreError} If the memory cannot be read or written.
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
   * Adds the totals of one user, which grow with the number of the report. Both
   * restart if a user is removed and added again.
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
   * Saves the pending traffic.
   *
   * @throws {StoreError} If the memory cannot be written.
   */
  save(): void {
    if (this.#unsaved.size > 0) this.#write([]);
  }

  /**
   * Sends all pending traffic and records the result.
   *
   * @param send Sends it once.
   * @returns The result; `undefined` if there was nothing to send.
   * @throws {StoreError} If it cannot be saved; nothing is sent then.
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

  /** Writes these entries and the pending traffic, all or none. */
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
