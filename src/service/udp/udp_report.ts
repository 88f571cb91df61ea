/**
 * What one UDP service did, for the counters and one line of the log when it
 * stops.
 *
 * @module
 */
import { codeOf, stackOf } from "../../defect.ts";
import { type ErrorCode, ProtocolError, UmbraError } from "../../errors.ts";
import type { FlowEnd } from "../../observe.ts";
import type { Dependencies } from "../service.ts";

/** Counts datagrams and flows. */
export class UdpReport {
  readonly #world: Required<Dependencies>;
  readonly #drops = new Map<ErrorCode, number>();
  readonly #flows: Record<FlowEnd, number> = {
    idle: 0,
    evicted: 0,
    ended: 0,
    failed: 0,
  };
  #received = 0;
  #up = 0;
  #down = 0;
  #droppedDown = 0;

  /** Starts at zero. */
  constructor(world: Required<Dependencies>) {
    this.#world = world;
  }

  /** A datagram came from a client, whatever becomes of it. */
  received(): void {
    this.#received++;
  }

  /** A datagram was relayed. */
  relayed(direction: "up" | "down", bytes: number): void {
    if (direction === "up") this.#up++;
    else this.#down++;
    this.#world.metrics.datagramRelayed(direction, bytes);
  }

  /**
   * A datagram was dropped.
   *
   * @param error Why; anything but an error of ours is a defect.
   * @param client Who sent it or was to get it.
   */
  dropped(
    error: unknown,
    client: string,
    direction: "up" | "down" = "up",
  ): void {
    const code = codeOf(error);
    if (direction === "down") this.#droppedDown++;
    this.#drops.set(code, (this.#drops.get(code) ?? 0) + 1);
    const { logger, metrics } = this.#world;
    metrics.datagramDropped(code);
    if (!(error instanceof UmbraError)) {
      const reason = stackOf(error);
      logger.log("error", "datagram handler failed", { code, reason });
      return;
    }
    const skew = error instanceof ProtocolError && error.clockSkewSeconds;
    if (typeof skew === "number") metrics.clockSkew(skew);
    if (!logger.enabled("debug")) return;
    const fields = { client, code, reason: error.message };
    logger.log("debug", "datagram dropped", fields);
  }

  /** A flow began. */
  flowOpened(): void {
    this.#world.metrics.flowOpened();
  }

  /** A flow ended; the first one that had to make room is worth a warning. */
  flowClosed(reason: FlowEnd, limit: number): void {
    this.#flows[reason]++;
    const { logger, metrics } = this.#world;
    metrics.flowClosed(reason);
    if (reason === "evicted" && this.#flows.evicted === 1) {
      logger.log("warn", "UDP flow limit reached, the quietest flow ends", {
        limit,
      });
    }
  }

  /** A flow ended because of its socket; it is logged once, since they come in crowds. */
  flowFailed(error: unknown): void {
    if (this.#flows.failed > 0 && error instanceof UmbraError) return;
    this.#world.logger.log("warn", "UDP flow failed", {
      code: codeOf(error),
      reason: error instanceof Error ? error.message : String(error),
    });
  }

  /**
   * Writes the line.
   *
   * @param overflown Datagrams that found a receive queue full.
   */
  close(overflown: number): void {
    const flows = this.#flows;
    this.#world.logger.log("info", "UDP relay stopped", {
      received: this.#received,
      relayedUp: this.#up,
      relayedDown: this.#down,
      queueOverflow: overflown,
      droppedDown: this.#droppedDown,
      flowsEvicted: flows.evicted,
      flowsIdle: flows.idle,
      flowsEnded: flows.ended,
      flowsFailed: flows.failed,
      ...Object.fromEntries(this.#drops),
    });
  }
}
