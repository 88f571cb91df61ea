/**
 * Programs of the system: what they are given, what is heard of them, and that
 * none is left.
 */
import assert from "node:assert/strict";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import {
  findProgram,
  programEnvironment,
  programsRefusal,
  systemPrograms,
} from "../../../../src/adapters/system/programs.ts";
import { MAX_PROGRAM_LINE, PROGRAM_END_MS } from "../../../../src/limits.ts";
import type { RunningProgram } from "../../../../src/programs.ts";
import { isAlive } from "../../../support/process.ts";
import { until } from "../../../support/within.ts";

const SKIP = process.platform !== "linux" && "looks into /proc";

/** Runs a script, and keeps what it says. */
function sh(
  script: string,
  env: Record<string, string> = {},
): { program: RunningProgram; lines: string[] } {
  const lines: string[] = [];
  const program = systemPrograms.start({
    path: "/bin/sh",
    args: ["-c", script, "name", "a b", "$x"],
    env: { PATH: "/usr/bin:/bin", ...env },
    onLine: (line) => lines.push(line),
  });
  return { program, lines };
}

test("a program has the arguments and the environment it was given, no more", {
  skip: SKIP,
}, async () => {
  process.env["UMBRA_PASSWORD"] = "secret";
  try {
    const { program, lines } = sh('echo "$1|$2"; env', { SS_X: "1;2 3" });
    assert.equal(await program.ended, "ended with code 0");
    assert.equal(lines.shift(), "a b|$x");
    const names = lines.map((line) => line.split("=")[0])
      .filter((name) => !["PWD", "OLDPWD", "SHLVL", "_"].includes(name!));
    assert.deepEqual(names.toSorted(), ["PATH", "SS_X"]);
    assert.ok(lines.includes("SS_X=1;2 3"));
  } finally {
    delete process.env["UMBRA_PASSWORD"];
  }
});

test("both streams are heard to the last line, and long ones are cut", {
  skip: SKIP,
}, async () => {
  const { program, lines } = sh(
    "echo one; echo two >&2; i=0; while [ $i -lt 90 ]; do " +
      "printf 0123456789; i=$((i+1)); done; echo; printf last; exit 7",
  );
  assert.equal(await program.ended, "ended with code 7");
  const long = lines.find((line) => line.startsWith("0123"))!;
  assert.equal(long.length, MAX_PROGRAM_LINE);
  assert.deepEqual(
    lines.filter((line) => line !== long).toSorted(),
    ["last", "one", "two"],
  );
});

test("a program that a signal has ended, and one that is none", {
  skip: SKIP,
}, async () => {
  assert.equal(
    await sh("kill -SEGV $$").program.ended,
    "was ended by signal 11",
  );
  const lines: string[] = [];
  const program = systemPrograms.start({
    path: "/nonexistent",
    args: [],
    env: {},
    onLine: (line) => lines.push(line),
  });
  assert.equal(await program.ended, "ended with code 127");
  assert.match(lines.join(), /not found|No such file/);
});

test("end() ends a program and what it has started", {
  skip: SKIP,
}, async () => {
  const { program, lines } = sh("sleep 60 & echo $!; echo $$; wait");
  await until(5_000, "both pids", () => lines.length === 2);
  program.end();
  program.end();
  assert.equal(await program.ended, "was ended by signal 15");
  for (const pid of lines.map(Number)) {
    await until(2_000, `the end of ${pid}`, () => !isAlive(pid));
  }
});

test("a program that ignores SIGTERM is killed after 3 s", {
  skip: SKIP,
}, async () => {
  const { program, lines } = sh(
    "trap 'echo no' TERM; echo $$; while :; do sleep 0.1; done",
  );
  await until(5_000, "its pid", () => lines.length > 0);
  const startMs = performance.now();
  program.end();
  await program.ended;
  const tookMs = performance.now() - startMs;
  assert.ok(tookMs >= PROGRAM_END_MS - 50, `${tookMs}`);
  assert.ok(lines.includes("no"));
  const pid = Number(lines[0]);
  await until(2_000, "its end", () => !isAlive(pid));
});

test("a program is found by its path, in PATH, and from a folder", {
  skip: SKIP,
}, () => {
  const folder = mkdtempSync(join(tmpdir(), "umbra-programs-"));
  const before = process.env["PATH"];
  try {
    const path = join(folder, "some-plugin");
    writeFileSync(path, "#!/bin/sh\n");
    process.env["PATH"] = `/nowhere:${folder}`;
    assert.equal(findProgram("some-plugin", ""), undefined);
    chmodSync(path, 0o755);
    assert.equal(findProgram("some-plugin", ""), path);
    assert.equal(findProgram(path, "/else"), path);
    assert.equal(findProgram("./some-plugin", folder), path);
    assert.equal(findProgram("./some-plugin", "/"), undefined);
    assert.equal(findProgram(folder, ""), undefined);
    assert.equal(programEnvironment()["PATH"], `/nowhere:${folder}`);
    delete process.env["PATH"];
    assert.equal(findProgram("sh", "")?.endsWith("/bin/sh"), true);
  } finally {
    process.env["PATH"] = before;
    rmSync(folder, { recursive: true });
  }
});

test("programs can be run here", { skip: SKIP }, () => {
  assert.equal(programsRefusal(), undefined);
});
