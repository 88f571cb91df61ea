import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { describe, test } from "node:test";
import { nodeKeyStreams } from "../../../../src/adapters/crypto/node_key_streams.ts";
import { LIBRARIES } from "../../../../src/adapters/crypto/openssl.ts";
import { opensslKeyStreams } from "../../../../src/adapters/crypto/openssl_key_streams.ts";
import { systemKeyStreams } from "../../../../src/adapters/crypto/providers.ts";
import type { KeyStreamProvider } from "../../../../src/crypto/key_stream.ts";
import { findKeyStreamFault } from "../../../../src/crypto/key_stream_check.ts";
import {
  findStreamMethod,
  STREAM_METHODS,
} from "../../../../src/crypto/stream_methods.ts";
import { systemRandomBytes } from "../../../../src/random.ts";
import { ROOT } from "../../../support/runtimes.ts";

const hasLibcrypto = LIBRARIES.some((path) =>
  path.endsWith(".so.3") && existsSync(path)
);

describe("node:crypto", () => {
  const provider = nodeKeyStreams();
  checkProvider(provider);

  test("has what its runtime is known to have, or to have the parts of", () => {
    const names = STREAM_METHODS.map(({ name }) => name)
      .filter((name) => !provider.lacks(findStreamMethod(name)!));
    const both = [
      "aes-256-cfb",
      "aes-128-cfb",
      "aes-256-ctr",
      "aes-192-ctr",
      "aes-128-ctr",
    ];
    const own = "Deno" in globalThis
      ? ["chacha20-ietf", "chacha20", "xchacha20"]
      : [
        ...["aes-192-cfb", "aes-256-ofb", "aes-192-ofb", "aes-128-ofb"],
        ...["bf-cfb", "rc4", "rc4-md5", "rc4-md5-6"],
      ];
    assert.deepEqual(names.sort(), [...both, ...own].sort());
  });
});

describe("openssl", { skip: !hasLibcrypto && "no libcrypto 3 here" }, () => {
  if (!hasLibcrypto) return;
  const provider = opensslKeyStreams();
  checkProvider(provider);

  test("says what libcrypto does not have", () => {
    for (const name of ["salsa20", "xsalsa20", "table", "none"]) {
      assert.match(
        provider.lacks(findStreamMethod(name)!) ?? "",
        new RegExp(`^${name} is not part of libcrypto 3\\.`),
      );
    }
  });

  test("says so, when the legacy provider is missing, and has the rest", () => {
    const empty = mkdtempSync(join(tmpdir(), "umbra-modules-"));
    const code = `
      import { opensslKeyStreams } from "./src/adapters/crypto/openssl_key_streams.ts";
      import { findStreamMethod } from "./src/crypto/stream_methods.ts";
      const provider = opensslKeyStreams();
      for (const name of ["camellia-256-cfb", "bf-cfb", "rc4-md5"]) {
        console.log(provider.lacks(findStreamMethod(name)));
      }`;
    try {
      const { stdout, stderr } = spawnSync(
        process.execPath,
        ["Deno" in globalThis ? "eval" : "-e", code],
        {
          cwd: ROOT,
          encoding: "utf8",
          env: { ...process.env, OPENSSL_MODULES: empty },
        },
      );
      const [camellia, bf, rc4] = stdout.split("\n");
      assert.equal(camellia, "undefined", stderr);
      const legacy =
        / needs libcrypto's legacy provider: legacy\.so for .* is missing/;
      assert.match(bf!, new RegExp(`^bf-cfb${legacy.source}`));
      assert.match(rc4!, new RegExp(`^rc4-md5${legacy.source}`));
    } finally {
      rmSync(empty, { recursive: true });
    }
  });
});

describe("opensslKeyStreams()", () => {
  test("says so, when there is no library", () => {
    assert.throws(
      () => opensslKeyStreams(["/nonexistent/libcrypto.so.3"]),
      /libcrypto cannot be used: .*nonexistent/s,
    );
  });
});

test("systemKeyStreams() always has the reference first", () => {
  const [first] = systemKeyStreams();
  assert.ok(first !== undefined && "provider" in first);
  assert.equal(first.provider.name, "noble");
});

function checkProvider(provider: KeyStreamProvider): void {
  for (const method of STREAM_METHODS) {
    const { name, keyLength, ivLength } = method;
    if (provider.lacks(method) !== undefined) continue;
    test(`computes ${name} right`, () => {
      assert.equal(
        findKeyStreamFault(provider, method, systemRandomBytes),
        undefined,
      );
    });

    test(`refuses a wrong output and use after free() for ${name}`, () => {
      for (const direction of ["encrypt", "decrypt"] as const) {
        const key = new Uint8Array(keyLength).fill(7);
        const iv = new Uint8Array(ivLength);
        const stream = provider.keyStream(method, key, iv, direction);
        const input = new Uint8Array(30);
        for (const size of [0, 29, 31]) {
          assert.throws(
            () => stream.apply(input, new Uint8Array(size)),
            RangeError,
          );
        }
        stream.apply(input, new Uint8Array(30));
        stream.free();
        stream.free();
        assert.throws(() => stream.apply(input, new Uint8Array(30)), TypeError);
      }
    });
  }
}
