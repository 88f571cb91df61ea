/**
 * IP addresses as sorted ranges without overlaps, for a binary search. IPv4 and
 * IPv6 are separate; an IPv4-mapped IPv6 address counts as IPv4.
 *
 * @module
 */
import { unmapIpv4 } from "../../codec/ip_address.ts";
import { GrowingWords } from "./growing.ts";

/** A range, both ends included. */
export interface AddressRange {
  /** The first address, 4 or 16 bytes. */
  readonly from: Uint8Array;
  /** The last address, of the same length. */
  readonly to: Uint8Array;
  /** The line in the file, from 1; 0 for files without lines. */
  readonly line: number;
}

/** A 32-bit word and a 20-bit index fit together into an exact number. */
const INDEX_UNIT = 2 ** 20;

/** Collects {@link AddressRanges}. */
export class AddressRangesBuilder {
  /** The first address of each range: one word for IPv4, four for IPv6. */
  readonly #from = { 1: new GrowingWords(), 4: new GrowingWords() };
  readonly #to = { 1: new GrowingWords(), 4: new GrowingWords() };
  readonly #lines = { 1: new GrowingWords(), 4: new GrowingWords() };

  /** The number of ranges. */
  get count(): number {
    return this.#lines[1].length + this.#lines[4].length;
  }

  /**
   * Adds a range.
   *
   * @param from 4 or 16 bytes.
   * @param to The last address, of the same length and not less.
   */
  add(from: Uint8Array, to: Uint8Array, line: number): void {
    const [first, last] = [unmapIpv4(from), unmapIpv4(to)];
    // A range that starts in the mapped block and ends after it stays IPv6.
    const isWhole = first.length === last.length;
    const [a, b] = isWhole ? [first, last] : [from, to];
    const stride = a.length === 4 ? 1 : 4;
    for (let i = 0; i < stride; i++) {
      this.#from[stride].push(word(a, 4 * i));
      this.#to[stride].push(word(b, 4 * i));
    }
    this.#lines[stride].push(line);
  }

  /** Returns the finished ranges. */
  build(): AddressRanges {
    const family = (stride: 1 | 4): Family =>
      sorted(
        stride,
        this.#from[stride].toArray(),
        this.#to[stride].toArray(),
        this.#lines[stride].toArray(),
      );
    return new AddressRanges(family(1), family(4));
  }
}

/** The ranges of one family. */
interface Family {
  /** Words in an address. */
  readonly stride: 1 | 4;
  readonly from: Uint32Array;
  readonly to: Uint32Array;
  readonly lines: Uint32Array;
}

/** The finished ranges of a list. */
export class AddressRanges {
  readonly #v4: Family;
  readonly #v6: Family;

  /** Do not call directly: use {@link AddressRangesBuilder}. */
  constructor(v4: Family, v6: Family) {
    this.#v4 = v4;
    this.#v6 = v6;
  }

  /** The number of IPv4 ranges, without those inside others. */
  get ipv4Count(): number {
    return this.#v4.lines.length;
  }

  /** The number of IPv6 ranges, without those inside others. */
  get ipv6Count(): number {
    return this.#v6.lines.length;
  }

  /** Bytes of memory. */
  get byteLength(): number {
    return 12 * this.ipv4Count + 36 * this.ipv6Count;
  }

  /**
   * Finds the range that contains an address.
   *
   * @param address 4 or 16 bytes.
   * @returns The index of the range, or -1.
   */
  find(address: Uint8Array): number {
    const bytes = unmapIpv4(address);
    if (bytes.length === 4) return findWord(this.#v4, word(bytes, 0));
    for (let i = 0; i < 4; i++) KEY[i] = word(bytes, 4 * i);
    const index = findKey(this.#v6);
    return index < 0 ? index : this.ipv4Count + index;
  }

  /** Returns a range by its index. */
  entry(index: number): AddressRange {
    return index < this.ipv4Count
      ? rangeAt(this.#v4, index)
      : rangeAt(this.#v6, index - this.ipv4Count);
  }

  /** Yields every range in order, IPv4 first. */
  *entries(): Generator<AddressRange> {
    for (let i = 0; i < this.ipv4Count + this.ipv6Count; i++) {
      yield this.entry(i);
    }
  }
}

/** The IPv6 address that is being looked up. */
const KEY = new Uint32Array(4);

function findWord({ from, to }: Family, key: number): number {
  let low = 0;
  let high = from.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (from[middle]! <= key) low = middle + 1;
    else high = middle;
  }
  return low > 0 && key <= to[low - 1]! ? low - 1 : -1;
}

function findKey({ from, to, lines }: Family): number {
  let low = 0;
  let high = lines.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (compare(from, middle * 4, KEY, 0, 4) <= 0) low = middle + 1;
    else high = middle;
  }
  return low > 0 && compare(to, low * 4 - 4, KEY, 0, 4) >= 0 ? low - 1 : -1;
}

function rangeAt({ stride, from, to, lines }: Family, i: number): AddressRange {
  return {
    from: bytesAt(from, i * stride, stride),
    to: bytesAt(to, i * stride, stride),
    line: lines[i]!,
  };
}

/**
 * Sorts ranges, drops those inside others, and cuts overlaps, so that each
 * remaining range has its own line.
 */
function sorted(
  stride: 1 | 4,
  from: Uint32Array,
  to: Uint32Array,
  lines: Uint32Array,
): Family {
  const order = sortedOrder(stride, from, lines.length);
  const out = {
    from: new Uint32Array(from.length),
    to: new Uint32Array(to.length),
    lines: new Uint32Array(lines.length),
  };
  let count = 0;
  for (const index of order) {
    const start = index * stride;
    const place = count * stride;
    const last = place - stride;
    const overlaps = count > 0 &&
      compare(out.to, last, from, start, stride) >= 0;
    if (overlaps && compare(to, start, out.to, last, stride) <= 0) continue;
    for (let i = 0; i < stride; i++) {
      out.from[place + i] = overlaps ? out.to[last + i]! : from[start + i]!;
      out.to[place + i] = to[start + i]!;
    }
    if (overlaps) increment(out.from, place, stride);
    out.lines[count++] = lines[index]!;
  }
  return {
    stride,
    from: out.from.slice(0, count * stride),
    to: out.to.slice(0, count * stride),
    lines: out.lines.slice(0, count),
  };
}

/** Returns the indices of the ranges, ordered by their first addresses. */
function sortedOrder(
  stride: 1 | 4,
  from: Uint32Array,
  count: number,
): Uint32Array {
  const keys = new Float64Array(count);
  for (let i = 0; i < count; i++) {
    keys[i] = from[i * stride]! * INDEX_UNIT + i;
  }
  keys.sort();
  const order = Uint32Array.from(keys, (key) => key % INDEX_UNIT);
  if (stride === 1) return order;
  // The keys contain only the first of four words.
  for (let start = 0; start < count;) {
    let end = start + 1;
    const first = from[order[start]! * 4];
    while (end < count && from[order[end]! * 4] === first) end++;
    if (end - start > 1) {
      order.subarray(start, end).sort((a, b) =>
        compare(from, a * 4, from, b * 4, 4) || a - b
      );
    }
    start = end;
  }
  return order;
}

/**
 * @returns A number below, equal to or above 0, by the order of the addresses.
 */
function compare(
  a: Uint32Array,
  i: number,
  b: Uint32Array,
  j: number,
  stride: 1 | 4,
): number {
  for (let k = 0; k < stride; k++) {
    const difference = a[i + k]! - b[j + k]!;
    if (difference !== 0) return difference;
  }
  return 0;
}

/** The highest address does not occur, since no range can follow it. */
function increment(words: Uint32Array, at: number, stride: number): void {
  let i = at + stride - 1;
  while (++words[i]! === 0x1_0000_0000 && i > at) i--;
}

function word(bytes: Uint8Array, at: number): number {
  return ((bytes[at]! << 24) | (bytes[at + 1]! << 16) |
    (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0;
}

function bytesAt(words: Uint32Array, at: number, stride: 1 | 4): Uint8Array {
  const bytes = new Uint8Array(4 * stride);
  for (let i = 0; i < stride; i++) {
    const value = words[at + i]!;
    bytes[4 * i] = value >>> 24;
    bytes[4 * i + 1] = value >>> 16;
    bytes[4 * i + 2] = value >>> 8;
    bytes[4 * i + 3] = value;
  }
  return bytes;
}
