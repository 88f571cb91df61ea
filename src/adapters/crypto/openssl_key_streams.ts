/**
 * Key streams with the system's OpenSSL 3, called through FFI.
 *
 * Umbra has its own library context: the legacy provider, which is loaded when
 * a method first needs it, does not affect the rest of the process.
 *
 * Source: OpenSSL manual, EVP_EncryptInit(3), OSSL_LIB_CTX(3),
 * OSSL_PROVIDER-legacy(7). Does not: support Salsa20, XSalsa20, `table` and
 * `none`, which libcrypto does not have.
 *
 * @module
 */
import { checkOutput } from "../../crypto/aead.ts";
import {
  counterEnded,
  type KeyStream,
  type KeyStreamAlgorithm,
  type KeyStreamDirection,
  type KeyStreamMethod,
  type KeyStreamProvider,
  maxStreamBytes,
} from "../../crypto/key_stream.ts";
import { afterCounter, xchachaKey } from "../../crypto/key_streams/arx.ts";
import { rc4Key } from "../../crypto/key_streams/rc4.ts";
import {
  type ForeignFunction,
  openFirst,
  type Pointer,
  type Signature,
} from "./_library.ts";
import { LIBRARIES, opensslVersion } from "./openssl.ts";

/**
 * Loads libcrypto.
 *
 * @param paths Tried in order; default: {@link LIBRARIES}.
 * @throws {Error} If libcrypto is missing or older than OpenSSL 3, or FFI is
 * not permitted; the message names the reason.
 */
export function opensslKeyStreams(
  paths: readonly string[] = LIBRARIES,
): KeyStreamProvider {
  return openFirst(
    paths,
    SYMBOLS,
    (functions, path) => new OpensslKeyStreams(path, functions),
  );
}

const SYMBOLS = {
  OpenSSL_version_num: { parameters: [], result: "u32" },
  OSSL_LIB_CTX_new: { parameters: [], result: "pointer" },
  // library context, name
  OSSL_PROVIDER_load: { parameters: ["pointer", "buffer"], result: "pointer" },
  // library context, name, properties
  EVP_CIPHER_fetch: {
    parameters: ["pointer", "buffer", "pointer"],
    result: "pointer",
  },
  EVP_CIPHER_CTX_new: { parameters: [], result: "pointer" },
  EVP_CIPHER_CTX_free: { parameters: ["pointer"], result: "void" },
  // context, cipher, key, IV, 1 to encrypt, parameters
  EVP_CipherInit_ex2: {
    parameters: ["pointer", "pointer", "buffer", "buffer", "i32", "pointer"],
    result: "i32",
  },
  // context, output, output length, input, input length
  EVP_CipherUpdate: {
    parameters: ["pointer", "buffer", "buffer", "buffer", "i32"],
    result: "i32",
  },
} satisfies Record<string, Signature>;

type Functions = Record<keyof typeof SYMBOLS, ForeignFunction>;

/** libcrypto's names; `*` stands for the bits of the key. */
const NAMES: Readonly<Partial<Record<KeyStreamAlgorithm, string>>> = {
  "aes-cfb": "AES-*-CFB",
  "aes-ctr": "AES-*-CTR",
  "aes-ofb": "AES-*-OFB",
  "aes-cfb8": "AES-*-CFB8",
  "aes-cfb1": "AES-*-CFB1",
  "camellia-cfb": "CAMELLIA-*-CFB",
  chacha20: "ChaCha20",
  "chacha20-ietf": "ChaCha20",
  xchacha20: "ChaCha20",
};

/** Names of ciphers that only the legacy provider has. */
const LEGACY_NAMES: Readonly<Partial<Record<KeyStreamAlgorithm, string>>> = {
  "bf-cfb": "BF-CFB",
  "cast5-cfb": "CAST5-CFB",
  "des-cfb": "DES-CFB",
  "idea-cfb": "IDEA-CFB",
  "rc2-cfb": "RC2-CFB",
  "seed-cfb": "SEED-CFB",
  rc4: "RC4",
  "rc4-md5": "RC4",
};

class OpensslKeyStreams implements KeyStreamProvider {
  readonly name = "openssl";
  readonly version: string;
  readonly #functions: Functions;
  readonly #context: Pointer;
  /** Ciphers by libcrypto's name; `null` if libcrypto lacks the cipher. */
  readonly #ciphers = new Map<string, Pointer>();
  #hasLegacy: boolean | undefined;

  constructor(path: string, functions: Functions) {
    this.#functions = functions;
    this.version = opensslVersion(functions.OpenSSL_version_num, path);
    this.#context = functions.OSSL_LIB_CTX_new() as Pointer;
    if (this.#context === null || !this.#load("default")) {
      throw new Error(`${path} cannot make a library context`);
    }
  }

  lacks(method: KeyStreamMethod): string | undefined {
    const { name, algorithm } = method;
    if (
      algorithm in LEGACY_NAMES && !(this.#hasLegacy ??= this.#load("legacy"))
    ) {
      return `${name} needs libcrypto's legacy provider: legacy.so for ` +
        `${this.version} is missing`;
    }
    return this.#cipher(method) === null
      ? `${name} is not part of libcrypto ${this.version}`
      : undefined;
  }

  keyStream(
    method: KeyStreamMethod,
    key: Uint8Array,
    iv: Uint8Array,
    direction: KeyStreamDirection,
  ): KeyStream {
    const cipher = this.lacks(method) === undefined && this.#cipher(method);
    if (!cipher) {
      throw new RangeError(
        `Cannot make key stream: ${method.name} is not supported`,
      );
    }
    const parts = partsOf(method, key, iv);
    try {
      return new OpensslKeyStream(
        this.#functions,
        { ...parts, cipher, encrypts: direction === "encrypt" ? 1 : 0 },
        maxStreamBytes(method),
      );
    } finally {
      parts.key.fill(0);
    }
  }

  #load(name: string): boolean {
    const load = this.#functions.OSSL_PROVIDER_load;
    return load(this.#context, cString(name)) !== null;
  }

  #cipher({ algorithm, keyLength }: KeyStreamMethod): Pointer {
    const name = (NAMES[algorithm] ?? LEGACY_NAMES[algorithm])
      ?.replace("*", `${keyLength * 8}`);
    if (name === undefined) return null;
    const known = this.#ciphers.get(name);
    if (known !== undefined) return known;
    const fetch = this.#functions.EVP_CIPHER_fetch;
    const cipher = fetch(this.#context, cString(name), null) as Pointer;
    this.#ciphers.set(name, cipher);
    return cipher;
  }
}

function cString(text: string): Uint8Array {
  return new TextEncoder().encode(`${text}\0`);
}

/** Returns key and IV in the form of libcrypto; both are new arrays. */
function partsOf(
  method: KeyStreamMethod,
  key: Uint8Array,
  iv: Uint8Array,
): { key: Uint8Array; iv: Uint8Array } {
  switch (method.algorithm) {
    case "rc4":
    case "rc4-md5":
      // Bun gives no address for an empty array.
      return { key: rc4Key(method, key, iv), iv: new Uint8Array(1) };
    case "chacha20":
    case "chacha20-ietf":
      return { key: key.slice(), iv: afterCounter(iv) };
    case "xchacha20":
      return { key: xchachaKey(key, iv), iv: afterCounter(iv.subarray(16)) };
    default:
      return { key: key.slice(), iv: iv.slice() };
  }
}

/**
 * Receives lengths that are not needed: the output of a key stream has the
 * length of its input.
 */
const IGNORED_LENGTH = new Uint8Array(4);

/** The parts of a context. */
interface ContextParts {
  readonly cipher: Pointer;
  readonly key: Uint8Array;
  readonly iv: Uint8Array;
  readonly encrypts: number;
}

/** A key stream with a context of libcrypto. */
class OpensslKeyStream implements KeyStream {
  readonly #functions: Functions;
  #context: Pointer;
  #leftBytes: number;

  constructor(
    functions: Functions,
    { cipher, key, iv, encrypts }: ContextParts,
    maxBytes: number,
  ) {
    this.#functions = functions;
    this.#leftBytes = maxBytes;
    this.#context = functions.EVP_CIPHER_CTX_new() as Pointer;
    if (this.#context === null) {
      throw new Error("Cannot make a context: libcrypto has no memory");
    }
    const init = functions.EVP_CipherInit_ex2;
    if (init(this.#context, cipher, key, iv, encrypts, null) !== 1) {
      this.free();
      throw new Error("Cannot make a context: libcrypto refuses the key");
    }
  }

  apply(input: Uint8Array, out: Uint8Array): void {
    const { length } = input;
    checkOutput(out, length);
    if (this.#context === null) {
      throw new TypeError(
        "Cannot encrypt or decrypt: the key stream was freed",
      );
    }
    if (length === 0) return;
    this.#leftBytes -= length;
    if (this.#leftBytes < 0) throw counterEnded();
    const update = this.#functions.EVP_CipherUpdate;
    if (update(this.#context, out, IGNORED_LENGTH, input, length) !== 1) {
      throw new Error("Cannot encrypt or decrypt: libcrypto failed");
    }
  }

  free(): void {
    if (this.#context === null) return;
    this.#functions.EVP_CIPHER_CTX_free(this.#context);
    this.#context = null;
  }
}
