/**
 * Runs slow changes one after the other.
 *
 * @module
 */

/** A queue of actions. */
export class Turns {
  #last: Promise<unknown> = Promise.resolve();

  /** Runs the action after all earlier ones have ended or failed. */
  take<T>(action: () => Promise<T>): Promise<T> {
    const turn = this.#last.then(action);
    this.#last = turn.catch(() => {});
    return turn;
  }
}
