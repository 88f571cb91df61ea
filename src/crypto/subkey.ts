/**
 * The key of one session and direction.
 *
 * Source: Shadowsocks AEAD ciphers, "Key Derivation"; RFC 5869; SIP022 §2.2,
 * SIP023 §2.1.
 *
 * @module
 */
import { blake3 } from "@noble/hashes/blake3.js";
import { hkdf } from "@noble/hashes/hkdf.js";
import { sha1 } from "@noble/hashes/legacy.js";

const INFO = new TextEncoder().encode("ss-subkey");

/**
 * Derives a subkey with HKDF-SHA1 from the master key, with info `ss-subkey`.
 *
 * @param masterKey The method's key length in bytes.
 * @param salt The same number of bytes; new and random for every stream or
 * packet.
 * @returns The same number of bytes.
 */
export function deriveSubkey(
  masterKey: Uint8Array,
  salt: Uint8Array,
): Uint8Array {
  return hkdf(sha1, masterKey, salt, INFO, masterKey.length);
}

/** The uses of a derived key of the 2022 edition. */
export type Purpose2022 = "session" | "identity";

type Blake3 = ReturnType<typeof blake3.create>;

/**
 * Hash states that contain the purpose of a key. They are copied, because
 * hashing the purpose takes as long as the rest.
 */
const BEGUN: Readonly<Record<Purpose2022, Blake3>> = {
  session: begin("shadowsocks 2022 session subkey"),
  identity: begin("shadowsocks 2022 identity subkey"),
};

/** The state of the hash of a user's key. */
const IDENTITY = blake3.create({ dkLen: 16 });

/**
 * The state that every hash here is computed in: making a state takes two to
 * four times as long as the rest. It is wiped after each hash.
 */
const SCRATCH = blake3.create();

/**
 * Derives a subkey with BLAKE3 in its key derivation mode from key and salt.
 *
 * @param psk The method's key length in bytes.
 * @param salt The same number of bytes; for a packet, the 8 bytes of the
 * session id.
 * @returns The same number of bytes as `psk`.
 */
export function deriveSubkey2022(
  psk: Uint8Array,
  salt: Uint8Array,
  purpose: Purpose2022,
): Uint8Array {
  const derived = copyOf(BEGUN[purpose]).update(psk).update(salt).digest();
  if (psk.length === derived.length) return derived;
  // A shorter key is the front of a longer one.
  const subkey = derived.slice(0, psk.length);
  derived.fill(0);
  return subkey;
}

function begin(context: string): Blake3 {
  return blake3.create({ context: new TextEncoder().encode(context) });
}

function copyOf(state: Blake3): Blake3 {
  return state._cloneInto(SCRATCH);
}

/**
 * Computes the identifier of a key of the 2022 edition: 16 bytes of BLAKE3,
 * which do not reveal the key.
 */
export function identityHash(psk: Uint8Array): Uint8Array {
  return copyOf(IDENTITY).update(psk).digest();
}
