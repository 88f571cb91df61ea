/**
 * The event queue of Umbra and those of the runtime, for which the thread can
 * wait itself.
 *
 * @module
 */
import type { ForeignFunction } from "../../crypto/_library.ts";
import { openLibc } from "../../system/_libc.ts";

const POLLIN = 1;

/** Length of `struct pollfd` in 32-bit words. */
const ENTRY = 2;

export class Queues {
  readonly #entries: Int32Array;
  readonly #bytes: Uint8Array;
  readonly #blank: Int32Array;
  readonly #poll: ForeignFunction;

  /**
   * @param own The descriptor of Umbra's epoll.
   * @param others The descriptors of the runtime's.
   */
  constructor(own: number, others: readonly number[]) {
    const { poll } = openLibc({
      // struct pollfd[], their number, milliseconds
      poll: { parameters: ["buffer", "u32", "i32"], result: "i32" },
    });
    this.#poll = poll;
    this.#blank = Int32Array.from(
      [own, ...others].flatMap((queue) => [queue, POLLIN]),
    );
    this.#entries = new Int32Array(this.#blank.length);
    this.#bytes = new Uint8Array(this.#entries.buffer);
  }

  /**
   * Blocks the thread until a queue has events.
   *
   * @returns Whose events wait, with Umbra's first; `undefined` if none came in
   * time, or after a signal.
   */
  wait(ms: number): "own" | "runtime" | undefined {
    this.#entries.set(this.#blank);
    const count = this.#poll(this.#bytes, this.#entries.length / ENTRY, ms);
    if (Number(count) <= 0) return undefined;
    // The upper half of the second word has the result.
    return this.#entries[1]! >> 16 === 0 ? "runtime" : "own";
  }
}
