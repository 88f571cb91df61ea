import assert from "node:assert/strict";
import { test } from "node:test";
import { layoutOf } from "../../../../src/adapters/net/linux/epoll_event.ts";
import { C_LIBRARIES } from "../../../../src/adapters/system/_libc.ts";

test("layoutOf() knows both processors, and refuses every other", () => {
  // On x86-64 the structure is packed: 12 bytes, and 16 elsewhere.
  assert.deepEqual(layoutOf("x64"), [3, 1]);
  assert.deepEqual(layoutOf("arm64"), [4, 2]);
  assert.throws(() => layoutOf("riscv64"), {
    message: "unknown layout of epoll for processor riscv64",
  });
});

test("C_LIBRARIES names glibc and musl of both processors by their full paths", () => {
  for (
    const path of [
      "/usr/lib/x86_64-linux-gnu/libc.so.6",
      "/usr/lib/aarch64-linux-gnu/libc.so.6",
      "/lib/libc.musl-x86_64.so.1",
      "/lib/libc.musl-aarch64.so.1",
    ]
  ) assert.ok(C_LIBRARIES.includes(path), path);
});
