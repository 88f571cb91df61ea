/**
 * Keys of stream ciphers for tests.
 *
 * @module
 */
import { masterKeyFromPassword } from "../../src/crypto/master_key.ts";
import { referenceKeyStreams } from "../../src/crypto/key_streams/reference.ts";
import { StreamKey } from "../../src/crypto/stream_key.ts";
import { findStreamMethod } from "../../src/crypto/stream_methods.ts";
import { RecentSalts } from "../../src/security/replay_filter.ts";
import { SaltTable } from "../../src/security/salt_table.ts";
import { IvMemory } from "../../src/session/stream_cipher/iv_memory.ts";

/** Returns the key of a password, computed by the reference. */
export function testStreamKey(
  name = "aes-256-cfb",
  password = "password",
): StreamKey {
  const method = findStreamMethod(name);
  if (method === undefined) throw new Error(`There is no method ${name}`);
  const key = masterKeyFromPassword(password, method);
  return new StreamKey(method, key, referenceKeyStreams);
}

/** Returns a memory for 128 IVs each of streams and packets. */
export function testMemory(): IvMemory {
  const table = SaltTable.make(64, false);
  return new IvMemory(new RecentSalts(table), 64);
}

/** A memory that remembers nothing. */
export class Forgetful extends IvMemory {
  /** Creates an empty memory. */
  constructor() {
    super(new RecentSalts(SaltTable.make(1, false)), 1);
  }

  override acceptStream(): undefined {}

  override acceptPacket(): void {}
}
