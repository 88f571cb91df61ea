/**
 * Small helpers for tests about bytes.
 *
 * @module
 */

/** Parses hex. */
export function hex(text: string): Uint8Array {
  return Uint8Array.fromHex(text);
}

/** Encodes text as UTF-8. */
export function utf8(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

/** Returns bytes that look random and depend only on the seed. */
export function seededBytes(length: number, seed = 1): Uint8Array {
  const next = seededRandom(seed);
  return Uint8Array.from({ length }, () => next() & 0xff);
}

/** A small deterministic generator of 32-bit integers (mulberry32). */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return (t ^ (t >>> 14)) >>> 0;
  };
}

/** Returns the same bytes in a view that does not start with its buffer. */
export function unaligned(bytes: Uint8Array, offset = 3): Uint8Array {
  const buffer = new Uint8Array(bytes.length + offset + 5).fill(0xa5);
  buffer.set(bytes, offset);
  return buffer.subarray(offset, offset + bytes.length);
}

/** Cuts bytes at random places that depend only on the seed. */
export function randomSplit(bytes: Uint8Array, seed: number): Uint8Array[] {
  const next = seededRandom(seed);
  const parts: Uint8Array[] = [];
  for (let at = 0; at < bytes.length;) {
    const size = 1 + next() % Math.max(1, Math.ceil(bytes.length / 4));
    parts.push(bytes.subarray(at, at + size));
    at += size;
  }
  return parts;
}

/** Returns a copy with one inverted bit. */
export function flipBit(bytes: Uint8Array, bit: number): Uint8Array {
  const copy = bytes.slice();
  copy[bit >>> 3]! ^= 1 << (bit & 7);
  return copy;
}
