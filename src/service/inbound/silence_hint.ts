/**
 * Tells the operator of a local that nothing comes from the server, long before
 * the connection ends: a server is silent to a wrong password for a minute.
 *
 * @module
 */
import { SILENCE_HINT_MS } from "../../limits.ts";
import { type ConnectionReport, UNANSWERED } from "../connection_report.ts";
import type { Dependencies } from "../service.ts";

/**
 * Says it once, and not at all where the server has ever answered. Watches one
 * connection at a time: one timer, however many there are.
 */
export class SilenceHint {
  readonly #world: Required<Dependencies>;
  #watched: ConnectionReport | undefined;
  #over = false;

  /** @param world Its clock and log. */
  constructor(world: Required<Dependencies>) {
    this.#world = world;
  }

  /** Watches a connection, perhaps, until the result is disposed of. */
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

  /** The next connection may be watched, unless this one was answered. */
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
