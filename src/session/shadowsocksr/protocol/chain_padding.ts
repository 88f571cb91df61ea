/**
 * The number of random bytes in a packet of `auth_chain_*`. Both ends compute
 * it from the hash of the previous packet and the length of the data.
 *
 * @module
 */
import type { ChainRandom } from "./chain_random.ts";

/** The variants. */
export type AuthChainName =
  | "auth_chain_a"
  | "auth_chain_b"
  | "auth_chain_c"
  | "auth_chain_d"
  | "auth_chain_e";

/**
 * Returns the number of random bytes, and advances the generator equally at
 * both ends.
 *
 * @param hash The hash of the previous packet, 16 bytes.
 * @param length Bytes of the data.
 */
export type ChainPadding = (
  random: ChainRandom,
  hash: Uint8Array,
  length: number,
) => number;

/** What the padding of one connection depends on. */
export interface PaddingInput {
  /** The key of the server, which is the same for all users. */
  readonly key: Uint8Array;
  /** Bytes that protocol and obfs add to a packet. */
  readonly overhead: number;
  /** Fills the tables, which changes its state. */
  readonly random: ChainRandom;
}

/** Returns the padding of one connection. */
export function chainPadding(
  name: AuthChainName,
  input: PaddingInput,
): ChainPadding {
  input.random.seed(input.key);
  switch (name) {
    case "auth_chain_a":
      return paddingA;
    case "auth_chain_b":
      return paddingB(input);
    case "auth_chain_c":
      return paddingC(input);
    case "auth_chain_d":
      return paddingD(input, true);
    case "auth_chain_e":
      return paddingD(input, false);
  }
}

/** Bytes of data above which a segment is full. */
const FULL = 1_440;

/**
 * Returns the most random bytes of a packet with that much data, over all
 * variants.
 */
export function mostPadding(length: number): number {
  return length > FULL ? 0 : Math.max(31, FULL - length);
}

function paddingA(
  random: ChainRandom,
  hash: Uint8Array,
  length: number,
): number {
  if (length > FULL) return 0;
  random.seedLength(hash, length);
  return tail(random, length);
}

function paddingB({ random, overhead }: PaddingInput): ChainPadding {
  const first = sizes(random, random.below(8) + 4);
  const second = sizes(random, random.below(16) + 8);
  return (random, hash, length) => {
    if (length >= FULL) return 0;
    random.seedLength(hash, length);
    const whole = length + overhead;
    let at = lowerBound(first, whole) + random.below(first.length);
    if (at < first.length) return first[at]! - whole;
    const from = lowerBound(second, whole);
    at = from + random.below(second.length);
    if (at < second.length) return second[at]! - whole;
    return at < from + second.length - 1 ? 0 : tail(random, length);
  };
}

function paddingC({ random, overhead }: PaddingInput): ChainPadding {
  const table = sizes(random, random.below(24) + 12);
  return (random, hash, length) => {
    random.seedLength(hash, length);
    const whole = length + overhead;
    if (whole >= table.at(-1)!) return whole >= FULL ? 0 : tail(random, whole);
    return pick(table, whole, random) - whole;
  };
}

/** The variants d and e: the table reaches up to a full segment. */
function paddingD(
  { random, overhead }: PaddingInput,
  isRandom: boolean,
): ChainPadding {
  const table = sizes(random, random.below(24) + 12);
  let last = table.at(-1)!;
  while (last < 1_300 && table.length < 64) {
    last = size(random);
    table.push(last);
  }
  table.sort(ascending);
  return (random, hash, length) => {
    const whole = length + overhead;
    if (isRandom && whole >= table.at(-1)!) return 0;
    random.seedLength(hash, length);
    if (whole >= table.at(-1)!) return 0;
    return isRandom
      ? pick(table, whole, random) - whole
      : table[lowerBound(table, whole)]! - whole;
  };
}

/** Returns one of the sizes that are large enough. */
function pick(
  table: readonly number[],
  whole: number,
  random: ChainRandom,
): number {
  const from = lowerBound(table, whole);
  return table[from + random.below(table.length - from)]!;
}

function tail(random: ChainRandom, length: number): number {
  return random.below(
    length > 1_300 ? 31 : length > 900 ? 127 : length > 400 ? 521 : 1_021,
  );
}

/** Returns sizes of packets, the smallest first. */
function sizes(random: ChainRandom, count: number): number[] {
  return Array.from({ length: count }, () => size(random)).sort(ascending);
}

function size(random: ChainRandom): number {
  return Number(random.next() % 2340n % 2040n % 1440n);
}

/**
 * Returns the first index whose size is large enough, or the length of the
 * table.
 */
function lowerBound(table: readonly number[], least: number): number {
  const at = table.findIndex((size) => size >= least);
  return at < 0 ? table.length : at;
}

function ascending(a: number, b: number): number {
  return a - b;
}
