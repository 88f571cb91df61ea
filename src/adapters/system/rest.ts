/**
 * Keeps memory small: garbage is collected as memory grows, and what a load has
 * needed is given back once the work is done. Left to themselves both runtimes
 * take more memory before they look for garbage, and Deno keeps it.
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

/** The work of a rest, and the test that it is due. */
export interface RestOptions {
  /** The timer of the looks. */
  readonly clock: Clock;
  /** Milliseconds of processor time that the process has used. */
  readonly processorMs: () => number;
  /** Resident memory; `undefined` while it cannot be known. */
  readonly residentBytes: () => number | undefined;
  /** Connections that are open. */
  readonly connections: () => number;
  /** Collects garbage, and gives free memory back. */
  readonly giveBack: () => void;
  /** Gives free memory back. */
  readonly trim: () => void;
}

/**
 * Watches the process from its making to its disposal. Once there is next to
 * nothing to do it rests, of work, of growth, or of connections that have ended.
 */
export class Rest implements Disposable {
  readonly #options: RestOptions;
  readonly #looks: Disposable;
  #cancelTrim: () => void = () => {};
  /** Processor time at the last look. */
  #lookedMs = 0;
  /** Processor time at the last rest. */
  #restedMs = 0;
  /** Milliseconds of work that make a rest worth while. */
  #worthMs = REST_WORTH_MS;
  /** Memory after the last rest; `undefined` until the next look. */
  #restedBytes: number | undefined;
  /** Connections that a rest has found open, or most of them since. */
  #most = 0;

  /** Looks from now on. */
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

/** The work against growth, and the test for it. */
export interface GrowthOptions {
  /** The timer of the looks. */
  readonly clock: Clock;
  /** The most resident memory that the process has ever had. */
  readonly peakBytes: () => number;
  /** Has garbage collected, now or soon. */
  readonly collect: () => void;
}

/** Watches the process from its making to its disposal. */
export class Growth implements Disposable {
  readonly #options: GrowthOptions;
  readonly #looks: Disposable;
  /** The peak when garbage was last collected. */
  #collectedBytes: number;

  /** Looks from now on. */
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

/** Keeps the memory of this process small, and the buffers of its transport. */
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
        // Unlike what there is now, it takes no descriptor to know.
        peakBytes: () => 1_024 * process.resourceUsage().maxRSS,
        collect: collector.some,
      }),
    );
  }
  return watches;
}

/** Calls again and again, until the result is disposed of. */
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
