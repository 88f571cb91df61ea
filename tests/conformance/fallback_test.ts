/**
 * What `--transport linux` comes to where a part of it is missing: something
 * that works, and one line that tells why. The child must end by itself.
 */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import process from "node:process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { C_LIBRARIES } from "../../src/adapters/system/_libc.ts";
import { script } from "./peers.ts";

const isDeno = "Deno" in globalThis;
const linux = process.platform === "linux";
const skip = linux ? false : "SKIPPED, needs Linux";

const BLOCK = fileURLToPath(
  new URL("../support/without_io_uring.py", import.meta.url),
);

/** What a child prints. */
interface Chosen {
  readonly name: string;
  readonly warnings: readonly string[];
  readonly payload: readonly number[];
}

test("linux: io_uring wakes the runtime, and nothing needs to be told", {
  skip,
}, (t) => {
  const chosen = choose([process.execPath, ...script("chosen_transport.ts")]);
  if (chosen.warnings[0]?.includes("io_uring")) {
    return t.skip(`SKIPPED, io_uring is blocked here: ${chosen.warnings[0]}`);
  }
  assert.equal(chosen.name, "linux");
  assert.deepEqual(chosen.payload, [7]);
});

test("linux: another bell wakes the runtime, when io_uring is blocked", {
  skip,
}, (t) => {
  if (spawnSync("python3", [BLOCK, "true"]).status !== 0) {
    return t.skip("SKIPPED, needs python3 and seccomp");
  }
  const chosen = choose([
    "python3",
    BLOCK,
    process.execPath,
    ...script("chosen_transport.ts"),
  ]);
  assert.equal(chosen.name, "linux");
  assert.deepEqual(chosen.payload, [7]);
  assert.match(
    chosen.warnings.join("\n"),
    isDeno
      ? /^--transport linux wakes by a thread, .*: Cannot set up io_uring: EPERM$/m
      : /^--transport linux wakes by a nested event queue, .*: Cannot set up io_uring: EPERM$/m,
  );
});

test("linux: a scoped --allow-ffi is enough, on Deno", { skip }, (t) => {
  if (!isDeno) return t.skip("SKIPPED, Bun has no permissions");
  const paths = C_LIBRARIES.filter((path) => path.startsWith("/"));
  const chosen = choose(permitted("--allow-net", `--allow-ffi=${paths}`));
  assert.equal(chosen.name, "linux");
  assert.deepEqual(chosen.payload, [7]);
});

test("linux: the runtime's sockets serve, when Deno may not call libc", {
  skip,
}, (t) => {
  if (!isDeno) return t.skip("SKIPPED, Bun has no permissions");
  const chosen = choose(permitted("--allow-net"));
  assert.equal(chosen.name, "deno");
  assert.deepEqual(chosen.payload, [7]);
  assert.equal(chosen.warnings.length, 1);
  assert.match(
    chosen.warnings[0]!,
    /^--transport linux cannot be had, .*: Deno was not given --allow-ffi=\S+; see umbra check transport$/,
  );
});

/** Our script with these permissions and no others. */
function permitted(...permissions: string[]): string[] {
  const path = script("chosen_transport.ts").at(-1)!;
  return [
    process.execPath,
    ...["run", "--no-check", "--no-prompt", "--unstable-net"],
    ...permissions,
    path,
  ];
}

function choose([command, ...args]: string[]): Chosen {
  const child = spawnSync(command!, args, {
    encoding: "utf8",
    timeout: 30_000,
  });
  assert.equal(child.status, 0, `${child.stderr}${child.error ?? ""}`);
  return JSON.parse(child.stdout);
}
