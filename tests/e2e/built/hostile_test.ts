/**
 * Executables in an unusual place: as the user "nobody", in an empty
 * environment, in a root folder that contains only their libraries and traps.
 *
 * @module
 */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import {
  chmodSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { COMMANDS } from "../../../src/cli/commands/commands.ts";
import { BARE_ROOT_SKIP, fillRoot, inRoot } from "../../support/bare_root.ts";
import { COMPILER_SKIP } from "../../support/deno_compiler.ts";
import { buildExecutables, COMPILERS } from "../../support/executables.ts";
import { freePort, Program, runToEnd } from "../../support/process.ts";
import { announceSkip } from "../../support/report.ts";

const URI = "ss://YWVzLTI1Ni1nY206dGVzdA@127.0.0.1:1";

/** What each command is run with, the exit code, and what it then says. */
const RUNS: readonly (readonly [words: string, code: number, says: RegExp])[] =
  [
    ["--version", 0, /^umbra \d/],
    ["--help", 0, /^Usage: umbra/],
    ["help server", 0, /^Usage: umbra server/],
    ["genkey aes-256-gcm", 0, /^\S{43}\n$/],
    [`url ${URI} --qr`, 0, /^ss:\/\//],
    ["check crypto", 0, /aes-256-gcm +openssl +[\d,]+ +chosen/],
    [`convert ${URI}`, 0, /"server_port": 1/],
    ["route example.com", 2, /No routes: give --acl FILE/],
    ["check config /server.json", 0, /method +aes-256-gcm/],
    [`check server ${URI}`, 1, /127\.0\.0\.1:1/],
    [`doctor ${URI}`, 1, /ok +crypto .*openssl/],
    ["top --admin 127.0.0.1:1 --json", 1, /127\.0\.0\.1:1/],
    ["redir rules", 2, /No server to connect to: give -s HOST:PORT/],
    ["env", 0, /^export http_proxy=/],
    ["migrate /nothing.json", 2, /the file does not exist/],
    ["user list --admin 127.0.0.1:1", 1, /127\.0\.0\.1:1: no program listens/],
    ["fleet init", 2, /No engine: give --fleet URL/],
    ["system-proxy off", 0, /System proxy: nothing to restore/],
    ["completions bash", 0, /complete -F/],
    ["man", 0, /^\.TH UMBRA/],
    ["init --yes --host umbra.example --dir /made", 2, /read-only/],
  ];

/** Commands that run until a signal; a port is added. */
const SERVICES = [
  "server -c /server.json -s 127.0.0.1 -p ",
  `local ${URI} -l `,
  `tunnel ${URI} -L 192.0.2.1:80 -l `,
];

const folder = mkdtempSync(join(tmpdir(), "umbra-hostile-"));
after(() => rmSync(folder, { recursive: true, force: true }));

if (BARE_ROOT_SKIP) announceSkip(BARE_ROOT_SKIP);
if (COMPILER_SKIP) announceSkip(COMPILER_SKIP);

test("every command is run in a root of its own", () => {
  const words = [...RUNS.map(([words]) => words), ...SERVICES];
  const run = new Set(words.map((words) => words.split(" ")[0]));
  for (const { name } of COMMANDS) assert.ok(run.has(name), name);
});

for (const compiler of COMPILERS) {
  const skip = BARE_ROOT_SKIP || (compiler === "deno" && COMPILER_SKIP);
  const root = join(folder, compiler);

  before(() => {
    if (skip) return;
    const dist = join(folder, `${compiler}-dist`);
    buildExecutables(compiler, dist);
    mkdirSync(root);
    fillRoot(root, join(dist, "umbra"));
    setTraps(root);
  });

  test(`${compiler}: every command runs in a root that is read-only`, {
    skip,
  }, async () => {
    const under = [...inRoot(root, "ro"), "/umbra"];
    for (const [words, code, says] of RUNS) {
      const run = await runToEnd([...under, ...words.split(" ")], 20_000);
      assert.equal(run.code, code, `${words}: ${run.output}`);
      assert.match(run.output, says, `${words}: ${run.output}`);
      assert.doesNotMatch(run.output, /evil/, words);
    }
    for (const words of SERVICES) await serves(under, words);
  });

  test(`${compiler}: nothing is written that was not asked for`, {
    skip,
  }, async () => {
    const under = [...inRoot(root, "rw"), "/umbra"];
    const before = listOf(root);
    for (const [words] of RUNS) {
      if (words.startsWith("init")) continue;
      await runToEnd([...under, ...words.split(" ")], 20_000);
      assert.deepEqual(listOf(root), before, words);
    }
    for (const words of SERVICES) {
      await serves(under, words);
      assert.deepEqual(listOf(root), before, words);
    }
    const init = "init --yes --host umbra.example --dir /made";
    const { code, output } = await runToEnd(
      [...under, ...init.split(" ")],
      20_000,
    );
    assert.equal(code, 0, output);
    const after = listOf(root).filter((line) => !line.startsWith("/made"));
    assert.deepEqual(after, before);
  });

  test(`${compiler}: a missing libcrypto is named, where it costs speed`, {
    skip,
  }, async () => {
    for (const path of listOf(root).map((line) => line.split(" ")[0]!)) {
      if (/libcrypto/.test(path)) rmSync(join(root, path));
    }
    const port = await freePort();
    const words = `server -c /server.json -s 127.0.0.1 -p ${port}`;
    const command = [...inRoot(root, "ro"), "/umbra", ...words.split(" ")];
    await using program = await Program.start(command, { ready: /listening/ });
    // Bun has a fast cipher of its own.
    const slow = /aes-256-gcm is slow on this machine: node reaches \d+ MiB\/s/;
    if (compiler === "deno") assert.match(program.output, slow);
    else assert.doesNotMatch(program.output, /slow on this machine/);
  });
}

async function serves(under: string[], words: string): Promise<void> {
  const port = await freePort();
  const command = [...under, ...`${words}${port}`.split(" ")];
  await using program = await Program.start(command, {
    ready: new RegExp(`listening on \\S*:${port}\\b`),
  });
  const exit = await program.stop();
  assert.deepEqual(exit, { code: 0, signal: null }, program.describe());
  assert.doesNotMatch(program.output, /evil|slow on this machine/);
}

/**
 * What a program that looks around would hang on, or run: in the folder it is
 * started in, which is the root, and in the one for temporary files.
 */
function setTraps(root: string): void {
  const fifo = join(root, "tmp", "deno-compile-umbra.cache");
  assert.equal(spawnSync("mkfifo", [fifo]).status, 0);
  const put = (name: string, text: string): void =>
    writeFileSync(join(root, name), text);
  put("evil.ts", 'console.log("evil");');
  put("bunfig.toml", 'preload = ["./evil.ts"]\n');
  put(".env", "UMBRA_PASSWORD=evil\nNO_COLOR=evil\n");
  put("deno.json", '{"imports": {"node:process": "./evil.ts"}}');
  put("package.json", '{"imports": {"#evil": "./evil.ts"}}');
  put(
    "server.json",
    '{"server_port": 8388, "method": "aes-256-gcm", "password": "x"}',
  );
  for (const path of [root, join(root, "tmp"), fifo]) chmodSync(path, 0o777);
}

/** Path, kind, length and time of everything in a folder but `/proc`. */
function listOf(root: string): string[] {
  return readdirSync(root, { recursive: true }).map(String)
    .filter((path) => path !== "proc").sort()
    .map((path) => {
      const { mode, size, mtimeMs } = lstatSync(join(root, path));
      return `/${path} ${mode} ${size} ${mtimeMs}`;
    });
}
