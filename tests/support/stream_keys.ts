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
import { FakeClock } from "./fake_clock.ts";

/** The key of a password, computed by the reference. */
export function testStreamKey(
  name = "aes-256-cfb",
  password = "password",
): StreamKey {
  const method = findStreamMethod(name);
  if (method === undefined) throw new Error(`There is no method ${name}`);
  const key = masterKeyFromPassword(password, method);
  return new StreamKey(method, key, referenceKeyStreams);
}

/** A memory of 128 IVs each of streams and packets. */
export function testMemory(): IvMemory {
  const clock = new FakeClock();
  const table = SaltTable.make(64, clock.unixMs(), false);
  return new IvMemory(new RecentSalts(clock, table), clock, 64);
}

/** What a server would be without a memory. */
export class Forgetful extends IvMemory {
  /** Forgets at once. */
  constructor() {
    const clock = new FakeClock();
    super(new RecentSalts(clock, SaltTable.make(1, 0, false)), clock, 1);
  }

  override acceptStream(): undefined {}

  override acceptPacket(): void {}
}
