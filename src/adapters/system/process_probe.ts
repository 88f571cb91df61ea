/**
 * Measures the memory and descriptors of the process, and the load of its event
 * loop.
 *
 * @module
 */
import process from "node:process";
import { type Clock, systemClock } from "../../clock.ts";
import { descriptorLimit, openDescriptors } from "./_descriptors.ts";

/** Milliseconds between two measurements. */
const SAMPLE_MS = 100;

/** Number of measurements in a second. */
const SAMPLES = 10;

/**
 * Watches the process from construction to disposal. Memory and descriptors are
 * those of the whole process; the event loop is that of this thread.
 */
export class ProcessProbe implements Disposable {
  readonly #clock: Clock;
  /** Delays of the latest timers in milliseconds. */
  readonly #lateMs: number[] = [];
  #dueMs = 0;
  /** The last known value. */
  #residentBytes = readResidentBytes() ?? 0;
  #cancel: () => void = () => {};

  /**
   * @param clock The clock whose timers are measured; default: the system's.
   */
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

  /** Open file descriptors and their limit; `undefined` if unknown. */
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
 * Returns the resident memory in bytes. Reading it needs a descriptor. If none
 * is free, Bun throws and Deno returns 0; the result is `undefined` then.
 */
export function readResidentBytes(): number | undefined {
  try {
    return process.memoryUsage().rss || undefined;
  } catch {
    return undefined;
  }
}
