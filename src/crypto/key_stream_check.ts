/**
 * Tests a provider of key streams before it is used, with known answers and by
 * comparison with the reference.
 *
 * @module
 */
import { sha256 } from "@noble/hashes/sha2.js";
import { equalBytes } from "../bytes.ts";
import type { RandomBytes } from "../random.ts";
import type { KeyStreamMethod, KeyStreamProvider } from "./key_stream.ts";
import { type Parts, referenceKeyStreams } from "./key_streams/reference.ts";
import { masterKeyFromPassword } from "./master_key.ts";

/**
 * Compares a provider with known answers, with itself in pieces, and with the
 * reference.
 *
 * @param randomBytes Makes keys, IVs and texts for the comparison.
 * @returns The first fault; `undefined` if there is none.
 */
export function findKeyStreamFault(
  provider: KeyStreamProvider,
  method: KeyStreamMethod,
  randomBytes: RandomBytes,
): string | undefined {
  try {
    knownAnswer(provider, method);
    compare(provider, method, provider, randomBytes);
    if (
      provider !== referenceKeyStreams &&
      referenceKeyStreams.lacks(method) === undefined
    ) compare(provider, method, referenceKeyStreams, randomBytes);
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/**
 * For each method, the first half of the SHA-256 of its output for 300 bytes,
 * `(7 i + 13 floor(i / 256) + 1) mod 256`, with the key of {@link PASSWORD} and
 * the IV 10 11 12 … in hex. The values were computed with shadowsocks 2.8.2,
 * shadowsocksrr, OpenSSL and libsodium.
 */
const KNOWN_ANSWERS: Readonly<Record<string, string>> = {
  "aes-128-cfb": "3ddbdbf45a2019a97c65f0f754d01005",
  "aes-128-cfb1": "3b8df3270e46879518fd6a50c1177f51",
  "aes-128-cfb8": "9f565c054e034914011f21c59d0d29f0",
  "aes-128-ctr": "0815be4f69012c490379beafd4e6f6b8",
  "aes-128-ofb": "189c53885823d75dd3b08ef9d874f47f",
  "aes-192-cfb": "a66b58a2304ce54d6d28dbc4dbb04253",
  "aes-192-cfb1": "27ea06d81a7b4983cf6407a26a4195f2",
  "aes-192-cfb8": "42a4aa9487a7feecd2248b85d3e520d2",
  "aes-192-ctr": "19ffa73796d02594a21a86fdc10db60e",
  "aes-192-ofb": "aa3774e9a25c732f9643adfdbb839509",
  "aes-256-cfb": "d1452b1be2f8435f6f1e44f9b00e2d93",
  "aes-256-cfb1": "218f1ead29f9c84c5b731096b7af067e",
  "aes-256-cfb8": "bcd9cd4bdd7a64a4b49a74f7b194fee7",
  "aes-256-ctr": "63e7bb877eb3cdf1584a98a9acabed7e",
  "aes-256-ofb": "877f51208f2bc5e5eeb3544980a2313b",
  "bf-cfb": "c62a9d6027efdd52dcf38179951ac73d",
  "camellia-128-cfb": "ae790fc2620a53bdeff7d1cd6ed939b7",
  "camellia-192-cfb": "407d87ad63712f643c54cb69817fcb0d",
  "camellia-256-cfb": "4300689ac4443aeffa570fb822d7b3d9",
  "cast5-cfb": "9e4278a31710b911312a50cac5478365",
  "chacha20": "58225db23b75bd950882e4fde5ddadd1",
  "chacha20-ietf": "d39980bf25203a3bd4a39dbd9a09a7f6",
  "des-cfb": "1aa7cd53601969bee49b8fc851865bd3",
  "none": "459d1f60683a2ef8155e9f5963d77f53",
  "rc2-cfb": "4e559fbc0fb430882223dee8f59fbe7b",
  "rc4": "55b50bb7983304770e96ee880360b828",
  "rc4-md5": "187e33e8cf90787bf2a3ecf4d58e4560",
  "rc4-md5-6": "a0876a055e6e34c3230e0b3f4f5d7857",
  "salsa20": "bd15ab76e4709771865cc6e93dceeffc",
  "seed-cfb": "c991e63ef8f0ec022e3e579ce5742495",
  "table": "6063ec8728027fff4c64ec4d536bfc24",
  "idea-cfb": "9f6b436b37cdf424bb0d060f63ba637d",
  "xchacha20": "3e1242d23d70bb0897e740c6d3710756",
  "xsalsa20": "2ade6632431cc455227030df32c67b5b",
};

const PASSWORD = "barfoo!";
const ANSWER_LENGTH = 300;
const FIRST_IV_BYTE = 0x10;

/** Sizes that end before, at and after the blocks of every cipher. */
const PIECES = [1, 7, 8, 9, 16, 31, 33, 64, 65];

function knownAnswer(
  provider: KeyStreamProvider,
  method: KeyStreamMethod,
): void {
  const expected = KNOWN_ANSWERS[method.name];
  if (expected === undefined) throw new Error("no answer of it is known");
  const key = masterKeyFromPassword(PASSWORD, method);
  const iv = Uint8Array.from(
    { length: method.ivLength },
    (_, i) => FIRST_IV_BYTE + i,
  );
  const text = Uint8Array.from(
    { length: ANSWER_LENGTH },
    (_, i) => 7 * i + 13 * (i >>> 8) + 1,
  );
  const made = { method, key, iv };
  const turned = turn(provider, { ...made, direction: "encrypt" }, text);
  if (sha256(turned).toHex().slice(0, expected.length) !== expected) {
    throw new Error("it gives a wrong known answer");
  }
  if (
    !equalBytes(turn(provider, { ...made, direction: "decrypt" }, turned), text)
  ) {
    throw new Error("it does not decrypt what it has encrypted");
  }
}

/**
 * Lengths around the blocks of each cipher, a packet, and a part of a large
 * read.
 */
const LENGTHS = [1, 15, 16, 17, 63, 64, 65, 1_400, 16_383];

/** Maximum length for AES-CFB1, whose reference reaches 100 KB/s on Bun. */
const MAX_CFB1_LENGTH = 1_400;

/** Compares one call of `provider` with calls of `other` for pieces. */
function compare(
  provider: KeyStreamProvider,
  method: KeyStreamMethod,
  other: KeyStreamProvider,
  randomBytes: RandomBytes,
): void {
  // One key for all lengths: making a table from it takes 50 ms.
  const key = randomBytes(method.keyLength);
  for (const length of LENGTHS) {
    if (method.algorithm === "aes-cfb1" && length > MAX_CFB1_LENGTH) continue;
    for (const direction of ["encrypt", "decrypt"] as const) {
      const iv = randomBytes(method.ivLength);
      const text = randomBytes(length);
      const made = { method, key, iv, direction };
      const stream = provider.keyStream(method, key, iv, direction);
      // In place, like packets.
      const whole = text.slice();
      try {
        stream.apply(whole, whole);
      } finally {
        stream.free();
      }
      if (!equalBytes(whole, turn(other, made, text))) {
        throw new Error(
          `it ${direction}s ${length} bytes differently from ` +
            (other === provider ? "their parts" : other.name),
        );
      }
    }
  }
}

/** Encrypts or decrypts bytes in pieces. */
function turn(
  provider: KeyStreamProvider,
  { method, key, iv, direction }: Parts,
  text: Uint8Array,
): Uint8Array {
  const stream = provider.keyStream(method, key, iv, direction);
  const out = new Uint8Array(text.length);
  try {
    let at = 0;
    for (let piece = 0; at < text.length; piece++) {
      const end = at + PIECES[piece % PIECES.length]!;
      stream.apply(text.subarray(at, end), out.subarray(at, end));
      at = end;
    }
  } finally {
    stream.free();
  }
  return out;
}
