/**
 * Tells the operator of a local that nothing comes from the server, long before
 * the connection ends: a server is silent to a wrong password for a minute.
 *
 * @module
 */
import { SILENCE_HINT_MS } from "../limits.ts";
import { type ConnectionReport, UNANSWERED } from "./connection_report.ts";
import type { Dependencies } from "./service.ts";

/** Says it once, and not at all where the server has ever answered. */
export class SilenceHint {
  readonly #world: Required<Dependencies>;
  #over = false;

  /** @param world Its clock and log. */
  constructor(world: Required<Dependencies>) {
    this.#world = world;
  }

  /** Watches one connection until the result is disposed of. */
  watch(report: ConnectionReport): Disposable {
    if (this.#over) return NOTHING;
    const cancel = this.#world.clock.schedule(
      () => this.#doubt(report),
      SILENCE_HINT_MS,
    );
    return {
      [Symbol.dispose]: () => {
        cancel();
        if (report.bytesDown > 0) this.#over = true;
      },
    };
  }

  #doubt({ target, bytesUp, bytesDown }: ConnectionReport): void {
    if (this.#over || bytesUp === 0) return;
    this.#over = true;
    if (bytesDown > 0) return;
    this.#world.logger.log("warn", "server is silent", {
      target,
      reason: UNANSWERED,
    });
  }
}

const NOTHING: Disposable = { [Symbol.dispose]: () => {} };
