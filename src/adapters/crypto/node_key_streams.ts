/**
 * Key streams with the runtime's `node:crypto`.
 *
 * The runtimes support different ciphers: Deno has CTR of 128 and 256 bits and
 * ChaCha20, Bun most of AES, RC4 and Blowfish. A missing CFB is computed from
 * CBC and ECB.
 *
 * @module
 */
import {
  type Cipheriv,
  createCipheriv,
  createDecipheriv,
  type Decipheriv,
} from "node:crypto";
import process from "node:process";
import { checkOutput } from "../../crypto/aead.ts";
import {
  counterEnded,
  type KeyStream,
  type KeyStreamAlgorithm,
  type KeyStreamDirection,
  type KeyStreamMethod,
  type KeyStreamProvider,
} from "../../crypto/key_stream.ts";
import { afterCounter, xchachaKey } from "../../crypto/key_streams/arx.ts";
import { rc4Key } from "../../crypto/key_streams/rc4.ts";
import { MAX_ARX_BLOCKS } from "../../limits.ts";

/** Key streams with `node:crypto`. */
export function nodeKeyStreams(): KeyStreamProvider {
  return new NodeKeyStreams();
}

/**
 * Algorithms that neither runtime has, and that cannot be computed from others.
 */
const ABSENT: readonly KeyStreamAlgorithm[] = [
  ...["salsa20", "xsalsa20", "table", "none"] as const,
];

class NodeKeyStreams implements KeyStreamProvider {
  readonly name = "node";
  readonly version = process.versions["openssl"] ?? process.version;
  /** The reasons why methods cannot be computed, by name. */
  readonly #lacks = new Map<string, string | undefined>();

  lacks(method: KeyStreamMethod): string | undefined {
    const { name } = method;
    if (!this.#lacks.has(name)) this.#lacks.set(name, this.#try(method));
    return this.#lacks.get(name);
  }

  keyStream(
    method: KeyStreamMethod,
    key: Uint8Array,
    iv: Uint8Array,
    direction: KeyStreamDirection,
  ): KeyStream {
    const { algorithm, keyLength } = method;
    switch (algorithm) {
      case "rc4":
      case "rc4-md5":
        return native("rc4", rc4Key(method, key, iv), null, direction);
      case "chacha20":
      case "chacha20-ietf":
        return native("chacha20", key, afterCounter(iv), direction);
      case "xchacha20": {
        const rest = afterCounter(iv.subarray(16));
        return native("chacha20", xchachaKey(key, iv), rest, direction);
      }
      default:
        break;
    }
    const cipher = /^(aes|camellia)-/.test(algorithm)
      ? algorithm.replace("-", `-${keyLength * 8}-`)
      : algorithm;
    return algorithm === "aes-cfb" && !has(cipher, key, iv)
      ? new BlockKeyStream(key, iv, direction)
      : native(cipher, key, iv, direction);
  }

  /** Tries the cipher: the runtimes' lists of ciphers are wrong in places. */
  #try(method: KeyStreamMethod): string | undefined {
    const { name, algorithm, keyLength, ivLength } = method;
    const absent = `${name} is not part of this runtime's node:crypto`;
    if (ABSENT.includes(algorithm)) return absent;
    for (const direction of ["encrypt", "decrypt"] as const) {
      try {
        const key = new Uint8Array(keyLength);
        const iv = new Uint8Array(ivLength);
        this.keyStream(method, key, iv, direction).free();
      } catch {
        return absent;
      }
    }
    return undefined;
  }
}

function native(
  name: string,
  key: Uint8Array,
  iv: Uint8Array | null,
  direction: KeyStreamDirection,
): KeyStream {
  const make = direction === "encrypt" ? createCipheriv : createDecipheriv;
  // No runtime documents what follows when the 32 bits of the counter are used
  // up.
  const maxBytes = name === "chacha20" ? MAX_ARX_BLOCKS * 64 : Infinity;
  return new NodeKeyStream(make(name, key, iv), maxBytes);
}

/** Ciphers that were tried; a missing cipher stays missing. */
const FOUND = new Map<string, boolean>();

function has(name: string, key: Uint8Array, iv: Uint8Array): boolean {
  const known = FOUND.get(name);
  if (known !== undefined) return known;
  let found = true;
  try {
    createCipheriv(name, key, iv).final();
  } catch {
    found = false;
  }
  FOUND.set(name, found);
  return found;
}

/** A key stream whose cipher keeps the position. */
class NodeKeyStream implements KeyStream {
  #cipher: Cipheriv | Decipheriv | undefined;
  #leftBytes: number;

  constructor(cipher: Cipheriv | Decipheriv, maxBytes: number) {
    this.#cipher = cipher;
    this.#leftBytes = maxBytes;
  }

  apply(input: Uint8Array, out: Uint8Array): void {
    checkOutput(out, input.length);
    if (this.#cipher === undefined) throw freed();
    this.#leftBytes -= input.length;
    if (this.#leftBytes < 0) throw counterEnded();
    out.set(this.#cipher.update(input));
  }

  free(): void {
    // Deno frees a cipher only after `final()`.
    this.#cipher?.final();
    this.#cipher = undefined;
  }
}

const BLOCK = 16;

/**
 * CFB from CBC and ECB. A block of key stream is the encryption of the
 * preceding block of ciphertext, and the first is the encryption of the IV. For
 * encryption, CBC with a zero IV over IV and plaintext gives the ciphertext,
 * because it combines each block of plaintext with that block of key stream.
 * For decryption, ECB over IV and ciphertext gives the key stream. The input
 * may arrive in any pieces: an incomplete block waits inside the cipher.
 */
class BlockKeyStream implements KeyStream {
  #cipher: Cipheriv | undefined;
  /** The present block of key stream. */
  readonly #block: Uint8Array;
  #used = 0;

  constructor(key: Uint8Array, iv: Uint8Array, direction: KeyStreamDirection) {
    const bits = key.length * 8;
    const cipher = direction === "encrypt"
      ? createCipheriv(`aes-${bits}-cbc`, key, new Uint8Array(BLOCK))
      : createCipheriv(`aes-${bits}-ecb`, key, null);
    cipher.setAutoPadding(false);
    this.#cipher = cipher;
    this.#block = Uint8Array.from(cipher.update(iv));
  }

  apply(input: Uint8Array, out: Uint8Array): void {
    checkOutput(out, input.length);
    if (this.#cipher === undefined) throw freed();
    const next = this.#cipher.update(input);
    const first = Math.min(input.length, BLOCK - this.#used);
    for (let at = 0; at < first; at++) {
      out[at] = input[at]! ^ this.#block[this.#used + at]!;
    }
    for (let at = first; at < input.length; at++) {
      out[at] = input[at]! ^ next[at - first]!;
    }
    if (next.length > 0) this.#block.set(next.subarray(-BLOCK));
    this.#used = (this.#used + input.length) % BLOCK;
  }

  free(): void {
    // Deno frees a cipher only after `final()`, which needs whole blocks.
    if (this.#used > 0) {
      this.#cipher?.update(new Uint8Array(BLOCK - this.#used));
    }
    this.#cipher?.final();
    this.#cipher = undefined;
    this.#block.fill(0);
  }
}

function freed(): TypeError {
  return new TypeError("Cannot encrypt or decrypt: the key stream was freed");
}
