/**
 * Keys for tests.
 *
 * @module
 */
import { MasterKey } from "../../src/crypto/aead.ts";
import { masterKeyFromPassword } from "../../src/crypto/master_key.ts";
import { findMethod } from "../../src/crypto/method.ts";
import { nobleProvider } from "../../src/crypto/noble.ts";
import { Psk } from "../../src/crypto/psk.ts";
import type { ServerUser } from "../../src/session/server_user.ts";

/** The master key of a password, computed by noble. */
export function testKey(
  methodName = "chacha20-ietf-poly1305",
  password = "password",
): MasterKey {
  const method = findMethod(methodName);
  return new MasterKey(
    method,
    masterKeyFromPassword(password, method),
    nobleProvider,
  );
}

/** Users as they would be written down, in whatever form they are held. */
export function plainUsers(
  users: readonly ServerUser[] | undefined,
): ServerUser[] | undefined {
  return users?.map(({ name, masterKey, uid, limits, disabled }) => ({
    name,
    masterKey,
    ...uid !== undefined && { uid },
    ...limits !== undefined && { limits },
    ...disabled !== undefined && { disabled },
  }));
}

/** Salts `00 01 02 …`, as the vectors have them. */
export function countingBytes(length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => i);
}

/** A key of the 2022 edition that is `seed` in every byte. */
export function testPsk(
  methodName = "2022-blake3-aes-128-gcm",
  seed = 1,
): Psk {
  const method = findMethod(methodName);
  return new Psk(
    method,
    new Uint8Array(method.keyLength).fill(seed),
    nobleProvider,
  );
}
