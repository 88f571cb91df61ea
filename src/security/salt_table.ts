/**
 * Salts in shared memory: what one thread has seen, all have, and of two
 * threads that see the same salt at the same moment one at most learns that it
 * is new.
 *
 * Three tables take turns: the young one takes new salts, the old one is still
 * looked at, the third is empty and comes next. A salt is kept as its first 8
 * bytes; two of n salts are taken for the same with a probability of n / 2^64,
 * and the later one is then refused. Its place depends on a secret, so
 * that an attacker cannot choose salts that collide.
 *
 * Memory: three tables of 16 bytes for each salt of a generation; the system
 * provides it as it is used.
 *
 * @module
 */
import { SALT_MARK_LENGTH } from "../limits.ts";
import { type RandomBytes, systemRandomBytes } from "../random.ts";

/** Words of 64 bits at the start of the memory. The first counts generations. */
const GENERATION = 0;
/** The newest time stamp of a salt that was forgotten; seconds since 1970. */
const FORGOTTEN = 1;
/** The number of salts in each table; one word each. */
const COUNTS = 2;
/** The newest time stamp of each table; one word each. */
const NEWEST = 5;
/** The secret, four words of 32 bits. */
const SECRET = 8;
const HEADER_WORDS = 10;

const TABLES = 3;

/** Slots for each salt: a table is never more than half full. */
const SLOTS_PER_SALT = 2;

/** The salt that is looked at; nothing waits meanwhile. */
const SCRATCH = new Uint8Array(SALT_MARK_LENGTH);
const SCRATCH_VIEW = new DataView(SCRATCH.buffer);

/** Salts of two generations. */
export class SaltTable {
  /** The memory that threads share; a `SharedArrayBuffer` if they do. */
  readonly memory: ArrayBufferLike;
  /** Salts in one generation. */
  readonly capacity: number;
  readonly #words: BigInt64Array<ArrayBufferLike>;
  readonly #secret: Int32Array<ArrayBufferLike>;
  readonly #slots: number;

  /** Takes up a memory that {@link SaltTable.make} has made. */
  constructor(memory: ArrayBufferLike) {
    this.memory = memory;
    this.#words = new BigInt64Array(memory);
    this.#secret = new Int32Array(memory, SECRET * 8, 4);
    this.#slots = (this.#words.length - HEADER_WORDS) / TABLES;
    this.capacity = this.#slots / SLOTS_PER_SALT;
  }

  /**
   * An empty table.
   *
   * @param capacity Salts in one generation, a power of two.
   * @param shared True if other threads will use it too.
   */
  static make(
    capacity: number,
    shared: boolean,
    randomBytes: RandomBytes = systemRandomBytes,
  ): SaltTable {
    const words = HEADER_WORDS + TABLES * SLOTS_PER_SALT * capacity;
    const memory = shared
      ? new SharedArrayBuffer(words * 8)
      : new ArrayBuffer(words * 8);
    const table = new SaltTable(memory);
    new Uint8Array(memory, SECRET * 8, 16).set(randomBytes(16));
    // A multiplier that is even loses bits.
    for (let i = 0; i < 4; i++) table.#secret[i]! |= 1;
    return table;
  }

  /** The generation that takes salts now; they are counted from 0. */
  get young(): number {
    return Number(Atomics.load(this.#words, GENERATION));
  }

  /**
   * The newest time stamp of a salt that was forgotten, in seconds since 1970;
   * 0 if none was.
   */
  get forgottenSeconds(): number {
    return Number(Atomics.load(this.#words, FORGOTTEN));
  }

  /** True if a generation has as many salts as it may. */
  isFull(generation: number): boolean {
    const count = Atomics.load(this.#words, COUNTS + tableOf(generation));
    return count >= BigInt(this.capacity);
  }

  /**
   * Records a salt, in the same step as it looks it up. Not to be called while
   * the young generation is full.
   *
   * @param salt At least 16 bytes, or an IV of 6 or more; borrowed.
   * @param stampSeconds The time stamp that came with it; 0: none.
   * @returns True if it is new.
   */
  add(salt: Uint8Array, stampSeconds = 0): boolean {
    const { mark, start } = this.#place(salt);
    const index = tableOf(this.young);
    this.#raise(NEWEST + index, BigInt(stampSeconds));
    if (!this.#insert(index, start, mark)) return false;
    Atomics.add(this.#words, COUNTS + index, 1n);
    // Looked up only after it was inserted: where another thread has turned
    // the generations meanwhile, at least one of both sees the other's.
    return !this.#has(before(index), start, mark) &&
      (tableOf(this.young) === index || !this.#has(after(index), start, mark));
  }

  /** True if a salt is in one of both generations. */
  has(salt: Uint8Array): boolean {
    const { mark, start } = this.#place(salt);
    const index = tableOf(this.young);
    return this.#has(index, start, mark) ||
      this.#has(before(index), start, mark);
  }

  /**
   * Turns the generations: the young one becomes the old one, and what was the
   * old one is forgotten. One thread does it, if several see at the same time
   * that it is due.
   *
   * @param young The generation that was found due.
   */
  turn(young: number): void {
    const next = young + 1;
    const spare = tableOf(next + 1);
    const newest = Atomics.load(this.#words, NEWEST + spare);
    // What was read is of the generation before `young` only if none has begun.
    if (this.young !== young) return;
    this.#raise(FORGOTTEN, newest);
    const found = Atomics.compareExchange(
      this.#words,
      GENERATION,
      BigInt(young),
      BigInt(next),
    );
    if (found !== BigInt(young)) return;
    const base = this.#baseOf(spare);
    this.#words.fill(0n, base, base + this.#slots);
    Atomics.store(this.#words, NEWEST + spare, 0n);
    Atomics.store(this.#words, COUNTS + spare, 0n);
  }

  /** Sets a word to a value, if that is greater. */
  #raise(word: number, value: bigint): void {
    for (;;) {
      const found = Atomics.load(this.#words, word);
      if (found >= value) return;
      if (Atomics.compareExchange(this.#words, word, found, value) === found) {
        return;
      }
    }
  }

  /** The kept part of a salt, and its first slot. */
  #place(salt: Uint8Array): { mark: bigint; start: number } {
    // Asking Bun for the buffer of a small array makes it build one.
    for (let i = 0; i < SALT_MARK_LENGTH; i++) SCRATCH[i] = salt[i] ?? 0;
    const view = SCRATCH_VIEW;
    // A keyed hash, multilinear: its upper bits depend on all lower ones.
    let hash = 0;
    for (let i = 0; i < 4; i++) {
      hash = hash + Math.imul(view.getInt32(4 * i), this.#secret[i]!) | 0;
    }
    return {
      // Empty slots are zero.
      mark: view.getBigInt64(0) || 1n,
      start: (hash >>> 8) % this.#slots,
    };
  }

  /** `false` when it is there already. */
  #insert(index: number, start: number, mark: bigint): boolean {
    const base = this.#baseOf(index);
    for (let i = start;; i = (i + 1) % this.#slots) {
      const found = Atomics.compareExchange(this.#words, base + i, 0n, mark);
      if (found === 0n) return true;
      if (found === mark) return false;
    }
  }

  #has(index: number, start: number, mark: bigint): boolean {
    const base = this.#baseOf(index);
    for (let i = start;; i = (i + 1) % this.#slots) {
      const found = Atomics.load(this.#words, base + i);
      if (found === mark) return true;
      if (found === 0n) return false;
    }
  }

  #baseOf(index: number): number {
    return HEADER_WORDS + index * this.#slots;
  }
}

function tableOf(generation: number): number {
  return generation % TABLES;
}

function after(index: number): number {
  return (index + 1) % TABLES;
}

function before(index: number): number {
  return (index + TABLES - 1) % TABLES;
}
