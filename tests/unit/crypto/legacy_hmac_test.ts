import assert from "node:assert/strict";
import { after, test } from "node:test";
import { hmac } from "@noble/hashes/hmac.js";
import { md5, sha1 } from "@noble/hashes/legacy.js";
import { systemHmacs } from "../../../src/adapters/crypto/hmacs.ts";
import {
  type HmacProvider,
  MD5,
  SHA1,
  useHmac,
} from "../../../src/crypto/legacy_digest.ts";
import { systemRandomBytes } from "../../../src/random.ts";
import { seededBytes } from "../../support/bytes.ts";

/** Noble again, for the tests behind this one in the same process. */
const pure: HmacProvider = {
  name: "noble",
  hmac: (hash, key, data) => hmac(hash === "md5" ? md5 : sha1, key, data),
};
after(() => assert.equal(useHmac(pure, systemRandomBytes), undefined));

test("there is an HMAC of each name, or none", () => {
  const names = (wanted: string): string[] =>
    [...systemHmacs(wanted)].map(({ name }) => name);
  const found = names("auto");
  const first = "Deno" in globalThis && found.includes("openssl");
  assert.equal(found[0], first ? "openssl" : "node");
  assert.ok(found.includes("node"));
  assert.deepEqual(names("node"), ["node"]);
  assert.deepEqual(names("noble"), []);
});

for (const native of systemHmacs("auto")) {
  test(`${native.name} computes the HMACs that noble does, and computes them once proved`, () => {
    let calls = 0;
    const counted: HmacProvider = {
      name: "counted",
      hmac(hash, key, data): Uint8Array {
        calls++;
        return native.hmac(hash, key, data);
      },
    };
    assert.equal(useHmac(counted, systemRandomBytes), undefined);
    const before = calls;
    for (const length of [0, 1, 64, 191, 192, 193, 300, 8_192]) {
      const key = seededBytes(length % 77, 1);
      const data = seededBytes(length, 2);
      assert.deepEqual(MD5.hmac(key, data), hmac(md5, key, data));
      assert.deepEqual(SHA1.hmac(key, data), hmac(sha1, key, data));
    }
    assert.equal(calls, before + 16);
  });
}

test("a provider with one wrong answer is refused, and nothing changes", () => {
  assert.equal(useHmac(pure, systemRandomBytes), undefined);
  const broken: Record<string, HmacProvider["hmac"]> = {
    "all zeros": (hash) => new Uint8Array(hash === "md5" ? 16 : 20),
    "long keys cut": (hash, key, data) =>
      pure.hmac(hash, key.subarray(0, 64), data),
    "one hash for both": (_, key, data) => pure.hmac("sha1", key, data),
    "the last bit": (hash, key, data) => {
      const mac = pure.hmac(hash, key, data);
      if (data.length === 1_400) mac[mac.length - 1]! ^= 1;
      return mac;
    },
  };
  const key = seededBytes(70, 3);
  const want = hmac(md5, key, key);
  for (const [name, compute] of Object.entries(broken)) {
    const fault = useHmac({ name, hmac: compute }, systemRandomBytes);
    assert.match(fault ?? "", /^wrong HMAC-(md5|sha1) of /, name);
    assert.deepEqual(MD5.hmac(key, key), want);
  }
});
