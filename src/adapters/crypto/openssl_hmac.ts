/**
 * HMAC with libcrypto's MD5 and SHA-1, called through FFI. A short message
 * takes six calls, and no context is allocated.
 *
 * Source: RFC 2104.
 *
 * @module
 */
import type { HmacProvider, LegacyHash } from "../../crypto/legacy_digest.ts";
import { type ForeignFunction, openFirst, type Signature } from "./_library.ts";
import { SHA1_SYMBOLS } from "./_libcrypto_subkey.ts";
import { LIBRARIES } from "./openssl.ts";

// output, context
const FINAL: Signature = { parameters: ["buffer", "buffer"], result: "i32" };

const SYMBOLS = {
  "MD5_Init": SHA1_SYMBOLS.SHA1_Init,
  "MD5_Update": SHA1_SYMBOLS.SHA1_Update,
  "MD5_Final": FINAL,
  ...SHA1_SYMBOLS,
  "SHA1_Final": FINAL,
};

/** Length of a block in bytes; a longer key would be hashed first. */
const BLOCK = 64;

/**
 * Largest length of data, in bytes, that is copied behind the key to save a
 * call.
 */
const MAX_COPIED = 192;

/** Room for `SHA_CTX` and `MD5_CTX` in bytes; their lengths are 96 and 92. */
const CONTEXT = 128;

/**
 * Loads libcrypto.
 *
 * @param paths Tried in order; default: {@link LIBRARIES}.
 * @throws {Error} If libcrypto is missing or FFI is not permitted; the message
 * names the reason.
 */
export function opensslHmac(
  paths: readonly string[] = LIBRARIES,
): HmacProvider {
  return openFirst(paths, SYMBOLS, (functions) => {
    const hashes = {
      md5: new Hmac(16, {
        init: functions.MD5_Init,
        update: functions.MD5_Update,
        final: functions.MD5_Final,
      }),
      sha1: new Hmac(20, {
        init: functions.SHA1_Init,
        update: functions.SHA1_Update,
        final: functions.SHA1_Final,
      }),
    } satisfies Record<LegacyHash, Hmac>;
    return {
      name: "openssl",
      hmac: (hash, key, data) => hashes[hash].compute(key, data),
    };
  });
}

/** The functions of one hash. */
interface HashFunctions {
  readonly init: ForeignFunction;
  readonly update: ForeignFunction;
  readonly final: ForeignFunction;
}

/**
 * HMAC with one hash. Its working memory is cleared at the end of each call.
 */
class Hmac {
  readonly #length: number;
  readonly #functions: HashFunctions;
  readonly #context = new Uint8Array(CONTEXT);
  readonly #input = new Uint8Array(BLOCK + MAX_COPIED);

  constructor(length: number, functions: HashFunctions) {
    this.#length = length;
    this.#functions = functions;
  }

  /** Returns a new array. */
  compute(key: Uint8Array, data: Uint8Array): Uint8Array {
    const used = key.length > BLOCK ? this.#hash(key) : key;
    const inner = this.#padded(0x36, used, data);
    const mac = this.#padded(0x5c, used, inner);
    this.#input.fill(0);
    this.#context.fill(0);
    return mac;
  }

  #padded(pad: number, key: Uint8Array, data: Uint8Array): Uint8Array {
    const input = this.#input;
    for (let i = 0; i < key.length; i++) input[i] = key[i]! ^ pad;
    input.fill(pad, key.length, BLOCK);
    if (data.length > MAX_COPIED) return this.#hash(input, BLOCK, data);
    input.set(data, BLOCK);
    return this.#hash(input, BLOCK + data.length);
  }

  #hash(
    bytes: Uint8Array,
    length: number = bytes.length,
    more?: Uint8Array,
  ): Uint8Array {
    const { init, update, final } = this.#functions;
    const out = new Uint8Array(this.#length);
    if (
      init(this.#context) !== 1 ||
      update(this.#context, bytes, length) !== 1 ||
      more !== undefined && update(this.#context, more, more.length) !== 1 ||
      final(out, this.#context) !== 1
    ) throw new Error("Cannot compute an HMAC: libcrypto failed");
    return out;
  }
}
