/**
 * Made-up addresses for names. A program that resolves a name gets an address
 * from a range that no host uses, and connects to it. The local replaces the
 * address by the name, which the server resolves.
 *
 * The n-th name has the n-th address of the IPv4 range and of the IPv6 range.
 *
 * @module
 */
import { MAX_FAKE_NAMES } from "../../limits.ts";
import { type CidrBlock, contains } from "../../security/target_policy.ts";

/** The ranges that addresses are taken from. */
export interface FakeRanges {
  /** A block of IPv4 addresses. */
  readonly ipv4: CidrBlock;
  /** A block of IPv6 addresses. */
  readonly ipv6: CidrBlock;
}

/** A name and the number of its address. */
export type FakeEntry = readonly [name: string, index: number];

/**
 * A bounded table of names. If every address is taken, a new name gets the
 * address of the name that was least recently resolved or connected to.
 */
export class FakeIps {
  readonly #ranges: FakeRanges;
  readonly #capacity: number;
  /** Numbers by name; the least recently used name comes first. */
  readonly #indices = new Map<string, number>();
  readonly #names: (string | undefined)[] = [];
  /** All numbers below it are taken. */
  #next = 0;

  /**
   * Restores names.
   *
   * @param entries Entries in the order of {@link FakeIps.entries}; those that
   * do not fit are left out.
   */
  constructor(ranges: FakeRanges, entries: Iterable<FakeEntry> = []) {
    this.#ranges = { ipv4: masked(ranges.ipv4), ipv6: masked(ranges.ipv6) };
    this.#capacity = Math.min(
      MAX_FAKE_NAMES,
      sizeOf(ranges.ipv4),
      sizeOf(ranges.ipv6),
    );
    for (const [name, index] of entries) {
      const isFree = index < this.#capacity && !this.#indices.has(name) &&
        this.#names[index] === undefined;
      if (isFree) this.#give(name, index);
    }
  }

  /** Every name with its number; the least recently used name comes first. */
  get entries(): Iterable<FakeEntry> {
    return this.#indices.entries();
  }

  /** The number of names with an address. */
  get size(): number {
    return this.#indices.size;
  }

  /** True if an address of 4 or 16 bytes is within one of the ranges. */
  has(address: Uint8Array): boolean {
    const { ipv4, ipv6 } = this.#ranges;
    return contains(ipv4, address) || contains(ipv6, address);
  }

  /** Returns the address of a name, which gets one if it has none. */
  addressOf(name: string, family: keyof FakeRanges): Uint8Array {
    const known = this.#indices.get(name);
    this.#indices.delete(name);
    const index = known ?? this.#free();
    this.#give(name, index);
    return plus(this.#ranges[family].prefix, index + FIRST);
  }

  /** Returns the name of an address in the ranges, if it has one. */
  nameOf(address: Uint8Array): string | undefined {
    const { ipv4, ipv6 } = this.#ranges;
    const { prefix } = address.length === 4 ? ipv4 : ipv6;
    const name = this.#names[minus(address, prefix) - FIRST];
    if (name === undefined) return undefined;
    const index = this.#indices.get(name)!;
    this.#indices.delete(name);
    this.#indices.set(name, index);
    return name;
  }

  #free(): number {
    for (; this.#next < this.#capacity; this.#next++) {
      if (this.#names[this.#next] === undefined) return this.#next;
    }
    const [[name, index]] = this.#indices as unknown as [[string, number]];
    this.#indices.delete(name);
    return index;
  }

  #give(name: string, index: number): void {
    this.#names[index] = name;
    this.#indices.set(name, index);
  }
}

/** The first address of a range identifies the range and no host. */
const FIRST = 1;

/** Returns the number of addresses without the first and the last one. */
function sizeOf({ prefix, bits }: CidrBlock): number {
  return 2 ** (prefix.length * 8 - bits) - FIRST - 1;
}

/** Returns the block with all bits after the prefix cleared. */
function masked({ prefix, bits }: CidrBlock): CidrBlock {
  const mask = (i: number): number =>
    0xff00 >>> Math.min(8, Math.max(0, bits - i * 8)) & 0xff;
  return { prefix: prefix.map((byte, i) => byte & mask(i)), bits };
}

/** Returns the address that is `n` after another one. */
function plus(prefix: Uint8Array, n: number): Uint8Array {
  const address = prefix.slice();
  const view = new DataView(address.buffer);
  const last = address.length - 4;
  view.setUint32(last, view.getUint32(last) + n);
  return address;
}

/**
 * Returns the distance between two addresses of a range, by their low 32 bits.
 */
function minus(address: Uint8Array, prefix: Uint8Array): number {
  const low = (bytes: Uint8Array): number =>
    new DataView(bytes.buffer, bytes.byteOffset + bytes.length - 4).getUint32(
      0,
    );
  const isNear = address.length === 4 ||
    address.subarray(0, 12).every((byte, i) => byte === prefix[i]);
  return isNear ? low(address) - low(prefix) : -1;
}
