/**
 * Counts what one UDP service did, for the metrics and for one log line when it
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

  /** Starts with zero counts. */
  constructor(world: Required<Dependencies>) {
    this.#world = world;
  }

  /** Reports a datagram from a client, before it is checked. */
  received(): void {
    this.#received++;
  }

  /** Reports a relayed datagram. */
  relayed(direction: "up" | "down", bytes: number): void {
    if (direction === "up") this.#up++;
    else this.#down++;
    this.#world.metrics.datagramRelayed(direction, bytes);
  }

  /**
   * Reports a dropped datagram.
   *
   * @param error The reason; anything but an {@link UmbraError} is a defect.
   * @param client The address of the client.
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

  /** Reports that a flow began. */
  flowOpened(): void {
    this.#world.metrics.flowOpened();
  }

  /**
   * Reports that a flow ended. The first one that is closed for another is
   * logged.
   */
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

  /**
   * Reports that a flow ended because of its socket. Only the first such
   * failure is logged, since they often repeat.
   */
  flowFailed(error: unknown): void {
    if (this.#flows.failed > 0 && error instanceof UmbraError) return;
    this.#world.logger.log("warn", "UDP flow failed", {
      code: codeOf(error),
      reason: error instanceof Error ? error.message : String(error),
    });
  }

  /**
   * Writes the log line.
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
