/**
 * Decrypts the headers of the 2022 edition.
 *
 * @module
 */
import type { Aead } from "../../crypto/aead.ts";
import type { NonceCounter } from "../../crypto/nonce_counter.ts";
import { ProtocolError } from "../../errors.ts";
import { TAG_LENGTH } from "../../limits.ts";

/**
 * Decrypts one unit.
 *
 * @param sealed The whole unit, borrowed.
 * @param what Its name, for the message.
 * @throws {ProtocolError} `ERR_SS_AUTHENTICATION`.
 */
export function openHeader(
  aead: Aead,
  nonce: NonceCounter,
  sealed: Uint8Array,
  what: string,
): Uint8Array {
  const plaintext = new Uint8Array(sealed.length - TAG_LENGTH);
  if (aead.open(nonce.next(), sealed, plaintext)) return plaintext;
  throw new ProtocolError(
    "ERR_SS_AUTHENTICATION",
    `Cannot open ${what}: its tag does not verify`,
  );
}
