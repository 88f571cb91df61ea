/**
 * The {@link Bell} for Bun if io_uring is blocked: the thread itself waits for
 * its own events and those of the runtime. Timers may be late by the longest
 * wait.
 *
 * @module
 */
import { readdirSync, readlinkSync } from "node:fs";
import { clearImmediate, setImmediate } from "node:timers";
import type { Bell } from "./bell.ts";
import { Queues } from "./queues.ts";

/** Longest wait of the thread, and delay of timers, in milliseconds. */
const WAIT_MS = 20;

/**
 * Opens the bell; see {@link Bell}.
 *
 * @throws {Error} If the runtime's event queue cannot be found.
 */
export function openNestedBell(epoll: number): Bell {
  const others = eventQueues().filter((descriptor) => descriptor !== epoll);
  if (others.length === 0) throw new Error("Bun's event queue is not in /proc");
  const queues = new Queues(epoll, others);
  let waiting: ReturnType<typeof setImmediate> | undefined;
  let isSet = false;
  let isHeld = false;
  const wait = (): void => {
    waiting = undefined;
    if (queues.wait(WAIT_MS) !== "own") return goOn();
    isSet = false;
    bell.onRing();
  };
  const goOn = (): void => {
    if (isSet && isHeld) waiting ??= setImmediate(wait);
  };
  const bell: Bell = {
    name: "a nested event queue",
    onRing: () => {},
    set: () => {
      isSet = true;
      goOn();
    },
    hold: () => {
      isHeld = true;
      goOn();
    },
    release: () => {
      isHeld = false;
      clearImmediate(waiting);
      waiting = undefined;
    },
  };
  return bell;
}

/** Returns the descriptors of every epoll of this process. */
function eventQueues(): number[] {
  return readdirSync("/proc/self/fd").filter((name) => {
    try {
      return readlinkSync(`/proc/self/fd/${name}`) === "anon_inode:[eventpoll]";
    } catch {
      // The descriptor was closed meanwhile, like that of the folder itself.
      return false;
    }
  }).map(Number);
}
