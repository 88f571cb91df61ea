import assert from "node:assert/strict";
import { test } from "node:test";
import { parseIp } from "../../../../src/codec/ip_address.ts";
import {
  MAX_REVERSE_NAMES,
  REVERSE_NAME_GRACE_S,
} from "../../../../src/limits.ts";
import { ReverseNames } from "../../../../src/service/dns/reverse_names.ts";
import { FakeClock } from "../../../support/fake_clock.ts";

const ADDRESS = parseIp("192.0.2.1")!;

test("nameOf() remembers a name for its TTL and a while", async () => {
  const clock = new FakeClock();
  const names = new ReverseNames(clock);
  names.remember("a.test", { addresses: [ADDRESS], ttlSeconds: 10 });
  assert.equal(names.nameOf(ADDRESS), "a.test");
  assert.equal(names.nameOf(parseIp("::ffff:192.0.2.1")!), "a.test");
  assert.equal(names.nameOf(parseIp("192.0.2.2")!), undefined);
  await clock.advance((10 + REVERSE_NAME_GRACE_S) * 1_000 - 1);
  assert.equal(names.nameOf(ADDRESS), "a.test");
  await clock.advance(1);
  assert.equal(names.nameOf(ADDRESS), undefined);
});

test("of two names at one address the later one counts", () => {
  const names = new ReverseNames(new FakeClock());
  for (const name of ["a.test", "b.test"]) {
    names.remember(name, { addresses: [ADDRESS], ttlSeconds: 10 });
  }
  assert.equal(names.nameOf(ADDRESS), "b.test");
});

test("the address that was answered first makes room", () => {
  const names = new ReverseNames(new FakeClock());
  const address = (n: number): Uint8Array =>
    Uint8Array.of(10, n >>> 16, n >>> 8, n);
  for (let n = 0; n <= MAX_REVERSE_NAMES; n++) {
    names.remember(`${n}.test`, { addresses: [address(n)], ttlSeconds: 10 });
  }
  assert.equal(names.nameOf(address(0)), undefined);
  assert.equal(names.nameOf(address(1)), "1.test");
  const last = MAX_REVERSE_NAMES;
  assert.equal(names.nameOf(address(last)), `${last}.test`);
});
