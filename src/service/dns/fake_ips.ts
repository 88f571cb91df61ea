/**
 * Addresses that stand for names: a program that resolves names itself gets one
 * of a range that is nowhere, and connects to it; the local knows which name is
 * meant, and the server resolves it.
 *
 * The n-th name has the n-th address of the IPv4 range and of the IPv6 range.
 *
 * @module
 */
import { MAX_FAKE_NAMES } from "../../limits.ts";
import { type CidrBlock, contains } from "../../security/target_policy.ts";

/** Ranges that addresses are taken from. */
export interface FakeRanges {
  /** 4 bytes. */
  readonly ipv4: CidrBlock;
  /** 16 bytes. */
  readonly ipv6: CidrBlock;
}

/** A name and the number of its address. */
export type FakeEntry = readonly [name: string, index: number];

/**
 * Bounded: when every address has a name, the name that was asked for or
 * connected to the longest ago gives its address up.
 */
export class FakeIps {
  readonly #ranges: FakeRanges;
  readonly #capacity: number;
  /** Numbers by name, the one that was used the longest ago first. */
  readonly #indices = new Map<string, number>();
  readonly #names: (string | undefined)[] = [];
  /** No number below it is free. */
  #next = 0;

  /**
   * Takes the names of the past over.
   *
   * @param entries Of the past, in the order of {@link FakeIps.entries}; those
   * that do not fit are left out.
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

  /** Every name with its number, the one used the longest ago first. */
  get entries(): Iterable<FakeEntry> {
    return this.#indices.entries();
  }

  /** The number of names with an address. */
  get size(): number {
    return this.#indices.size;
  }

  /** True if an address, 4 or 16 bytes, is of one of the ranges. */
  has(address: Uint8Array): boolean {
    const { ipv4, ipv6 } = this.#ranges;
    return contains(ipv4, address) || contains(ipv6, address);
  }

  /** The address of a name, which has one from now on. */
  addressOf(name: string, family: keyof FakeRanges): Uint8Array {
    const known = this.#indices.get(name);
    this.#indices.delete(name);
    const index = known ?? this.#free();
    this.#give(name, index);
    return plus(this.#ranges[family].prefix, index + FIRST);
  }

  /** The name of an address of the ranges, if one has it. */
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

/** The address of all zeros behind the prefix names the range, no host. */
const FIRST = 1;

/** Addresses of a range that can be given, all ones left out. */
function sizeOf({ prefix, bits }: CidrBlock): number {
  return 2 ** (prefix.length * 8 - bits) - FIRST - 1;
}

/** The block with nothing behind the bits that count. */
function masked({ prefix, bits }: CidrBlock): CidrBlock {
  const mask = (i: number): number =>
    0xff00 >>> Math.min(8, Math.max(0, bits - i * 8)) & 0xff;
  return { prefix: prefix.map((byte, i) => byte & mask(i)), bits };
}

/** An address so many behind another one. */
function plus(prefix: Uint8Array, n: number): Uint8Array {
  const address = prefix.slice();
  const view = new DataView(address.buffer);
  const last = address.length - 4;
  view.setUint32(last, view.getUint32(last) + n);
  return address;
}

/** The distance of two addresses of a range; the low 32 bits count. */
function minus(address: Uint8Array, prefix: Uint8Array): number {
  const low = (bytes: Uint8Array): number =>
    new DataView(bytes.buffer, bytes.byteOffset + bytes.length - 4).getUint32(
      0,
    );
  const isNear = address.length === 4 ||
    address.subarray(0, 12).every((byte, i) => byte === prefix[i]);
  return isNear ? low(address) - low(prefix) : -1;
}
