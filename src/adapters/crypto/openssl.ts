/**
 * AEADs with the system's OpenSSL (1.1 or 3), called through FFI.
 *
 * Source: OpenSSL manual, EVP_EncryptInit(3), "AEAD Interface". Does not:
 * support XChaCha20-Poly1305, which libcrypto does not have.
 *
 * @module
 */
import { viewOf } from "../../bytes.ts";
import {
  type Aead,
  type AeadProvider,
  checkOutput,
} from "../../crypto/aead.ts";
import type { AeadMethod } from "../../crypto/method.ts";
import { MAX_FREE_CONTEXTS, TAG_LENGTH } from "../../limits.ts";
import { libcryptoSubkey, SHA1_SYMBOLS } from "./_libcrypto_subkey.ts";
import {
  type ForeignFunction,
  openFirst,
  type Pointer,
  type Signature,
} from "./_library.ts";

/**
 * Loads libcrypto.
 *
 * @param paths Tried in order; default: the paths of distributions and
 * Homebrew, then the system's loader.
 * @throws {Error} If libcrypto or a function is missing, or FFI is not
 * permitted; the message names the reason.
 */
export function opensslProvider(
  paths: readonly string[] = LIBRARIES,
): AeadProvider {
  return openFirst(
    paths,
    SYMBOLS,
    (functions, path) => new OpensslProvider(path, functions),
  );
}

const POINTER_RESULT: Signature = { parameters: [], result: "pointer" };
const INIT: Signature = {
  // context, cipher, engine, key, nonce
  parameters: ["pointer", "pointer", "pointer", "buffer", "buffer"],
  result: "i32",
};
const UPDATE: Signature = {
  // context, output, output length, input, input length
  parameters: ["pointer", "buffer", "buffer", "buffer", "i32"],
  result: "i32",
};
const FINAL: Signature = {
  // context, output, output length
  parameters: ["pointer", "buffer", "buffer"],
  result: "i32",
};

const SYMBOLS = {
  OpenSSL_version_num: { parameters: [], result: "u32" },
  EVP_aes_128_gcm: POINTER_RESULT,
  EVP_aes_192_gcm: POINTER_RESULT,
  EVP_aes_256_gcm: POINTER_RESULT,
  EVP_chacha20_poly1305: POINTER_RESULT,
  EVP_CIPHER_CTX_new: POINTER_RESULT,
  EVP_CIPHER_CTX_free: { parameters: ["pointer"], result: "void" },
  // context, command, length, data
  EVP_CIPHER_CTX_ctrl: {
    parameters: ["pointer", "i32", "i32", "buffer"],
    result: "i32",
  },
  EVP_EncryptInit_ex: INIT,
  EVP_EncryptUpdate: UPDATE,
  EVP_EncryptFinal_ex: FINAL,
  EVP_DecryptInit_ex: INIT,
  EVP_DecryptUpdate: UPDATE,
  EVP_DecryptFinal_ex: FINAL,
  ...SHA1_SYMBOLS,
} satisfies Record<string, Signature>;

type Functions = Record<keyof typeof SYMBOLS, ForeignFunction>;

/** `EVP_CTRL_AEAD_GET_TAG` and `EVP_CTRL_AEAD_SET_TAG` of openssl/evp.h. */
const GET_TAG = 0x10;
const SET_TAG = 0x11;

class OpensslProvider implements AeadProvider {
  readonly name = "openssl";
  readonly version: string;
  readonly deriveSubkey: (key: Uint8Array, salt: Uint8Array) => Uint8Array;
  readonly #functions: Functions;
  /** By the function that returns the cipher. */
  readonly #ciphers = new Map<ForeignFunction, Cipher>();

  constructor(path: string, functions: Functions) {
    this.#functions = functions;
    this.deriveSubkey = libcryptoSubkey(functions);
    this.version = opensslVersion(functions.OpenSSL_version_num, path);
  }

  supports({ algorithm }: AeadMethod): boolean {
    return algorithm !== "xchacha20-poly1305";
  }

  aead(method: AeadMethod, subkey: Uint8Array): Aead {
    const find = this.#finder(method);
    let cipher = this.#ciphers.get(find);
    if (cipher === undefined) {
      cipher = new Cipher(this.#functions, find() as Pointer);
      this.#ciphers.set(find, cipher);
    }
    return new OpensslAead(cipher, subkey);
  }

  #finder({ algorithm, keyLength }: AeadMethod): ForeignFunction {
    const functions = this.#functions;
    if (algorithm === "chacha20-poly1305") {
      return functions.EVP_chacha20_poly1305;
    }
    return keyLength === 16
      ? functions.EVP_aes_128_gcm
      : keyLength === 24
      ? functions.EVP_aes_192_gcm
      : functions.EVP_aes_256_gcm;
  }
}

/** Returns the version and path of a libcrypto, for the log. */
export function opensslVersion(
  versionNumber: ForeignFunction,
  path: string,
): string {
  const number = versionNumber() as number;
  // The number is 0xMNNFFPPS. The third field is "fix" in 1.1 and empty in 3,
  // whose fourth field is the patch.
  const major = number >>> 28;
  const third = major >= 3 ? number >>> 4 : number >>> 12;
  return `${major}.${(number >>> 20) & 0xff}.${third & 0xff} ${path}`;
}

/**
 * Receives lengths that are not needed: the output of an AEAD has the length of
 * its input.
 */
const IGNORED_LENGTH = new Uint8Array(4);
const NOTHING = new Uint8Array(1);

/** The two uses of a context. */
type Direction = "seal" | "open";

/** A key of zeros, as long as the longest key. */
const NO_KEY = new Uint8Array(32);

// Copies of a key and of a nonce, during one call. V8 keeps a short array in
// its own heap, and must give it memory of its own before C can read it.
const KEY = new Uint8Array(32);
const NONCE = new Uint8Array(12);

/**
 * A cipher with its free contexts. OpenSSL 3 looks for the implementation of a
 * cipher by its name whenever a context gets one; that takes longer than all
 * else that a small packet needs. A context therefore keeps its cipher, and
 * only gets another key.
 */
class Cipher {
  readonly functions: Functions;
  readonly #cipher: Pointer;
  /** Free contexts without a key, by direction. */
  readonly #free: Readonly<Record<Direction, Pointer[]>> = {
    seal: [],
    open: [],
  };

  constructor(functions: Functions, cipher: Pointer) {
    this.functions = functions;
    this.#cipher = cipher;
  }

  /** Takes a context, and sets its key and its first nonce. */
  take(direction: Direction, key: Uint8Array, nonce: Uint8Array): Pointer {
    const context = this.#free[direction].pop() ?? this.#make(direction);
    for (let i = 0; i < key.length; i++) KEY[i] = key[i]!;
    const isSet = this.#set(direction, context, null, KEY, copyOf(nonce));
    KEY.fill(0);
    if (isSet) return context;
    this.functions.EVP_CIPHER_CTX_free(context);
    throw new Error(`Cannot ${direction}: libcrypto refuses the key`);
  }

  /** Takes a context back, after removing its key. */
  give(direction: Direction, context: Pointer): void {
    const free = this.#free[direction];
    if (
      free.length < MAX_FREE_CONTEXTS &&
      this.#set(direction, context, null, NO_KEY, null)
    ) free.push(context);
    else this.functions.EVP_CIPHER_CTX_free(context);
  }

  #make(direction: Direction): Pointer {
    const context = this.functions.EVP_CIPHER_CTX_new() as Pointer;
    if (context === null) {
      throw new Error("Cannot make a context: libcrypto has no memory");
    }
    if (this.#set(direction, context, this.#cipher, null, null)) return context;
    this.functions.EVP_CIPHER_CTX_free(context);
    throw new Error(`Cannot ${direction}: libcrypto refuses the cipher`);
  }

  #set(
    direction: Direction,
    context: Pointer,
    cipher: Pointer,
    key: Uint8Array | null,
    nonce: Uint8Array | null,
  ): boolean {
    const { EVP_EncryptInit_ex, EVP_DecryptInit_ex } = this.functions;
    const init = direction === "seal" ? EVP_EncryptInit_ex : EVP_DecryptInit_ex;
    return init(context, cipher, null, key, nonce) === 1;
  }
}

/** @param nonce As long as {@link NONCE}. */
function copyOf(nonce: Uint8Array): Uint8Array {
  for (let i = 0; i < NONCE.length; i++) NONCE[i] = nonce[i]!;
  return NONCE;
}

/**
 * An AEAD that takes one context at its first use, to seal or to open. From
 * then on, only libcrypto has the key.
 */
class OpensslAead implements Aead {
  readonly #cipher: Cipher;
  #key: Uint8Array | undefined;
  #context: Pointer = null;
  #direction: Direction | undefined;

  constructor(cipher: Cipher, key: Uint8Array) {
    this.#cipher = cipher;
    this.#key = key;
  }

  seal(nonce: Uint8Array, plaintext: Uint8Array, out: Uint8Array): void {
    const length = plaintext.length;
    checkOutput(out, length + TAG_LENGTH);
    const f = this.#cipher.functions;
    const isStarted = this.#direction === "seal";
    if (!isStarted) this.#start("seal", nonce);
    const context = this.#context;
    const tag = viewOf(out, length, length + TAG_LENGTH);
    if (
      isStarted &&
        f.EVP_EncryptInit_ex(context, null, null, null, copyOf(nonce)) !== 1 ||
      f.EVP_EncryptUpdate(context, out, IGNORED_LENGTH, plaintext, length) !==
        1 ||
      f.EVP_EncryptFinal_ex(context, tag, IGNORED_LENGTH) !== 1 ||
      f.EVP_CIPHER_CTX_ctrl(context, GET_TAG, TAG_LENGTH, tag) !== 1
    ) throw new Error("Cannot seal: libcrypto failed");
  }

  open(nonce: Uint8Array, sealed: Uint8Array, out: Uint8Array): boolean {
    const length = sealed.length - TAG_LENGTH;
    checkOutput(out, length);
    const f = this.#cipher.functions;
    const isStarted = this.#direction === "open";
    if (!isStarted) this.#start("open", nonce);
    const context = this.#context;
    // Bun gives no address for an empty array.
    const target = length === 0 ? NOTHING : out;
    const tag = viewOf(sealed, length);
    if (
      isStarted &&
        f.EVP_DecryptInit_ex(context, null, null, null, copyOf(nonce)) !== 1 ||
      f.EVP_CIPHER_CTX_ctrl(context, SET_TAG, TAG_LENGTH, tag) !== 1 ||
      f.EVP_DecryptUpdate(context, target, IGNORED_LENGTH, sealed, length) !== 1
    ) throw new Error("Cannot open: libcrypto failed");
    return f.EVP_DecryptFinal_ex(context, NOTHING, IGNORED_LENGTH) === 1;
  }

  free(): void {
    this.#dropKey();
    if (this.#direction === undefined) return;
    this.#cipher.give(this.#direction, this.#context);
    this.#context = null;
    this.#direction = undefined;
  }

  /** Takes a context for the direction, with the nonce of its first unit. */
  #start(direction: Direction, nonce: Uint8Array): void {
    if (this.#key === undefined) {
      throw new TypeError(
        `Cannot ${direction}: the AEAD has another use, or was freed`,
      );
    }
    this.#context = this.#cipher.take(direction, this.#key, nonce);
    this.#direction = direction;
    this.#dropKey();
  }

  #dropKey(): void {
    this.#key?.fill(0);
    this.#key = undefined;
  }
}

const LINUX = ["libcrypto.so.3", "libcrypto.so.1.1"];
const HOMEBREW = ["openssl@3/lib/libcrypto.3", "openssl@1.1/lib/libcrypto.1.1"];

/**
 * Possible paths of libcrypto. Full paths come first, because a restricted
 * `--allow-ffi` permits only these.
 */
export const LIBRARIES: readonly string[] = [
  ...LINUX.flatMap((name) => [
    `/usr/lib/x86_64-linux-gnu/${name}`,
    `/usr/lib/aarch64-linux-gnu/${name}`,
    `/usr/lib64/${name}`,
    `/usr/lib/${name}`,
    `/lib/${name}`,
  ]),
  ...HOMEBREW.flatMap((name) => [
    `/opt/homebrew/opt/${name}.dylib`,
    `/usr/local/opt/${name}.dylib`,
  ]),
  ...LINUX,
];
