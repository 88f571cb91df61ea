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

const NO_SECCOMP = "SKIPPED, needs python3, seccomp and a known processor";

const BLOCK = fileURLToPath(
  new URL("../support/without_call.py", import.meta.url),
);

/** The same on every processor. */
const IO_URING_SETUP = "425";

/** By processor: our sockets need it, and Deno's do not. */
const RECVMMSG: Readonly<Record<string, string>> = { x64: "299", arm64: "243" };

/** The command in which a call is blocked. */
function without(call: string, command: readonly string[]): string[] {
  return ["python3", BLOCK, call, ...command];
}

function canBlock(): boolean {
  return spawnSync("python3", [BLOCK, IO_URING_SETUP, "true"]).status === 0;
}

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
  if (!canBlock()) return t.skip(NO_SECCOMP);
  const chosen = choose(
    without(IO_URING_SETUP, [
      process.execPath,
      ...script("chosen_transport.ts"),
    ]),
  );
  assert.equal(chosen.name, "linux");
  assert.deepEqual(chosen.payload, [7]);
  assert.match(
    chosen.warnings.join("\n"),
    isDeno
      ? /^--transport linux wakes up by a thread, .*: Cannot set up io_uring: EPERM$/m
      : /^--transport linux wakes up by a nested event queue, .*: Cannot set up io_uring: EPERM$/m,
  );
});

test("auto: sockets of our own with io_uring, and else the runtime's", {
  skip,
}, (t) => {
  const command = [process.execPath, ...script("chosen_transport.ts"), "auto"];
  if (!canBlock()) return t.skip(NO_SECCOMP);
  const blocked = choose(without(IO_URING_SETUP, command));
  assert.notEqual(blocked.name, "linux");
  assert.deepEqual(blocked.payload, [7]);
  assert.deepEqual(blocked.warnings, []);
  const linux = choose([process.execPath, ...script("chosen_transport.ts")]);
  if (linux.warnings.length > 0) {
    return t.skip(`SKIPPED, io_uring is blocked here: ${linux.warnings[0]}`);
  }
  assert.equal(choose(command).name, "linux");
});

test("linux: umbra check transport says which bell wakes, and why", {
  skip,
}, (t) => {
  if (!canBlock()) return t.skip(NO_SECCOMP);
  const umbra = fileURLToPath(new URL("../../src/main.ts", import.meta.url));
  const command = isDeno
    ? [process.execPath, "run", "-A", "--no-check", "--unstable-net", umbra]
    : [process.execPath, "--no-install", umbra];
  const table = run(
    without(IO_URING_SETUP, [...command, "check", "transport"]),
  );
  assert.match(
    table,
    /^ +wakes by a .*: Cannot set up io_uring: EPERM$/m,
  );
  assert.match(table, /^auto chooses the runtime's sockets, because /m);
  assert.match(table, /^ +UDP receive buffer: \d+ bytes of 2097152 requested/m);
});

test("linux: the runtime's sockets serve, when a call of ours is blocked", {
  skip,
}, (t) => {
  if (!isDeno) return t.skip("SKIPPED, Bun's sockets need it as well");
  const recvmmsg = RECVMMSG[process.arch];
  if (recvmmsg === undefined || !canBlock()) return t.skip(NO_SECCOMP);
  const chosen = choose(
    without(recvmmsg, [process.execPath, ...script("chosen_transport.ts")]),
  );
  assert.equal(chosen.name, "deno");
  assert.deepEqual(chosen.payload, [7]);
  assert.equal(chosen.warnings.length, 1);
  assert.match(
    chosen.warnings[0]!,
    /^--transport linux is not available, .*: Cannot receive: EPERM; see umbra check transport$/,
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
    /^--transport linux is not available, .*: Deno was not granted --allow-ffi=\S+; see umbra check transport$/,
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

function choose(command: string[]): Chosen {
  return JSON.parse(run(command));
}

function run([command, ...args]: string[]): string {
  const child = spawnSync(command!, args, {
    encoding: "utf8",
    timeout: 30_000,
  });
  assert.equal(child.status, 0, `${child.stderr}${child.error ?? ""}`);
  return child.stdout;
}
