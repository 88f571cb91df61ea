/**
 * A {@link Bell} where io_uring is blocked, for Deno: one of its threads waits
 * for the event. It costs 30 µs each time.
 *
 * @module
 */
import { openLibc } from "../../system/_libc.ts";
import type { Bell } from "./bell.ts";
import { mapMemory, writeMemory } from "./libc.ts";

/**
 * Milliseconds that a thread waits at most: a process that has nothing to do
 * any more ends so much later.
 */
const WAIT_MS = 250;

const POLLIN = 1;

/** Hangs one up; see {@link Bell}. */
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
  writeMemory(question, new Uint8Array(Int32Array.of(epoll, POLLIN).buffer));
  let isHeld = false;
  const ring = (): void => bell.onRing();
  const bell: Bell = {
    name: "a thread",
    onRing: () => {},
    set: () => {
      // Also where no thread could be had: then the look that follows is early.
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
    while (await poll(question, 1, WAIT_MS) === 0 && isHeld);
  }
  return bell;
}
