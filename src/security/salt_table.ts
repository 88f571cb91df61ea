/**
 * A table of salts in shared memory. What one thread records, all threads find.
 * If two threads add the same salt at the same moment, at most one of them gets
 * the answer that it is new.
 *
 * Three tables take turns: the young one receives new salts, the old one is
 * still searched, and the third is empty and comes next. The first 8 bytes of a
 * salt are kept. With n salts, a new salt equals one of them by chance with a
 * probability of n / 2^64, and is then refused. The slot of a salt depends on a
 * secret, so that an attacker cannot choose salts that collide.
 *
 * Memory: three tables of 16 bytes for each salt of a generation. The system
 * allocates it when it is first used.
 *
 * @module
 */
import { SALT_MARK_LENGTH } from "../limits.ts";
import { type RandomBytes, systemRandomBytes } from "../random.ts";

/**
 * Offsets of 64-bit words at the start of the memory. The first one counts
 * generations.
 */
const GENERATION = 0;
/** The newest time stamp of a forgotten salt; seconds since 1970. */
const FORGOTTEN = 1;
/** The number of salts in each table, one word each. */
const COUNTS = 2;
/** The newest time stamp in each table, one word each. */
const NEWEST = 5;
/** The secret, four 32-bit words. */
const SECRET = 8;
const HEADER_WORDS = 10;

const TABLES = 3;

/** Slots for each salt, so that a table is at most half full. */
const SLOTS_PER_SALT = 2;

/** The salt of the current call. No other call can start before it ends. */
const SCRATCH = new Uint8Array(SALT_MARK_LENGTH);
const SCRATCH_VIEW = new DataView(SCRATCH.buffer);

/** The salts of two generations. */
export class SaltTable {
  /** The memory; a `SharedArrayBuffer` if threads share it. */
  readonly memory: ArrayBufferLike;
  /** Salts in one generation. */
  readonly capacity: number;
  readonly #words: BigInt64Array<ArrayBufferLike>;
  readonly #secret: Int32Array<ArrayBufferLike>;
  readonly #slots: number;

  /** Uses memory that {@link SaltTable.make} has made. */
  constructor(memory: ArrayBufferLike) {
    this.memory = memory;
    this.#words = new BigInt64Array(memory);
    this.#secret = new Int32Array(memory, SECRET * 8, 4);
    this.#slots = (this.#words.length - HEADER_WORDS) / TABLES;
    this.capacity = this.#slots / SLOTS_PER_SALT;
  }

  /**
   * Makes an empty table.
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
    // An even multiplier would lose bits.
    for (let i = 0; i < 4; i++) table.#secret[i]! |= 1;
    return table;
  }

  /** The number of the generation that receives salts now, from 0. */
  get young(): number {
    return Number(Atomics.load(this.#words, GENERATION));
  }

  /**
   * The newest time stamp of a forgotten salt, in seconds since 1970; 0 if
   * there is none.
   */
  get forgottenSeconds(): number {
    return Number(Atomics.load(this.#words, FORGOTTEN));
  }

  /** True if a generation has reached its capacity. */
  isFull(generation: number): boolean {
    const count = Atomics.load(this.#words, COUNTS + tableOf(generation));
    return count >= BigInt(this.capacity);
  }

  /**
   * Checks and records a salt in one step. Must not be called while the young
   * generation is full.
   *
   * @param salt At least 16 bytes, or an IV of 6 or more; borrowed.
   * @param stampSeconds The time stamp of the request; 0 for none.
   * @returns True if it is new.
   */
  add(salt: Uint8Array, stampSeconds = 0): boolean {
    const { mark, start } = this.#place(salt);
    const index = tableOf(this.young);
    this.#raise(NEWEST + index, BigInt(stampSeconds));
    if (!this.#insert(index, start, mark)) return false;
    Atomics.add(this.#words, COUNTS + index, 1n);
    // The other table is searched only after the insertion. If another thread
    // has turned the generations meanwhile, at least one of the two threads
    // finds the other's salt.
    return !this.#has(before(index), start, mark) &&
      (tableOf(this.young) === index || !this.#has(after(index), start, mark));
  }

  /** True if one of the two generations has the salt. */
  has(salt: Uint8Array): boolean {
    const { mark, start } = this.#place(salt);
    const index = tableOf(this.young);
    return this.#has(index, start, mark) ||
      this.#has(before(index), start, mark);
  }

  /**
   * Turns the generations: the young one becomes the old one, and the old one
   * is cleared. If several threads call it at the same time, only one takes
   * effect.
   *
   * @param young The generation that was full.
   */
  turn(young: number): void {
    const next = young + 1;
    const spare = tableOf(next + 1);
    const newest = Atomics.load(this.#words, NEWEST + spare);
    // `newest` is valid only if no other generation has started.
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

  /** Raises a word to a value. */
  #raise(word: number, value: bigint): void {
    for (;;) {
      const found = Atomics.load(this.#words, word);
      if (found >= value) return;
      if (Atomics.compareExchange(this.#words, word, found, value) === found) {
        return;
      }
    }
  }

  /** Returns the kept part of a salt and its first slot. */
  #place(salt: Uint8Array): { mark: bigint; start: number } {
    // Bun allocates the buffer of a small array when `buffer` is read.
    for (let i = 0; i < SALT_MARK_LENGTH; i++) SCRATCH[i] = salt[i] ?? 0;
    const view = SCRATCH_VIEW;
    // A keyed multilinear hash; its upper bits depend on all lower ones.
    let hash = 0;
    for (let i = 0; i < 4; i++) {
      hash = hash + Math.imul(view.getInt32(4 * i), this.#secret[i]!) | 0;
    }
    return {
      // Zero marks an empty slot.
      mark: view.getBigInt64(0) || 1n,
      start: (hash >>> 8) % this.#slots,
    };
  }

  /** Returns `false` if the salt is already there. */
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
