/**
 * Encodes names as the trie of `.srs` and `.mrs` files, for tests: the inverse
 * of the reader.
 *
 * @module
 */
import { concat } from "../../src/bytes.ts";

/**
 * Returns `01`, then leaves, bitmap and labels, each behind its count of 8
 * bytes.
 */
export function encodeTrie(names: readonly string[]): Uint8Array {
  interface Node {
    isLeaf: boolean;
    readonly children: Map<string, Node>;
  }
  const node = (): Node => ({ isLeaf: false, children: new Map() });
  const root = node();
  for (const name of names) {
    let at = root;
    for (const letter of [...name].reverse()) {
      if (!at.children.has(letter)) at.children.set(letter, node());
      at = at.children.get(letter)!;
    }
    at.isLeaf = true;
  }
  const queue = [root];
  const bitmap: boolean[] = [];
  let labels = "";
  for (const { children } of queue) {
    for (const [letter, child] of [...children].sort()) {
      labels += letter;
      queue.push(child);
      bitmap.push(false);
    }
    bitmap.push(true);
  }
  const leaves = words(queue.map(({ isLeaf }) => isLeaf));
  return concat(
    Uint8Array.of(1),
    ...[count(leaves.length / 8), leaves, count(words(bitmap).length / 8)],
    ...[words(bitmap), count(labels.length), new TextEncoder().encode(labels)],
  );
}

/** Returns bits in words of 8 bytes, the highest byte first. */
function words(bits: readonly boolean[]): Uint8Array {
  const bytes = new Uint8Array(Math.ceil(bits.length / 64) * 8);
  for (const [i, bit] of bits.entries()) {
    const byte = (i >>> 6) * 8 + 7 - ((i & 63) >>> 3);
    if (bit) bytes[byte]! |= 1 << (i & 7);
  }
  return bytes;
}

function count(value: number): Uint8Array {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setUint32(4, value);
  return bytes;
}
