/**
 * AEADs with the runtime's `node:crypto`.
 *
 * The runtimes support different ciphers: Deno has no AES-192-GCM, Bun no
 * ChaCha20.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import {
  type CipherGCMTypes,
  createCipheriv,
  createDecipheriv,
} from "node:crypto";
import process from "node:process";
import {
  type Aead,
  type AeadProvider,
  checkOutput,
} from "../../crypto/aead.ts";
import type { AeadMethod } from "../../crypto/method.ts";
import { TAG_LENGTH } from "../../limits.ts";
import { nativeSubkey } from "./_subkey.ts";

/** AEADs with `node:crypto`. */
export function nodeCryptoProvider(): AeadProvider {
  return {
    name: "node",
    version: process.versions["openssl"] ?? process.version,
    supports: (method) => isAvailable(method),
    deriveSubkey: nativeSubkey,
    aead: (method, subkey) => new NodeAead(cipherName(method), subkey),
  };
}

function cipherName({ algorithm, keyLength }: AeadMethod): CipherGCMTypes {
  // Node's types declare this call for AES-GCM; ChaCha20 accepts the same call.
  return (algorithm === "aes-gcm"
    ? `aes-${keyLength * 8}-gcm`
    : algorithm) as CipherGCMTypes;
}

/** Tries the cipher: the runtimes' lists of ciphers are wrong in places. */
function isAvailable(method: AeadMethod): boolean {
  const name = cipherName(method);
  if (method.algorithm === "xchacha20-poly1305") return false;
  try {
    const key = new Uint8Array(method.keyLength);
    createCipheriv(name, key, new Uint8Array(method.nonceLength), OPTIONS);
    return true;
  } catch {
    return false;
  }
}

const OPTIONS = { authTagLength: TAG_LENGTH };

/**
 * Makes a cipher object for each call, because the nonce of an object cannot be
 * changed.
 */
class NodeAead implements Aead {
  readonly #name: CipherGCMTypes;
  readonly #key: Uint8Array;

  constructor(name: CipherGCMTypes, key: Uint8Array) {
    this.#name = name;
    this.#key = key;
  }

  seal(nonce: Uint8Array, plaintext: Uint8Array, out: Uint8Array): void {
    checkOutput(out, plaintext.length + TAG_LENGTH);
    const cipher = createCipheriv(this.#name, this.#key, nonce, OPTIONS);
    out.set(cipher.update(plaintext));
    cipher.final();
    out.set(cipher.getAuthTag(), plaintext.length);
  }

  open(nonce: Uint8Array, sealed: Uint8Array, out: Uint8Array): boolean {
    const length = sealed.length - TAG_LENGTH;
    checkOutput(out, length);
    const decipher = createDecipheriv(this.#name, this.#key, nonce, OPTIONS);
    decipher.setAuthTag(Buffer.from(sealed.subarray(length)));
    const opened = decipher.update(sealed.subarray(0, length));
    try {
      decipher.final();
    } catch {
      // The lengths are valid, so the tag is wrong. The runtimes have no common
      // error code for it.
      return false;
    }
    out.set(opened);
    return true;
  }

  free(): void {
    this.#key.fill(0);
  }
}
