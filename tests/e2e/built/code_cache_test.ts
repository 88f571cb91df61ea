/**
 * What Deno compiles reads a cache of compiled code from a file of a known name
 * in the folder for temporary files, which everybody may write to, unless
 * `build.ts` forbids it.
 *
 * @module
 */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import {
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, test } from "node:test";
import { DENO_COMPILE } from "../../../build.ts";
import { COMPILER_SKIP, denoCompiler } from "../../support/deno_compiler.ts";
import { runToEnd } from "../../support/process.ts";

/** Milliseconds in which a program that hangs would not have ended. */
const HANG_MS = 5_000;

const WITHOUT = DENO_COMPILE.filter((flag) => flag !== "--no-code-cache");

const folder = mkdtempSync(join(tmpdir(), "umbra-cache-"));
after(() => rmSync(folder, { recursive: true, force: true }));

test("a compiled program starts, when a FIFO is where a cache could be", {
  skip: COMPILER_SKIP,
}, async () => {
  const said = compile("fifo/said", 'console.log("good");', DENO_COMPILE);
  const temporary = join(folder, "fifo");
  const fifo = join(temporary, "deno-compile-said.cache");
  assert.equal(spawnSync("mkfifo", [fifo]).status, 0);
  const { output } = await runToEnd([said], HANG_MS, {
    env: { TMPDIR: temporary },
  });
  assert.equal(output, "good\n");
});

test("a compiled program does what it was built for, when a cache is planted", {
  skip: COMPILER_SKIP,
}, async () => {
  // The recipe works on a program that is built without the flag.
  const open = compile("open/said", 'console.log("good");', WITHOUT);
  const evil = compile("evil/said", 'console.log("evil");', WITHOUT);
  const planted = join(folder, "planted");
  await plant(planted, open, evil);
  assert.equal(await saidIn(planted, open), "evil\n");

  const safe = compile("safe/said", 'console.log("good");', DENO_COMPILE);
  await plant(planted, open, evil);
  assert.equal(await saidIn(planted, safe), "good\n");
});

/** Puts the code of one program where another looks for its own. */
async function plant(
  temporary: string,
  victim: string,
  evil: string,
): Promise<void> {
  const path = join(temporary, "deno-compile-said.cache");
  const cacheOf = async (program: string): Promise<Uint8Array> => {
    rmSync(temporary, { recursive: true, force: true });
    mkdirSync(temporary);
    // The first run notes what is used, the second one writes.
    for (let run = 0; run < 2; run++) await saidIn(temporary, program);
    return readFileSync(path);
  };
  const mine = await cacheOf(victim);
  const theirs = await cacheOf(evil);
  assert.equal(mine.length, theirs.length);
  // The key of the program comes first; hashes of source and code come last.
  const forged = theirs.slice();
  forged.set(mine.subarray(0, 8));
  forged.set(mine.subarray(-16, -8), forged.length - 16);
  writeFileSync(path, forged);
}

async function saidIn(temporary: string, program: string): Promise<string> {
  const env = { TMPDIR: temporary };
  return (await runToEnd([program], HANG_MS, { env })).output;
}

function compile(
  name: string,
  text: string,
  flags: readonly string[],
): string {
  const { deno, env } = denoCompiler();
  const output = join(folder, name);
  mkdirSync(dirname(output), { recursive: true });
  const source = join(dirname(output), "main.js");
  writeFileSync(source, text);
  const words = ["compile", "--quiet", ...flags, `--output=${output}`, source];
  const { status, stderr } = spawnSync(deno, words, { env, encoding: "utf8" });
  assert.equal(status, 0, stderr);
  return output;
}
