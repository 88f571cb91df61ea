/**
 * Waits until a drained server of a fleet has no connections.
 *
 * @module
 */
import { type Clock, pause } from "../../clock.ts";
import { TransportError } from "../../errors.ts";
import type { NodeList } from "../../fleet.ts";
import { DRAIN_POLL_MS } from "../../limits.ts";
import { Stop } from "../../on_abort.ts";
import { nodeState } from "../../service/fleet/node_state.ts";

/** The end of a wait. */
export type Drained =
  /** No connection is open, or the server has ended. */
  | { readonly kind: "empty" | "ended" }
  /** The number of connections in the last heartbeat. */
  | { readonly kind: "lost" | "late"; readonly connections: number };

/** The options of a wait. */
export interface DrainWait {
  /** The drained node. */
  readonly node: string;
  /** Maximum duration in milliseconds. */
  readonly waitMs: number;
  readonly clock: Clock;
  /** Reads the nodes of the fleet. */
  list(): Promise<NodeList>;
}

/**
 * Waits for the heartbeat that reports no connection. An engine that does not
 * answer for a while does not end the wait.
 *
 * @throws {TransportError} When the engine does not answer at the end of the
 * time.
 * @throws {StoreError} When the engine refuses.
 */
export async function waitUntilDrained(
  { node, waitMs, clock, list }: DrainWait,
): Promise<Drained> {
  const startMs = clock.monotonicMs();
  let lastUnixMs = -Infinity;
  let beats = 0;
  for (;;) {
    const isLate = clock.monotonicMs() - startMs >= waitMs;
    try {
      const now = await list();
      const found = now.nodes.find((one) => one.node === node);
      if (found === undefined) return { kind: "ended" };
      const { connections, heardUnixMs } = found;
      if (nodeState(found, now) === "lost") {
        return { kind: "lost", connections };
      }
      if (heardUnixMs > lastUnixMs) beats++;
      lastUnixMs = heardUnixMs;
      // The first heartbeat is older than the drain, and the server learns of
      // the drain from the answer to the second.
      if (beats > 2 && connections === 0) return { kind: "empty" };
      if (isLate) return { kind: "late", connections };
    } catch (error) {
      if (isLate || !(error instanceof TransportError)) throw error;
    }
    const restMs = startMs + waitMs - clock.monotonicMs();
    const delayMs = Math.max(0, Math.min(DRAIN_POLL_MS, restMs));
    await pause(clock, delayMs, new Stop());
  }
}
