/**
 * Tests that a provider is equal to the reference before it is used.
 *
 * @module
 */
import { equalBytes } from "../bytes.ts";
import { TAG_LENGTH } from "../limits.ts";
import type { RandomBytes } from "../random.ts";
import type { AeadProvider } from "./aead.ts";
import type { AeadAlgorithm, AeadMethod } from "./method.ts";
import { nobleProvider } from "./noble.ts";
import { deriveSubkey } from "./subkey.ts";

/** One random key, and texts that noble seals with it. */
export interface Sample {
  readonly key: Uint8Array;
  /** Several uses of the key, as in a stream. */
  readonly uses: readonly {
    readonly nonce: Uint8Array;
    readonly plaintext: Uint8Array;
    readonly sealed: Uint8Array;
  }[];
}

/**
 * Computes noble's answers to random inputs. Noble is slow in its first calls,
 * so that one set of answers serves all providers.
 *
 * @param randomBytes Makes keys, nonces and plaintexts.
 */
export function makeSamples(
  method: AeadMethod,
  randomBytes: RandomBytes,
): Sample[] {
  return LENGTHS.map((length) => {
    const key = randomBytes(method.keyLength);
    const reference = nobleProvider.aead(method, key.slice());
    const uses = [1, 2].map(() => {
      const nonce = randomBytes(method.nonceLength);
      const plaintext = randomBytes(length);
      const sealed = new Uint8Array(length + TAG_LENGTH);
      reference.seal(nonce, plaintext, sealed);
      return { nonce, plaintext, sealed };
    });
    reference.free();
    return { key, uses };
  });
}

/**
 * Compares a provider with published answers and with noble.
 *
 * @param randomBytes Chooses the compared bytes.
 * @param samples Answers of noble for this method.
 * @returns The first fault; `undefined` if there is none.
 */
export function findFault(
  provider: AeadProvider,
  method: AeadMethod,
  randomBytes: RandomBytes,
  samples: readonly Sample[] = makeSamples(method, randomBytes),
): string | undefined {
  try {
    for (const answer of KNOWN_ANSWERS) {
      if (
        answer.algorithm === method.algorithm &&
        answer.key.length === method.keyLength * 2
      ) knownAnswer(provider, method, answer);
    }
    compareSubkeys(provider, method, randomBytes);
    for (const sample of samples) {
      compare(provider, method, sample, randomBytes);
    }
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/** Lengths around the blocks of each cipher, and the units of the protocol. */
const LENGTHS = [1, 2, 15, 16, 17, 63, 64, 65, 1_400, 16_382, 16_383];

interface KnownAnswer {
  readonly algorithm: AeadAlgorithm;
  readonly key: string;
  readonly nonce: string;
  readonly plaintext: string;
  readonly sealed: string;
}

/**
 * The answers have no associated data, because the protocol has none. AES-GCM:
 * McGrew and Viega, "The Galois/Counter Mode of Operation", test cases 2, 8 and
 * 14. The others: keys, nonces and the beginning of the text of RFC 8439 §2.8.2
 * and draft-irtf-cfrg-xchacha-03 §A.3.1; tags by OpenSSL and by libsodium.
 */
const KNOWN_ANSWERS: readonly KnownAnswer[] = [
  {
    algorithm: "aes-gcm",
    key: "00".repeat(16),
    nonce: "00".repeat(12),
    plaintext: "00".repeat(16),
    sealed: "0388dace60b6a392f328c2b971b2fe78" +
      "ab6e47d42cec13bdf53a67b21257bddf",
  },
  {
    algorithm: "aes-gcm",
    key: "00".repeat(24),
    nonce: "00".repeat(12),
    plaintext: "00".repeat(16),
    sealed: "98e7247c07f0fe411c267e4384b0f600" +
      "2ff58d80033927ab8ef4d4587514f0fb",
  },
  {
    algorithm: "aes-gcm",
    key: "00".repeat(32),
    nonce: "00".repeat(12),
    plaintext: "00".repeat(16),
    sealed: "cea7403d4d606b6e074ec5d3baf39d18" +
      "d0d1c8a799996bf0265b98b5d48ab919",
  },
  {
    algorithm: "chacha20-poly1305",
    key: "808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f",
    nonce: "070000004041424344454647",
    plaintext: "4c616469657320616e642047656e746c656d656e",
    sealed: "d31a8d34648e60db7b86afbc53ef7ec2a4aded51" +
      "dbf3a3a6d05a122619b0d634be6b3475",
  },
  {
    algorithm: "xchacha20-poly1305",
    key: "808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f",
    nonce: "404142434445464748494a4b4c4d4e4f5051525354555657",
    plaintext: "4c616469657320616e642047656e746c656d656e",
    sealed: "bd6d179d3e83d43b9576579493c0e939572a1700" +
      "05c1a867e11e7aa0743c2fea31314840",
  },
];

function knownAnswer(
  provider: AeadProvider,
  method: AeadMethod,
  answer: KnownAnswer,
): void {
  const plaintext = Uint8Array.fromHex(answer.plaintext);
  const out = new Uint8Array(plaintext.length + TAG_LENGTH);
  const aead = provider.aead(method, Uint8Array.fromHex(answer.key));
  try {
    aead.seal(Uint8Array.fromHex(answer.nonce), plaintext, out);
  } finally {
    aead.free();
  }
  if (!equalBytes(out, Uint8Array.fromHex(answer.sealed))) {
    throw new Error("it gives a wrong known answer");
  }
}

function compareSubkeys(
  provider: AeadProvider,
  { keyLength }: AeadMethod,
  randomBytes: RandomBytes,
): void {
  const key = randomBytes(keyLength);
  const salt = randomBytes(keyLength);
  const subkey = provider.deriveSubkey?.(key, salt);
  if (subkey !== undefined && !equalBytes(subkey, deriveSubkey(key, salt))) {
    throw new Error("it derives a subkey differently from noble");
  }
}

/**
 * Compares every use of one key. Before the last use it opens a text with a
 * flipped bit.
 */
function compare(
  provider: AeadProvider,
  method: AeadMethod,
  { key, uses }: Sample,
  randomBytes: RandomBytes,
): void {
  const sealer = provider.aead(method, key.slice());
  const opener = provider.aead(method, key.slice());
  try {
    for (const use of uses) {
      const { nonce, plaintext } = use;
      const { length } = plaintext;
      const sealed = new Uint8Array(length + TAG_LENGTH);
      sealer.seal(nonce, plaintext, sealed);
      if (!equalBytes(sealed, use.sealed)) {
        throw new Error(`it seals ${length} bytes differently from noble`);
      }
      if (use === uses.at(-1)) {
        const at = randomBytes(1)[0]! % sealed.length;
        const flipped = sealed.slice();
        flipped[at] = flipped[at]! ^ 0x10;
        if (opener.open(nonce, flipped, new Uint8Array(length))) {
          throw new Error("it accepts a tag that does not verify");
        }
      }
      // In place, as the opener of a stream may do.
      const opened = sealed.subarray(0, length);
      if (
        !opener.open(nonce, sealed, opened) || !equalBytes(opened, plaintext)
      ) {
        throw new Error(`it does not open ${length} bytes it has sealed`);
      }
    }
  } finally {
    for (const aead of [sealer, opener]) aead.free();
  }
}
