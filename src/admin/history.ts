/**
 * Rates between two statuses of a program, and their history of the last
 * minutes, for the dashboard and `umbra top`. Nothing is kept after they end.
 *
 * @module
 */
import { HISTORY_GAP_MS, HISTORY_MS } from "../limits.ts";
import { NO_RATE, type Rate, type Status } from "./operator.ts";
import type { UserCounts } from "../users.ts";

/**
 * One measurement. `null` stands for an unknown value; a plot has a gap there.
 */
export interface Sample {
  /** Milliseconds since 1970, by the clock of the program. */
  readonly unixMs: number;
  /** Rate since the last measurement. */
  readonly rate: Rate | null;
  /** Open file descriptors; `null` if the runtime cannot tell. */
  readonly descriptors: number | null;
  /** See {@link Status}; `null` also if nothing was dialled. */
  readonly dialP90Ms: number | null;
  /** See {@link Status}. */
  readonly lagMs: number | null;
  /** See {@link Status}. */
  readonly residentBytes: number | null;
}

/** The last ten minutes. */
export class History {
  readonly #samples: Sample[] = [];
  #last: Status | undefined;

  /** The samples, oldest first; at most {@link HISTORY_MS} of time. */
  get samples(): readonly Sample[] {
    return this.#samples;
  }

  /** The latest status. */
  get status(): Status | undefined {
    return this.#last;
  }

  /**
   * Adds a status. A status that is not later than the last one is ignored,
   * unless the program's clock was set back: then the history starts again.
   */
  push(status: Status): void {
    if (this.#isSetBack(status)) {
      this.#samples.length = 0;
      this.#last = undefined;
    }
    const last = this.#last;
    if (last !== undefined && status.nowUnixMs <= last.nowUnixMs) return;
    this.#last = status;
    // After a restart the counters start at zero.
    const before = last?.startedUnixMs === status.startedUnixMs
      ? last
      : undefined;
    const gap = last !== undefined &&
      (before === undefined ||
        status.nowUnixMs - last.nowUnixMs > HISTORY_GAP_MS);
    if (gap) this.#samples.push(hole(last.nowUnixMs + 1));
    this.#samples.push(sampleOf(status, gap ? undefined : before));
    dropBefore(this.#samples, status.nowUnixMs - HISTORY_MS);
  }

  /**
   * True if the clock was set back: the start time by the present clock has
   * then changed.
   */
  #isSetBack({ nowUnixMs, startedUnixMs }: Status): boolean {
    const last = this.#last;
    return last !== undefined && nowUnixMs <= last.nowUnixMs &&
      startedUnixMs < last.startedUnixMs;
  }

  /** The rate of all users together. */
  get rate(): Rate {
    return this.#samples.at(-1)?.rate ?? NO_RATE;
  }
}

/** Identifies a user among those of all servers. */
export function keyOf(server: string, name: string): string {
  return `${server}/${name}`;
}

function sampleOf(status: Status, before: Status | undefined): Sample {
  const { traffic, dialMs } = status;
  return {
    unixMs: status.nowUnixMs,
    rate: before === undefined
      ? null
      : rateOf(traffic, before.traffic, secondsOf(status, before)),
    descriptors: status.descriptors?.open ?? null,
    dialP90Ms: dialMs.count === 0 ? null : dialMs.p90,
    lagMs: status.eventLoopLagMs,
    residentBytes: status.residentBytes,
  };
}

function hole(unixMs: number): Sample {
  return {
    unixMs,
    rate: null,
    descriptors: null,
    dialP90Ms: null,
    lagMs: null,
    residentBytes: null,
  };
}

type Counters = Pick<UserCounts, "bytesUp" | "bytesDown">;

/**
 * Returns the rate between two counts. Counts that were cleared in between give
 * 0.
 */
function rateOf(now: Counters, before: Counters, seconds: number): Rate {
  return {
    up: Math.max(0, now.bytesUp - before.bytesUp) / seconds,
    down: Math.max(0, now.bytesDown - before.bytesDown) / seconds,
  };
}

function secondsOf(status: Status, before: Status): number {
  return (status.nowUnixMs - before.nowUnixMs) / 1_000;
}

function dropBefore(
  entries: { readonly unixMs: number }[],
  unixMs: number,
): void {
  const first = entries.findIndex((entry) => entry.unixMs >= unixMs);
  entries.splice(0, first);
}
