/**
 * The one event loop of this thread.
 *
 * @module
 */
import type { Bell } from "./bell.ts";
import { Epoll } from "./epoll_event.ts";
import { loadLibc } from "./libc.ts";
import { Loop } from "./loop.ts";
import { openNestedBell } from "./nested_bell.ts";
import { openRingBell } from "./ring_bell.ts";
import { openThreadBell } from "./thread_bell.ts";

/** The loop, and why better bells were not available. */
export interface OpenLoop {
  readonly loop: Loop;
  /** The name of the bell. */
  readonly bell: string;
  /** Why the best bell is not available. */
  readonly reason?: string;
}

let opening: Promise<OpenLoop> | undefined;

/**
 * Opens the loop, or returns the open one.
 *
 * @throws {Error} With the reason why it cannot be opened.
 */
export function openLoop(): Promise<OpenLoop> {
  return opening ??= open();
}

async function open(): Promise<OpenLoop> {
  loadLibc();
  const epoll = new Epoll();
  try {
    const [bell, reason] = await openBell(epoll.descriptor);
    return {
      loop: new Loop(epoll, bell),
      bell: bell.name,
      ...reason !== undefined && { reason },
    };
  } catch (error) {
    epoll.close();
    throw error;
  }
}

async function openBell(
  epoll: number,
): Promise<[Bell, reason?: string | undefined]> {
  try {
    const bell = await openRingBell(epoll);
    return [bell, bell.reason];
  } catch (error) {
    const bell = "Deno" in globalThis
      ? openThreadBell(epoll)
      : openNestedBell(epoll);
    return [bell, (error as Error).message];
  }
}
