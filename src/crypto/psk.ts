/**
 * Pre-shared keys of the 2022 edition: base64 of exactly the key's length,
 * never a password; and the key chains of users of one server.
 *
 * Source: SIP022 §2.1, SIP023.
 *
 * @module
 */
import { ConfigError } from "../errors.ts";
import { type Aead, type AeadProvider, MasterKey } from "./aead.ts";
import { BlockCipher } from "./block_cipher.ts";
import { AEAD_2022 } from "./family.ts";
import { type AeadMethod, findMethod } from "./method.ts";
import { nobleProvider } from "./noble.ts";
import { deriveSubkey2022, identityHash } from "./subkey.ts";

const XCHACHA = "xchacha20-ietf-poly1305";

/** A key with everything that the 2022 edition derives from it. */
export class Psk extends MasterKey {
  /** Identifies the key in identity headers; 16 bytes. */
  readonly identityHash: Uint8Array;
  readonly #key: Uint8Array;

  /**
   * Combines a key and its method.
   *
   * @param method A method of the 2022 edition.
   * @param key The method's key length in bytes; copied.
   * @param provider Computes the cipher.
   * @throws {RangeError} If the key has another length, or the method is of
   * another edition.
   */
  constructor(method: AeadMethod, key: Uint8Array, provider: AeadProvider) {
    super(method, key, provider);
    if (method.family.name !== AEAD_2022.name) {
      throw new RangeError(`Cannot use key: ${method.name} is not of 2022`);
    }
    this.#key = key.slice();
    this.identityHash = identityHash(key);
  }

  /**
   * True if the method has identity headers; only the AES methods have them.
   */
  get hasIdentity(): boolean {
    return this.method.userKind === "identity";
  }

  /** Derives a subkey with BLAKE3 from a salt or a session id. */
  protected override subkey(salt: Uint8Array): Uint8Array {
    return deriveSubkey2022(this.#key, salt, "session");
  }

  /**
   * Makes the cipher for an identity header of a stream.
   *
   * @param salt The stream's salt.
   */
  identityCipher(salt: Uint8Array): BlockCipher {
    return new BlockCipher(deriveSubkey2022(this.#key, salt, "identity"));
  }

  /** Makes the cipher for a packet's separate header and identity headers. */
  headerCipher(): BlockCipher {
    return new BlockCipher(this.#key);
  }

  /**
   * Makes the AEAD for packets of the ChaCha20 method: XChaCha20-Poly1305 with
   * the key itself and a random nonce. No native provider supports it.
   */
  packetAead(): Aead {
    return nobleProvider.aead(findMethod(XCHACHA), this.#key.slice());
  }
}

/**
 * Parses a key, or a chain of keys separated by `:`. Identity keys come first,
 * the user's own key last.
 *
 * @returns At least one key of `method.keyLength` bytes.
 * @throws {ConfigError} `ERR_SS_KEY_LENGTH`; the message explains how to make a
 * key and never contains one.
 */
export function pskChainFromText(
  text: string,
  method: AeadMethod,
): Uint8Array[] {
  const keys = text.split(":").map((part) => pskFromBase64(part, method));
  if (keys.length > 1 && method.userKind !== "identity") {
    throw new ConfigError(
      "ERR_SS_KEY_LENGTH",
      `Cannot use several keys with ${method.name}: only the AES methods ` +
        "have identity headers",
    );
  }
  return keys;
}

/**
 * Parses the standard alphabet. Padding may be missing, as in shadowsocks-rust.
 */
function pskFromBase64(text: string, method: AeadMethod): Uint8Array {
  const isBase64 = /^[A-Za-z0-9+/]*={0,2}$/.test(text);
  const length = Math.floor(text.replaceAll("=", "").length * 3 / 4);
  if (!isBase64 || length !== method.keyLength) {
    throw new ConfigError(
      "ERR_SS_KEY_LENGTH",
      `${method.name} takes no password but a key of ${method.keyLength} ` +
        `random bytes in base64, got ${
          isBase64 ? `${length} bytes` : "something else"
        }: make one with \`umbra genkey ${method.name}\``,
    );
  }
  return Uint8Array.fromBase64(text.replace(/=+$/, ""));
}
