/**
 * Tells a wrong clock from a wrong key: a server of 2022 is silent to both, but
 * not to the right key with the time stamp that its own clock would make.
 *
 * @module
 */
import type { Clock } from "../../clock.ts";
import { MAX_TIMESTAMP_SKEW_S } from "../../limits.ts";
import type { UpstreamServer } from "../../service/outbound/shadowsocks.ts";
import { headRequest } from "./head_request.ts";
import { NOWHERE, type ProbeWorld, requestTarget } from "./probe_server.ts";

/**
 * Seconds between two tries, so that one is ahead of the server's clock, by 30 at
 * most: a server that has just started takes no stamp from before that.
 */
const STEP_S = MAX_TIMESTAMP_SKEW_S - 5;

/** Seconds up to which a clock that drifts is looked for. */
const DRIFT_S = 600;

/** Seconds between zones of time: some are half an hour apart. */
const ZONE_STEP_S = 1_800;

/** Seconds that such a try is ahead; the same clocks differ in seconds as well. */
const ZONE_LEAD_S = 10;

/** Seconds to the farthest zone. */
const FARTHEST_ZONE_S = 14 * 3_600;

/** Requests under way at once: few enough for any server. */
const AT_ONCE = 16;

/** Milliseconds that one try may take at least. */
const MIN_TRY_MS = 500;

/** Times the connect that one try may take: it needs two of them. */
const TRY_FACTOR = 10;

/**
 * Seconds by which clocks are often wrong, the likeliest first: a few minutes,
 * or the hours of another time zone.
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
 * Asks a server that is silent again, with other time stamps.
 *
 * @param server Its endpoint is an IP address, and silent to garbage.
 * @returns Seconds that its clock is ahead of the world's, within 30 either way;
 * `undefined` when it took none of the stamps.
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

/** A clock that is ahead of another one; it measures the same. */
export function shifted(clock: Clock, offsetS: number): Clock {
  return {
    monotonicMs: () => clock.monotonicMs(),
    unixMs: () => clock.unixMs() + offsetS * 1_000,
    schedule: (callback, delayMs) => clock.schedule(callback, delayMs),
  };
}

/** Every step up to `most`, ahead and behind. */
function series(step: number, most: number): number[] {
  return Array.from(
    { length: most / step },
    (_, i) => [step * (i + 1), -step * (i + 1)],
  ).flat();
}
