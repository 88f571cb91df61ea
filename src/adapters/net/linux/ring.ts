/**
 * An io_uring that does one thing: wait until a descriptor is readable, then
 * send a byte to a socket. The kernel does this without a thread of the
 * process.
 *
 * Source: io_uring(7), io_uring_setup(2). Offsets and numbers are the same on
 * all processors.
 *
 * @module
 */
import { openLibc } from "../../system/_libc.ts";
import {
  c,
  checked,
  mapMemory,
  mapShared,
  MSG_NOSIGNAL,
  readMemory,
  writeMemory,
} from "./libc.ts";

const SYS_IO_URING_SETUP = 425;
const SYS_IO_URING_ENTER = 426;
const IORING_OFF_SQES = 0x1000_0000;
const IORING_OP_POLL_ADD = 6;
const IORING_OP_SEND = 26;
/** The next entry starts after this one has succeeded. */
const IOSQE_IO_LINK = 1 << 2;
const POLLIN = 1;

/** Entries of a queue: two rounds of two entries. */
const ENTRIES = 4;

/**
 * Length of `struct io_uring_params` in 32-bit words, and the position of its
 * offsets.
 */
const PARAMETERS = 30;
const SUBMISSION = 10;
const COMPLETION = 20;

/** Length of a submission in 32-bit words, and of a completion in bytes. */
const SUBMISSION_WORDS = 16;
const COMPLETION_BYTES = 16;

export class Ring {
  readonly #descriptor: number;
  readonly #enter: (...numbers: number[]) => number;
  readonly #tail: number;
  readonly #completionHead: number;
  readonly #completionTail: number;
  readonly #round: Int32Array = new Int32Array(2 * SUBMISSION_WORDS);
  readonly #entries: number;
  readonly #word: Uint32Array = new Uint32Array(1);
  readonly #wordBytes: Uint8Array = new Uint8Array(this.#word.buffer);
  #submitted = 0;

  /**
   * @param watched The descriptor that becomes readable.
   * @param target The socket that gets a byte.
   * @throws {TransportError} If io_uring is blocked or too old.
   */
  constructor(watched: number, target: number) {
    const { syscall: setup } = openLibc({
      syscall: { parameters: ["i32", "u32", "buffer"], result: "i32" },
    });
    const { syscall: enter } = openLibc({
      syscall: {
        parameters: ["i32", "u32", "u32", "u32", "u32", "u32", "u32"],
        result: "i32",
      },
    });
    this.#enter = enter as unknown as (...numbers: number[]) => number;
    const parameters = new Uint32Array(PARAMETERS);
    this.#descriptor = checked(
      setup(
        SYS_IO_URING_SETUP,
        ENTRIES,
        new Uint8Array(parameters.buffer),
      ) as number,
      "set up io_uring",
    );
    try {
      const submission = parameters.subarray(SUBMISSION, COMPLETION);
      const completion = parameters.subarray(COMPLETION);
      const entries = parameters[0]!;
      const array = submission[6]!;
      const length = Math.max(
        array + 4 * entries,
        completion[5]! + COMPLETION_BYTES * parameters[1]!,
      );
      const rings = mapShared(length, this.#descriptor, 0);
      this.#entries = mapShared(
        4 * SUBMISSION_WORDS * entries,
        this.#descriptor,
        IORING_OFF_SQES,
      );
      this.#tail = rings + submission[1]!;
      this.#completionHead = rings + completion[0]!;
      this.#completionTail = rings + completion[1]!;
      // Slot i of the queue is always entry i.
      const order = Uint32Array.from({ length: entries }, (_, i) => i);
      writeMemory(rings + array, new Uint8Array(order.buffer));
      this.#compose(watched, target);
    } catch (error) {
      c.close(this.#descriptor);
      throw error;
    }
  }

  /**
   * Starts a round: wait, then send.
   *
   * @throws {TransportError} If the kernel refuses the round.
   */
  start(): void {
    // The completions of the last round are not needed, but their slots are.
    readMemory(this.#completionTail, this.#wordBytes);
    writeMemory(this.#completionHead, this.#wordBytes);
    this.#submitted += 2;
    this.#word[0] = this.#submitted;
    writeMemory(this.#tail, this.#wordBytes);
    const taken = this.#enter(
      SYS_IO_URING_ENTER,
      this.#descriptor,
      2,
      0,
      0,
      0,
      0,
    );
    checked(taken === 2 ? 0 : -1, "start a round of io_uring");
  }

  close(): void {
    c.close(this.#descriptor);
  }

  /** Writes both entries of a round, at each slot where a round may begin. */
  #compose(watched: number, target: number): void {
    const byte = mapMemory(1);
    const poll = this.#round;
    poll[0] = IORING_OP_POLL_ADD | IOSQE_IO_LINK << 8;
    poll[1] = watched;
    poll[7] = POLLIN;
    const send = this.#round.subarray(SUBMISSION_WORDS);
    send[0] = IORING_OP_SEND;
    send[1] = target;
    send[4] = byte % 2 ** 32;
    send[5] = Math.floor(byte / 2 ** 32);
    send[6] = 1;
    send[7] = MSG_NOSIGNAL;
    const bytes = new Uint8Array(poll.buffer);
    for (let at = 0; at < ENTRIES; at += 2) {
      writeMemory(this.#entries + 4 * SUBMISSION_WORDS * at, bytes);
    }
  }
}
