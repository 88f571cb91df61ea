/**
 * HKDF-SHA1 with the SHA-1 of libcrypto, in one call for each digest. On both
 * runtimes it is several times as fast as `node:crypto`.
 *
 * All texts of this HKDF are shorter than a block, so that each digest is that
 * of two blocks: the padded key of HMAC, and the text with the padding of SHA-1.
 * `SHA1_Update` processes whole blocks at once, and the digest is then in the
 * first five words of its context.
 *
 * Source: RFC 5869; RFC 2104; FIPS 180-4 §5.1.1, §6.1.
 *
 * @module
 */
import type { ForeignFunction, Signature } from "./_library.ts";

type Sha1Name = "SHA1_Init" | "SHA1_Update";

/** The needed symbols of libcrypto. */
export const SHA1_SYMBOLS: Readonly<Record<Sha1Name, Signature>> = {
  "SHA1_Init": { parameters: ["buffer"], result: "i32" },
  "SHA1_Update": {
    // context, data, length
    parameters: ["buffer", "buffer", "u32"],
    result: "i32",
  },
};

/** The functions of libcrypto. */
export type Sha1Functions = Readonly<Record<Sha1Name, ForeignFunction>>;

/** Length of a digest in bytes. */
const DIGEST = 20;

/** Length of a block in bytes; a longer HMAC key would be hashed first. */
const BLOCK = 64;

/** Room for `SHA_CTX` in bytes; its length is 96 on every system. */
const CONTEXT = 128;

const INFO = new TextEncoder().encode("ss-subkey");

// Used by one call at a time, and cleared at the end of each call.
const CONTEXT_BYTES = new Uint8Array(CONTEXT);
/** The context in words; the first five are the digest. */
const WORDS = new Uint32Array(CONTEXT_BYTES.buffer);
const BLOCKS = new Uint8Array(2 * BLOCK);
const BLOCK_WORDS = new Uint32Array(BLOCKS.buffer);
const INNER = new Uint8Array(DIGEST);
const PRK = new Uint8Array(DIGEST);
/** `T(1) | info | 2`. */
const EXPAND = new Uint8Array(DIGEST + INFO.length + 1);
/** `info | 1`. */
const FIRST: Uint8Array = new Uint8Array(EXPAND.buffer, DIGEST);
const OUTPUT = new Uint8Array(2 * DIGEST);
const OUTPUTS: readonly Uint8Array[] = [
  new Uint8Array(OUTPUT.buffer, 0, DIGEST),
  new Uint8Array(OUTPUT.buffer, DIGEST),
];
EXPAND.set(INFO, DIGEST);

/**
 * Returns an implementation of `AeadProvider.deriveSubkey`.
 *
 * @param functions The functions of the loaded library.
 */
export function libcryptoSubkey(
  functions: Sha1Functions,
): (masterKey: Uint8Array, salt: Uint8Array) => Uint8Array {
  const update = functions["SHA1_Update"];
  const start = new Uint32Array(CONTEXT / 4);
  if (functions["SHA1_Init"](new Uint8Array(start.buffer)) !== 1) {
    throw new Error(FAILED);
  }

  /**
   * Loops over words are several times as fast as `fill()` and `set()` of short
   * arrays.
   *
   * @param text At most 55 bytes.
   */
  function digest(
    pad: number,
    key: Uint8Array,
    text: Uint8Array,
    out: Uint8Array,
  ): void {
    for (let i = 0; i < BLOCK / 4; i++) {
      BLOCK_WORDS[i] = pad;
      BLOCK_WORDS[i + BLOCK / 4] = 0;
    }
    for (let i = 0; i < key.length; i++) BLOCKS[i]! ^= key[i]!;
    for (let i = 0; i < text.length; i++) BLOCKS[BLOCK + i] = text[i]!;
    BLOCKS[BLOCK + text.length] = 0x80;
    const bits = 8 * (BLOCK + text.length);
    BLOCKS[2 * BLOCK - 2] = bits >>> 8;
    BLOCKS[2 * BLOCK - 1] = bits;
    for (let i = 0; i < CONTEXT / 4; i++) WORDS[i] = start[i]!;
    if (update(CONTEXT_BYTES, BLOCKS, 2 * BLOCK) !== 1) throw new Error(FAILED);
    for (let i = 0; i < DIGEST; i++) {
      out[i] = WORDS[i >> 2]! >>> (24 - 8 * (i & 3));
    }
  }

  function hmac(key: Uint8Array, text: Uint8Array, out: Uint8Array): void {
    digest(0x36363636, key, text, INNER);
    digest(0x5c5c5c5c, key, INNER, out);
  }

  return (masterKey, salt): Uint8Array => {
    hmac(salt, masterKey, PRK);
    EXPAND[EXPAND.length - 1] = 1;
    hmac(PRK, FIRST, OUTPUTS[0]!);
    if (masterKey.length > DIGEST) {
      EXPAND.set(OUTPUTS[0]!);
      EXPAND[EXPAND.length - 1] = 2;
      hmac(PRK, EXPAND, OUTPUTS[1]!);
    }
    const subkey = new Uint8Array(masterKey.length);
    for (let i = 0; i < subkey.length; i++) subkey[i] = OUTPUT[i]!;
    WORDS.fill(0);
    BLOCK_WORDS.fill(0);
    for (let i = 0; i < DIGEST; i++) {
      INNER[i] =
        PRK[i] =
        EXPAND[i] =
        OUTPUT[i] =
        OUTPUT[DIGEST + i] =
          0;
    }
    return subkey;
  };
}

const FAILED = "Cannot derive a subkey: libcrypto failed";
