/**
 * A {@link Bell} with an io_uring: the kernel sends a byte to a connection that
 * the runtime reads.
 *
 * @module
 */
import type { Bell } from "./bell.ts";
import { Ring } from "./ring.ts";
import { openWire } from "./wire.ts";

/**
 * Opens the bell.
 *
 * @param epoll The descriptor to watch.
 * @throws {Error} If io_uring is blocked, or loopback is not permitted.
 */
export async function openRingBell(epoll: number): Promise<Bell> {
  let isHung = false;
  const wire = await openWire({
    received: () => bell.onRing(),
    cut: () => {
      if (!isHung) return;
      throw new Error(
        "The wake-up connection of the event loop was closed: restart Umbra",
      );
    },
  });
  let ring: Ring;
  try {
    ring = new Ring(epoll, wire.descriptor);
  } catch (error) {
    wire.close();
    throw error;
  }
  isHung = true;
  const bell: Bell = {
    name: wire.tcpReason === undefined ? "io_uring" : "io_uring over TCP",
    reason: wire.tcpReason,
    runtimeEnd: wire.runtimeEnd,
    onRing: () => {},
    set: () => ring.start(),
    hold: () => wire.hold(),
    release: () => wire.release(),
  };
  bell.release();
  return bell;
}
