import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import process from "node:process";
import { test } from "node:test";
import {
  descriptorLimit,
  raiseDescriptorLimit,
} from "../../../../src/adapters/system/_descriptors.ts";
import { libc } from "../../../../src/adapters/system/_libc.ts";

const skip = process.platform !== "linux";

test("raiseDescriptorLimit() makes the soft limit the hard one", {
  skip,
}, () => {
  const before = limits();
  // Back down first: the runtimes have raised it.
  const lower = BigUint64Array.of(256n, BigInt(before.hard));
  assert.equal(libc()!.setrlimit(7, new Uint8Array(lower.buffer)), 0);
  assert.equal(descriptorLimit(), 256);
  raiseDescriptorLimit();
  assert.equal(limits().soft, before.hard);
  assert.equal(descriptorLimit(), Number(before.hard));
});

function limits(): { soft: string; hard: string } {
  const text = readFileSync("/proc/self/limits", "utf8");
  const [, soft, hard] = /^Max open files +(\d+) +(\d+)/m.exec(text)!;
  return { soft: soft!, hard: hard! };
}
