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

/** Returns users as plain objects, in whatever form they are held. */
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

/** Returns salts `00 01 02 …`, as in the vectors. */
export function countingBytes(length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => i);
}

/** Returns a key of a 2022 method with `seed` in every byte. */
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
