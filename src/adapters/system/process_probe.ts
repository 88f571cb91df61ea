/**
 * What the process costs the machine, and how busy its event loop is.
 *
 * @module
 */
import process from "node:process";
import { type Clock, systemClock } from "../../clock.ts";
import { descriptorLimit, openDescriptors } from "./_descriptors.ts";

/** Milliseconds between two looks at the clock. */
const SAMPLE_MS = 100;

/** Looks that make up the last second. */
const SAMPLES = 10;

/**
 * Watches the process from its making to its disposal. Memory and descriptors
 * are the whole process's; the event loop is that of this thread.
 */
export class ProcessProbe implements Disposable {
  readonly #clock: Clock;
  /** Delays of the latest timers in milliseconds. */
  readonly #lateMs: number[] = [];
  #dueMs = 0;
  /** The last value. */
  #residentBytes = readResidentBytes() ?? 0;
  #cancel: () => void = () => {};

  /** @param clock Whose timers are watched; default: the system's. */
  constructor(clock: Clock = systemClock) {
    this.#clock = clock;
    this.#schedule();
  }

  /**
   * The largest delay of a timer in the last second, or now, in milliseconds.
   */
  get eventLoopLagMs(): number {
    const overdueMs = this.#clock.monotonicMs() - this.#dueMs;
    return Math.max(0, overdueMs, ...this.#lateMs);
  }

  /** Resident memory in bytes. */
  get residentBytes(): number {
    return this.#residentBytes = readResidentBytes() ?? this.#residentBytes;
  }

  /** Open file descriptors and their limit; `undefined` where unknown. */
  get descriptors():
    | { readonly open: number; readonly limit: number }
    | undefined {
    const open = openDescriptors();
    const limit = descriptorLimit();
    return open === undefined || limit === undefined
      ? undefined
      : { open, limit };
  }

  /** Ends the watch. Idempotent. */
  [Symbol.dispose](): void {
    this.#cancel();
  }

  #schedule(): void {
    this.#dueMs = this.#clock.monotonicMs() + SAMPLE_MS;
    this.#cancel = this.#clock.schedule(() => {
      this.#lateMs.push(this.#clock.monotonicMs() - this.#dueMs);
      if (this.#lateMs.length > SAMPLES) this.#lateMs.shift();
      this.#schedule();
    }, SAMPLE_MS);
  }
}

/**
 * Resident memory in bytes. It takes a descriptor to know, and people look when
 * none is left: then Bun throws and Deno says 0, which is `undefined` here.
 */
export function readResidentBytes(): number | undefined {
  try {
    return process.memoryUsage().rss || undefined;
  } catch {
    return undefined;
  }
}
