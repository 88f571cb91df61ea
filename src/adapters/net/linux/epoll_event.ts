/**
 * `struct epoll_event`: 32 bits of events and 64 bits of data, which are the
 * descriptor and a generation.
 *
 * Wire form: events (4), data (8); on arm64 there are 4 unused bytes between
 * them. Only x86-64 packs the structure.
 *
 * @module
 */
import process from "node:process";
import { c, checked, EEXIST, errno } from "./libc.ts";

/** `EPOLLIN` and other events. */
export const READABLE = 0x001;
export const WRITABLE = 0x004;
export const FAILED = 0x008;
export const HUNG_UP = 0x010;
export const PEER_ENDED = 0x2000;
/** The flag with which each change is reported once. */
export const EDGE: number = 1 << 31;

const EPOLL_CLOEXEC = 0o2000000;
const EPOLL_CTL_ADD = 1;
const EPOLL_CTL_DEL = 2;

/** Length of an event in 32-bit words, and the offset of the data. */
const LAYOUTS: Readonly<Record<string, readonly [number, number]>> = {
  x64: [3, 1],
  arm64: [4, 2],
};

/**
 * Returns the layout for a processor.
 *
 * @throws {Error} For an unknown processor.
 */
export function layoutOf(arch: string): readonly [number, number] {
  const layout = LAYOUTS[arch];
  if (layout !== undefined) return layout;
  throw new Error(`unknown layout of epoll for processor ${arch}`);
}

/** Maximum of events in one wait. */
const MAX_EVENTS = 256;

/** An epoll, with memory for its events. */
export class Epoll {
  readonly descriptor: number;
  readonly #words: number;
  readonly #data: number;
  readonly #events: Int32Array;
  readonly #eventBytes: Uint8Array;
  readonly #one: Int32Array;
  readonly #oneBytes: Uint8Array;

  /**
   * @throws {Error} On an unknown processor; `TransportError` if the system
   * fails.
   */
  constructor() {
    [this.#words, this.#data] = layoutOf(process.arch);
    this.#events = new Int32Array(MAX_EVENTS * this.#words);
    this.#eventBytes = new Uint8Array(this.#events.buffer);
    this.#one = new Int32Array(this.#words);
    this.#oneBytes = new Uint8Array(this.#one.buffer);
    this.descriptor = checked(
      c.epoll_create1(EPOLL_CLOEXEC),
      "make an event queue",
    );
  }

  /**
   * Watches a descriptor until it is closed.
   *
   * @throws {TransportError} `ERR_NET_DESCRIPTORS` and others.
   */
  add(descriptor: number, events: number, generation: number): void {
    this.#one[0] = events;
    this.#one[this.#data] = descriptor;
    this.#one[this.#data + 1] = generation;
    checked(
      c.epoll_ctl(this.descriptor, EPOLL_CTL_ADD, descriptor, this.#oneBytes),
      "watch a socket",
    );
  }

  /**
   * Takes the waiting events.
   *
   * @param waitMs Milliseconds to wait; 0 to return at once.
   * @returns The number of events for {@link Epoll.at}; 0 also after a signal.
   */
  wait(waitMs: number): number {
    const { descriptor } = this;
    const count = c.epoll_wait(
      descriptor,
      this.#eventBytes,
      MAX_EVENTS,
      waitMs,
    );
    return Math.max(0, count);
  }

  /** Returns event number `i` of the last wait. */
  at(i: number): [events: number, descriptor: number, generation: number] {
    const at = i * this.#words;
    return [
      this.#events[at]!,
      this.#events[at + this.#data]!,
      this.#events[at + this.#data + 1]!,
    ];
  }

  close(): void {
    c.close(this.descriptor);
  }
}

/** Event queues are made early, so that their descriptors are small. */
const MAX_QUEUE_DESCRIPTOR = 1_024;

/**
 * Returns the descriptor of the event queue that watches a descriptor: it
 * refuses to watch it twice.
 *
 * @returns `undefined` if there is none.
 */
export function queueThatWatches(descriptor: number): number | undefined {
  // No events: another queue that accepts it for a moment reports nothing.
  const event = new Uint8Array(16);
  for (let queue = 0; queue < MAX_QUEUE_DESCRIPTOR; queue++) {
    if (c.epoll_ctl(queue, EPOLL_CTL_ADD, descriptor, event) === 0) {
      c.epoll_ctl(queue, EPOLL_CTL_DEL, descriptor, event);
    } else if (errno() === EEXIST) return queue;
  }
  return undefined;
}
