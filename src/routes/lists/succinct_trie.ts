/**
 * The name format of sing-box and mihomo: a trie of reversed names in
 * breadth-first order, as bits.
 *
 * ```text
 * leaves  a bit for each node: a name ends here
 * bitmap  for each node a 0 for each child, then a 1
 * labels  a byte for each 0 of the bitmap
 * ```
 *
 * Bit i is bit (i mod 64) of word i / 64; a word has 8 bytes, the highest
 * first.
 *
 * @module
 */
import {
  MAX_LIST_ENTRIES,
  MAX_NAME_LENGTH,
  MAX_TRIE_LABELS,
} from "../../limits.ts";
import { listError } from "../list_error.ts";

/** The parts of a trie, borrowed. */
export interface TrieParts {
  /** Words of 8 bytes. */
  readonly leaves: Uint8Array;
  /** Words of 8 bytes. */
  readonly bitmap: Uint8Array;
  /** One byte for each child. */
  readonly labels: Uint8Array;
}

/**
 * Yields the names of a trie, in its order. A name that is too long is yielded
 * as "".
 *
 * @throws {ConfigError} `ERR_ROUTE_LIST` if the parts are inconsistent.
 */
export function* trieNames(
  { leaves, bitmap, labels }: TrieParts,
): Generator<string> {
  if (labels.length > MAX_TRIE_LABELS) {
    throw listError(`its names have more than ${MAX_TRIE_LABELS} parts`);
  }
  const parents = parentsOf(bitmap, labels.length);
  // Names have at most two more bytes: a mark before the name.
  const text = new Uint8Array(MAX_NAME_LENGTH + 2);
  let count = 0;
  for (let node = 0; node <= labels.length; node++) {
    if (!bitAt(leaves, node)) continue;
    if (++count > MAX_LIST_ENTRIES) {
      throw listError(`it has more than ${MAX_LIST_ENTRIES} entries`);
    }
    let length = 0;
    let at = node;
    while (at > 0 && length < text.length) {
      text[length++] = labels[at - 1]!;
      at = parents[at]!;
    }
    yield at > 0 ? "" : decode(text.subarray(0, length));
  }
}

/** Returns the parent of each node, which always comes before it. */
function parentsOf(bitmap: Uint8Array, labelCount: number): Uint32Array {
  const parents = new Uint32Array(labelCount + 1);
  const bits = bitmap.length * 8;
  let node = 0;
  let child = 0;
  for (let bit = 0; bit < bits && node <= labelCount; bit++) {
    if (bitAt(bitmap, bit)) node++;
    else {
      // The last word is padded with zeros.
      if (++child > labelCount) break;
      if (child <= node) throw listError("its names form a circle");
      parents[child] = node;
    }
  }
  if (child < labelCount) throw listError("its names are incomplete");
  return parents;
}

function bitAt(words: Uint8Array, bit: number): boolean {
  const byte = (bit >>> 6) * 8 + 7 - ((bit & 63) >>> 3);
  return byte < words.length && (words[byte]! >>> (bit & 7) & 1) === 1;
}

function decode(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) {
    if (byte > 0x7f) return UTF8.decode(bytes);
    text += String.fromCharCode(byte);
  }
  return text;
}

const UTF8 = new TextDecoder();
