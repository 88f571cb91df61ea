/**
 * Pre-shared keys of the 2022 edition: base64 of exactly the key's length,
 * never a password; and the key chains of users behind one server.
 *
 * Source: SIP022 §2.1, SIP023.
 *
 * @module
 */
import { toLatin1 } from "../bytes.ts";
import { ConfigError } from "../errors.ts";
import { type Aead, type AeadProvider, MasterKey } from "./aead.ts";
import { BlockCipher } from "./block_cipher.ts";
import { AEAD_2022 } from "./family.ts";
import { type AeadMethod, findMethod } from "./method.ts";
import { nobleProvider } from "./noble.ts";
import { deriveSubkey2022, identityHash } from "./subkey.ts";

const XCHACHA = "xchacha20-ietf-poly1305";

/** A key with all that the 2022 edition makes of one. */
export class Psk extends MasterKey {
  /** Names the key in identity headers; 16 bytes. */
  readonly identityHash: Uint8Array;
  readonly #key: Uint8Array;

  /**
   * Binds a key to its method.
   *
   * @param method One of the 2022 edition.
   * @param key The method's key length in bytes; copied.
   * @param provider Computes the cipher.
   * @throws {RangeError} When the key has another length, or the method is of
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

  /** True if the method has identity headers: the AES ones have. */
  get hasIdentity(): boolean {
    return this.method.userKind === "identity";
  }

  /** Derives a subkey by BLAKE3 from a salt or a session id. */
  protected override subkey(salt: Uint8Array): Uint8Array {
    return deriveSubkey2022(this.#key, salt, "session");
  }

  /**
   * What hides an identity header of a stream.
   *
   * @param salt The stream's.
   */
  identityCipher(salt: Uint8Array): BlockCipher {
    return new BlockCipher(deriveSubkey2022(this.#key, salt, "identity"));
  }

  /** The cipher of a packet's separate header and identity headers. */
  headerCipher(): BlockCipher {
    return new BlockCipher(this.#key);
  }

  /**
   * What seals packets of the ChaCha20 method: XChaCha20-Poly1305 under the
   * key itself, with a random nonce. No native provider has it.
   */
  packetAead(): Aead {
    return nobleProvider.aead(findMethod(XCHACHA), this.#key.slice());
  }
}

/**
 * Reads a key, or a chain of them with `:` between: identity keys first, the
 * user's own last.
 *
 * @returns At least one key of `method.keyLength` bytes.
 * @throws {ConfigError} `ERR_SS_KEY_LENGTH`; the message says how to make a
 * key and never holds one.
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

/** Standard alphabet; padding may be missing, as in shadowsocks-rust. */
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
  return toLatin1(atob(text.replaceAll("=", "")));
}
