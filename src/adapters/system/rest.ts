/**
 * Keeps memory small: garbage is collected as memory grows, and freed memory is
 * returned after a load. By default both runtimes take more memory before they
 * collect, and Deno keeps it.
 *
 * @module
 */
import process from "node:process";
import { type Clock, systemClock } from "../../clock.ts";
import {
  GROWTH_BYTES,
  GROWTH_CHECK_MS,
  REST_CHECK_MS,
  REST_COST_SHARE,
  REST_ENDED,
  REST_GROWTH,
  REST_LOAD,
  REST_SWEEP_MS,
  REST_WORTH_MS,
} from "../../limits.ts";
import type { Transport } from "../../transport.ts";
import { openConnections } from "../net/_connection.ts";
import { garbageCollector } from "./_garbage.ts";
import { memoryTrimmer } from "./_trim.ts";
import { readResidentBytes } from "./process_probe.ts";

/** The dependencies of a rest. */
export interface RestOptions {
  /** Schedules the checks. */
  readonly clock: Clock;
  /** Processor time of the process in milliseconds. */
  readonly processorMs: () => number;
  /** Resident memory in bytes; `undefined` if it cannot be read. */
  readonly residentBytes: () => number | undefined;
  /** Number of open connections. */
  readonly connections: () => number;
  /** Collects garbage, and returns free memory to the system. */
  readonly giveBack: () => void;
  /** Returns free memory to the system, without a collection. */
  readonly trim: () => void;
}

/**
 * Watches the process from construction to disposal. When there is almost no
 * work left, after work, growth of memory, or the end of connections, it
 * returns memory.
 */
export class Rest implements Disposable {
  readonly #options: RestOptions;
  readonly #looks: Disposable;
  #cancelTrim: () => void = () => {};
  /** Processor time at the last check, in milliseconds. */
  #lookedMs = 0;
  /** Processor time at the last rest, in milliseconds. */
  #restedMs = 0;
  /** Processor time that makes a rest worthwhile, in milliseconds. */
  #worthMs = REST_WORTH_MS;
  /** Memory after the last rest, in bytes; `undefined` until the next check. */
  #restedBytes: number | undefined;
  /** Number of open connections at the last rest, or the maximum since. */
  #most = 0;

  /** Starts the checks. */
  constructor(options: RestOptions) {
    this.#options = options;
    this.#restedBytes = options.residentBytes();
    this.#looks = every(options.clock, REST_CHECK_MS, () => this.#look());
  }

  /** Ends the watch. Idempotent. */
  [Symbol.dispose](): void {
    this.#looks[Symbol.dispose]();
    this.#cancelTrim();
  }

  #look(): void {
    const nowMs = this.#options.processorMs();
    const load = (nowMs - this.#lookedMs) / REST_CHECK_MS;
    this.#lookedMs = nowMs;
    const isWorth = nowMs - this.#restedMs >= this.#worthMs;
    const hasGrown = this.#hasGrown();
    if (load <= REST_LOAD && (isWorth || hasGrown || this.#hasEnded())) {
      this.#rest(nowMs);
    }
  }

  #hasGrown(): boolean {
    const bytes = this.#options.residentBytes();
    this.#restedBytes ??= bytes;
    return bytes !== undefined && bytes > REST_GROWTH * this.#restedBytes!;
  }

  #hasEnded(): boolean {
    const open = this.#options.connections();
    this.#most = Math.max(this.#most, open);
    return this.#most - open >= REST_ENDED;
  }

  #rest(nowMs: number): void {
    const { clock, processorMs, connections, giveBack, trim } = this.#options;
    giveBack();
    this.#cancelTrim();
    this.#cancelTrim = clock.schedule(trim, REST_SWEEP_MS);
    this.#restedMs = this.#lookedMs = processorMs();
    const costMs = this.#restedMs - nowMs;
    this.#worthMs = Math.max(REST_WORTH_MS, costMs / REST_COST_SHARE);
    this.#restedBytes = undefined;
    this.#most = connections();
  }
}

/** The dependencies of {@link Growth}. */
export interface GrowthOptions {
  /** Schedules the checks. */
  readonly clock: Clock;
  /** Maximum of resident memory since the start, in bytes. */
  readonly peakBytes: () => number;
  /** Collects garbage, now or soon. */
  readonly collect: () => void;
}

/** Collects garbage as memory grows, from construction to disposal. */
export class Growth implements Disposable {
  readonly #options: GrowthOptions;
  readonly #looks: Disposable;
  /** The maximum at the last collection, in bytes. */
  #collectedBytes: number;

  /** Starts the checks. */
  constructor(options: GrowthOptions) {
    this.#options = options;
    this.#collectedBytes = options.peakBytes();
    this.#looks = every(options.clock, GROWTH_CHECK_MS, () => this.#look());
  }

  /** Ends the watch. Idempotent. */
  [Symbol.dispose](): void {
    this.#looks[Symbol.dispose]();
  }

  #look(): void {
    const { peakBytes, collect } = this.#options;
    const bytes = peakBytes();
    if (bytes - this.#collectedBytes < GROWTH_BYTES) return;
    collect();
    this.#collectedBytes = bytes;
  }
}

/** Keeps the memory of this process and the buffers of its transport small. */
export function systemRest({ buffers }: Transport): Disposable {
  const collector = garbageCollector();
  const trim = memoryTrimmer();
  const watches = new DisposableStack();
  watches.use(
    new Rest({
      clock: systemClock,
      processorMs(): number {
        const { user, system } = process.cpuUsage();
        return (user + system) / 1_000;
      },
      residentBytes: readResidentBytes,
      connections: openConnections,
      giveBack(): void {
        buffers.clear();
        collector.all?.();
        trim();
      },
      trim,
    }),
  );
  if (collector.some !== undefined) {
    watches.use(
      new Growth({
        clock: systemClock,
        // Unlike the present size, the maximum can be read without a
        // descriptor.
        peakBytes: () => 1_024 * process.resourceUsage().maxRSS,
        collect: collector.some,
      }),
    );
  }
  return watches;
}

/** Calls a function at intervals until the result is disposed of. */
function every(
  clock: Clock,
  delayMs: number,
  callback: () => void,
): Disposable {
  let cancel: () => void;
  const next = (): void => {
    cancel = clock.schedule(() => {
      callback();
      next();
    }, delayMs);
  };
  next();
  return { [Symbol.dispose]: () => cancel() };
}
