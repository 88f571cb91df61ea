/**
 * Warns the operator of a local that the server does not answer, long before
 * the connection ends: after a wrong password, a server is silent for a minute.
 *
 * @module
 */
import { SILENCE_HINT_MS } from "../../limits.ts";
import { type ConnectionReport, UNANSWERED } from "../connection_report.ts";
import type { Dependencies } from "../service.ts";

/**
 * Warns once, and not if the server has ever answered. It watches one
 * connection at a time, so that one timer is enough.
 */
export class SilenceHint {
  readonly #world: Required<Dependencies>;
  #watched: ConnectionReport | undefined;
  #over = false;

  /** @param world Its clock and log are used. */
  constructor(world: Required<Dependencies>) {
    this.#world = world;
  }

  /**
   * Watches a connection, unless another one is watched, until the result is
   * disposed of.
   */
  watch(report: ConnectionReport): Disposable {
    if (this.#over || this.#watched !== undefined) return NOTHING;
    this.#watched = report;
    const cancel = this.#world.clock.schedule(
      () => this.#doubt(report),
      SILENCE_HINT_MS,
    );
    return {
      [Symbol.dispose]: () => {
        cancel();
        this.#judge(report);
      },
    };
  }

  /** Ends the watch. If the connection was answered, no other is watched. */
  #judge(report: ConnectionReport): void {
    if (this.#watched === report) this.#watched = undefined;
    if (report.bytesDown > 0) this.#over = true;
  }

  #doubt(report: ConnectionReport): void {
    this.#judge(report);
    if (this.#over || report.bytesUp === 0) return;
    this.#over = true;
    this.#world.logger.log("warn", "server is silent", {
      target: report.target,
      reason: UNANSWERED,
    });
  }
}

const NOTHING: Disposable = { [Symbol.dispose]: () => {} };
