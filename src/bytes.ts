/**
 * The few byte operations everything else needs.
 *
 * @module
 */
import { MAX_CUT_BYTES, PIECE_BYTES } from "./limits.ts";

/** What {@link cutBytes} cuts from, and where it goes on. */
let piece: ArrayBuffer = new ArrayBuffer(0);
let cutAt = 0;

/**
 * Zeros for what does not live long, such as a datagram: cut from a larger
 * piece, which lives as long as one of its parts. On Deno an array with memory
 * of its own costs ten times as much.
 */
export function cutBytes(length: number): Uint8Array {
  if (length > MAX_CUT_BYTES) return new Uint8Array(length);
  if (cutAt + length > piece.byteLength) {
    piece = new ArrayBuffer(PIECE_BYTES);
    cutAt = 0;
  }
  const part = new Uint8Array(piece, cutAt, length);
  // The next one begins at a word.
  cutAt += (length + 7) & ~7;
  return part;
}

/** As `subarray()`, which takes both runtimes several times as long. */
export function viewOf(
  bytes: Uint8Array,
  begin: number,
  end: number = bytes.length,
): Uint8Array {
  return new Uint8Array(bytes.buffer, bytes.byteOffset + begin, end - begin);
}

/**
 * Joins byte arrays into one fresh array.
 *
 * @param parts Borrowed, not changed.
 */
export function concat(...parts: Uint8Array[]): Uint8Array {
  let length = 0;
  for (const part of parts) length += part.length;
  const out = new Uint8Array(length);
  let offset = 0;
  for (const part of parts) {
    out.set(part, offset);
    offset += part.length;
  }
  return out;
}

/** Reads two bytes, most significant first. */
export function readU16(bytes: Uint8Array, offset: number): number {
  return (bytes[offset]! << 8) | bytes[offset + 1]!;
}

/** Writes two bytes, most significant first. */
export function writeU16(
  bytes: Uint8Array,
  offset: number,
  value: number,
): void {
  bytes[offset] = value >>> 8;
  bytes[offset + 1] = value & 0xff;
}

/**
 * Compares in a time that depends on the lengths only.
 *
 * Security: leaks whether the lengths are equal; JIT compilers give no
 * guarantee beyond that.
 */
export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  let difference = 0;
  for (let i = 0; i < a.length; i++) difference |= a[i]! ^ b[i]!;
  return difference === 0;
}

/** Characters U+0000 to U+00FF as the bytes of the same number. */
export function toLatin1(text: string): Uint8Array {
  // A loop: a server with a hundred thousand users does this for each of them.
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
}

/**
 * Bytes as the characters of the same number. A `TextDecoder` cannot do this:
 * its "latin1" is windows-1252.
 */
export function fromLatin1(bytes: Uint8Array): string {
  let text = "";
  for (let i = 0; i < bytes.length; i += LATIN1_STEP) {
    const part = bytes.subarray(i, i + LATIN1_STEP);
    // Not spread: that asks an iterator for each byte.
    text += String.fromCharCode.apply(null, part as unknown as number[]);
  }
  return text;
}

/** Arguments of one call; engines bound their number. */
const LATIN1_STEP = 4_096;

/** No bytes. */
export const NOTHING: Uint8Array = new Uint8Array(0);
