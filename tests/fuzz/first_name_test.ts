/**
 * Mutations of what clients say first: a name of a host, none, or more, and the
 * same when it comes in parts.
 *
 * @module
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { firstName } from "../../src/codec/first_name.ts";
import { utf8 } from "../support/bytes.ts";
import {
  clientHello,
  OPENSSL_HELLO,
  RFC8448_HELLO,
} from "../support/client_hello.ts";
import { FUZZ_BUDGET_MS, MUTATIONS, mutations } from "../support/mutate.ts";

const SAMPLES = [
  OPENSSL_HELLO,
  RFC8448_HELLO,
  clientHello("a.test", "010001ff"),
  utf8("GET / HTTP/1.1\r\nHost: a.test:80\r\nAccept: */*\r\n\r\n"),
  utf8("POST /x HTTP/1.0\r\nContent-Length: 2\r\nhost:b.test\r\n\r\nhi"),
];
const SPICE = utf8("\0\x01\x03\x16\xff\r\n :.-09AZaz");

test(`firstName() survives ${MUTATIONS} mutations`, () => {
  const startMs = performance.now();
  const counts = { name: 0, none: 0, more: 0 };
  for (
    const bytes of mutations(SAMPLES, SPICE, { count: MUTATIONS, seed: 1_430 })
  ) {
    const before = bytes.slice();
    const whole = firstName(bytes);
    counts[whole.kind]++;
    assert.deepEqual(bytes, before);
    if (whole.kind === "name") {
      assert.match(whole.name, /^[\w-]+(\.[\w-]+)*$/);
    }
    // What is decided early is not decided otherwise later.
    const cut = counts.more * 7 % (bytes.length + 1);
    const early = firstName(bytes.subarray(0, cut));
    if (early.kind !== "more") assert.deepEqual(early, whole);
  }
  for (const [kind, count] of Object.entries(counts)) {
    assert.ok(count > MUTATIONS / 100, `${kind}: ${count}`);
  }
  assert.ok(performance.now() - startMs < FUZZ_BUDGET_MS);
});
