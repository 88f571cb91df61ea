/**
 * Checksums, which detect accidents but not attacks.
 *
 * Source: ISO 3309 (CRC-32, reflected, polynomial 0xEDB88320); RFC 3720 §B.4
 * (CRC-32C, 0x82F63B78); RFC 1950 §8.2 (Adler-32).
 *
 * @module
 */

const CRC_TABLE = crcTable(0xedb88320);
const CRC32C_TABLE = crcTable(0x82f63b78);

function crcTable(polynomial: number): Uint32Array {
  return Uint32Array.from({ length: 256 }, (_, byte) => {
    let value = byte;
    for (let bit = 0; bit < 8; bit++) {
      value = value & 1 ? (value >>> 1) ^ polynomial : value >>> 1;
    }
    return value;
  });
}

/** The CRC-32 of bytes and their own inverted CRC, complemented. */
export const CRC32_INITIAL = 0xffffffff;

/**
 * Continues a CRC-32.
 *
 * @param state {@link CRC32_INITIAL}, or the state after the previous byte.
 * @returns The next state, 32 bits unsigned; its complement is the CRC.
 */
export function crc32Step(state: number, byte: number): number {
  return (CRC_TABLE[(state ^ byte) & 0xff]! ^ (state >>> 8)) >>> 0;
}

/** Computes the CRC-32 of bytes, 32 bits unsigned. */
export function crc32(bytes: Uint8Array): number {
  let state = CRC32_INITIAL;
  for (const byte of bytes) state = crc32Step(state, byte);
  return ~state >>> 0;
}

/** Computes the CRC-32C of bytes (Castagnoli), 32 bits unsigned. */
export function crc32c(bytes: Uint8Array): number {
  let state = CRC32_INITIAL;
  for (const byte of bytes) {
    state = (CRC32C_TABLE[(state ^ byte) & 0xff]! ^ (state >>> 8)) >>> 0;
  }
  return ~state >>> 0;
}

/** Computes the Adler-32 of bytes, 32 bits unsigned. */
export function adler32(bytes: Uint8Array): number {
  let low = 1;
  let high = 0;
  for (let i = 0; i < bytes.length;) {
    // The sums stay below 2^32 for this number of bytes.
    const end = Math.min(i + 5_552, bytes.length);
    for (; i < end; i++) {
      low += bytes[i]!;
      high += low;
    }
    low %= 65_521;
    high %= 65_521;
  }
  return ((high << 16) | low) >>> 0;
}
