/**
 * Tests the harness: a program that never gets ready, ends early or ignores
 * SIGTERM must not block a test.
 *
 * @module
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { freePort, Program, runToEnd, waitForPort } from "./process.ts";
import { until } from "./within.ts";

const sh = (script: string): string[] => ["sh", "-c", script];

test("Program.start() waits for the line, when the program prints one", async () => {
  await using program = await Program.start(
    sh("sleep 0.1; echo ready >&2; exec sleep 60"),
    { ready: /ready/ },
  );
  assert.match(program.output, /ready/);
  assert.ok(program.pid > 0);
});

test("Program.start() throws with the output, when the program ends early", async () => {
  await assert.rejects(
    Program.start(sh("echo no such luck; exit 3"), { ready: /ready/ }),
    /Ended with 3: [\s\S]*no such luck/,
  );
});

test("Program.start() throws and ends the program, when it says nothing", async () => {
  await assert.rejects(
    Program.start(sh("exec sleep 60"), { ready: /ready/, readyMs: 100 }),
    /in vain for \/ready\//,
  );
});

test("Program.start() throws, when there is no such program", async () => {
  await assert.rejects(
    Program.start(["/no/such/program"], { ready: /x/ }),
    /Cannot start \/no\/such\/program/,
  );
});

test("Program.stop() kills, when SIGTERM is ignored", async () => {
  const program = await Program.start(
    sh("trap '' TERM; echo ready; while :; do sleep 0.1; done"),
    { ready: /ready/ },
  );
  const exit = await program.stop(200);
  assert.deepEqual(exit, { code: null, signal: "SIGKILL" });
  assert.deepEqual(await program.stop(), exit);
});

test("Program measures memory, time and descriptors", async () => {
  await using program = await Program.start(
    sh("echo ready; while :; do :; done"),
    { ready: /ready/ },
  );
  await until(10_000, "processor time", () => program.cpuMs() >= 50);
  assert.ok(program.rssBytes() > 100_000);
  assert.ok(program.descriptors() >= 3);
});

test("runToEnd() gives exit code and output of both streams", async () => {
  const { code, output } = await runToEnd(
    sh("echo a; echo b >&2; exit 7"),
    5_000,
  );
  assert.equal(code, 7);
  assert.deepEqual(output.trim().split("\n").sort(), ["a", "b"]);
});

test("runToEnd() throws, when the program does not end", async () => {
  await assert.rejects(
    runToEnd(sh("exec sleep 60"), 100),
    /in vain for the end/,
  );
});

test("waitForPort() throws, when the port has no listener", async () => {
  await assert.rejects(
    waitForPort(await freePort(), 100),
    /in vain until port/,
  );
});
