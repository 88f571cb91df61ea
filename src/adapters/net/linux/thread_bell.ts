/**
 * The {@link Bell} for Deno if io_uring is blocked: a thread of Deno waits for
 * the event, at a cost of 30 µs each time.
 *
 * @module
 */
import { toUsize } from "../../crypto/_library.ts";
import { openLibc } from "../../system/_libc.ts";
import type { Bell } from "./bell.ts";
import { mapMemory, writeMemory } from "./libc.ts";

/**
 * Longest wait of a thread in milliseconds. A process that has nothing left to
 * do ends with at most this delay.
 */
const WAIT_MS = 250;

const POLLIN = 1;

/** Opens the bell; see {@link Bell}. */
export function openThreadBell(epoll: number): Bell {
  const { poll } = openLibc({
    // struct pollfd[], their number, milliseconds
    poll: {
      parameters: ["usize", "u32", "i32"],
      result: "i32",
      nonblocking: true,
    },
  });
  const question = mapMemory(8);
  const questions = toUsize(question);
  writeMemory(question, new Uint8Array(Int32Array.of(epoll, POLLIN).buffer));
  let isHeld = false;
  const ring = (): void => bell.onRing();
  const bell: Bell = {
    name: "a thread",
    onRing: () => {},
    set: () => {
      // The bell also rings if there is no thread; the poll is then early.
      wait().then(ring, ring);
    },
    hold: () => {
      isHeld = true;
    },
    release: () => {
      isHeld = false;
    },
  };
  async function wait(): Promise<void> {
    while (await poll(questions, 1, WAIT_MS) === 0 && isHeld);
  }
  return bell;
}
