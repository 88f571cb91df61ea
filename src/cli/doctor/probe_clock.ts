/**
 * Distinguishes a wrong clock from a wrong key. A 2022 server is silent to
 * both, but answers if the key is right and the time stamp agrees with its own
 * clock.
 *
 * @module
 */
import type { Clock } from "../../clock.ts";
import { MAX_TIMESTAMP_SKEW_S } from "../../limits.ts";
import type { UpstreamServer } from "../../service/outbound/shadowsocks.ts";
import { headRequest } from "./head_request.ts";
import { NOWHERE, type ProbeWorld, requestTarget } from "./probe_server.ts";

/**
 * Seconds between the time stamps of two attempts, so that one of them is ahead
 * of the server's clock by at most 30: a server that has just started rejects
 * stamps from before its start.
 */
const STEP_S = MAX_TIMESTAMP_SKEW_S - 5;

/** Seconds of the largest drift that is tried. */
const DRIFT_S = 600;

/** Seconds between time zones; some differ by half an hour. */
const ZONE_STEP_S = 1_800;

/**
 * Seconds that are added to a time zone, since such clocks differ by seconds as
 * well.
 */
const ZONE_LEAD_S = 10;

/** Seconds to the farthest time zone. */
const FARTHEST_ZONE_S = 14 * 3_600;

/** Concurrent requests; few enough for any server. */
const AT_ONCE = 16;

/** Minimum time limit of one attempt in milliseconds. */
const MIN_TRY_MS = 500;

/**
 * Time limit of one attempt as a multiple of the time to connect, of which it
 * takes at least two.
 */
const TRY_FACTOR = 10;

/**
 * Offsets in seconds by which clocks are often wrong, the likeliest first: a
 * few minutes, or the hours of another time zone.
 */
export const LIKELY_OFFSETS_S: readonly number[] = [
  ...series(STEP_S, DRIFT_S),
  ...series(ZONE_STEP_S, FARTHEST_ZONE_S).map((one) => one + ZONE_LEAD_S),
];

/** The tools of the search. */
export interface ClockSearch {
  /** Milliseconds that a connect took. */
  readonly connectMs: number;
  /** Called with the share of the search that is done, 0 to 1. */
  progressed(share: number): void;
}

/**
 * Sends requests with other time stamps to a silent server.
 *
 * @param server A server with an IP address that is silent to random bytes.
 * @returns Seconds that the server's clock is ahead of the world's, exact to
 * 30; `undefined` if the server accepted none of the stamps.
 * @throws {TransportError} When the server cannot be reached.
 */
export async function findClockOffset(
  server: UpstreamServer,
  { connectMs, progressed }: ClockSearch,
  world: ProbeWorld,
): Promise<number | undefined> {
  const waitMs = Math.min(
    world.waitMs,
    Math.max(MIN_TRY_MS, TRY_FACTOR * connectMs),
  );
  const all = LIKELY_OFFSETS_S;
  for (let i = 0; i < all.length; i += AT_ONCE) {
    progressed(i / all.length);
    const some = all.slice(i, i + AT_ONCE);
    const taken = await Promise.all(some.map(async (offsetS) => {
      const { kind } = await requestTarget(
        server,
        NOWHERE,
        headRequest(NOWHERE),
        { ...world, waitMs, clock: shifted(world.clock, offsetS) },
      );
      return kind === "closed" || kind === "answer";
    }));
    const found = taken.indexOf(true);
    if (found >= 0) return some[found];
  }
  return undefined;
}

/**
 * Returns a clock whose wall time is ahead of another one's. Its monotonic time
 * is the same.
 */
export function shifted(clock: Clock, offsetS: number): Clock {
  return {
    monotonicMs: () => clock.monotonicMs(),
    unixMs: () => clock.unixMs() + offsetS * 1_000,
    schedule: (callback, delayMs) => clock.schedule(callback, delayMs),
  };
}

/** Returns the multiples of `step` up to `most`, positive and negative. */
function series(step: number, most: number): number[] {
  return Array.from(
    { length: most / step },
    (_, i) => [step * (i + 1), -step * (i + 1)],
  ).flat();
}
