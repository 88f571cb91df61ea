/**
 * What configurations refer to, in the program itself: files, permissions and
 * the environment of both runtimes.
 */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";

const MAIN = fileURLToPath(new URL("../../../src/main.ts", import.meta.url));
const onDeno = process.versions.deno !== undefined;

const folder = mkdtempSync(join(tmpdir(), "umbra-config-"));
after(() => rmSync(folder, { recursive: true }));

/** One run of the program: exit code, standard output, standard error. */
type Outcome = readonly [code: number | null, out: string, error: string];

function run(
  args: readonly string[],
  variables: Readonly<Record<string, string>> = {},
  permissions: readonly string[] = ["-A"],
): Outcome {
  const start = onDeno ? ["run", "--no-prompt", ...permissions] : [];
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [...start, MAIN, ...args],
    {
      encoding: "utf8",
      timeout: 30_000,
      env: { ...process.env, NO_COLOR: "1", ...variables },
    },
  );
  return [status, stdout, stderr];
}

function file(name: string, text: string, mode: number): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  // The mode of a new file is what the umask leaves of it.
  chmodSync(path, mode);
  return path;
}

const URL_OF_PW = "ss://YWVzLTI1Ni1nY206cHc@192.0.2.1:8388\n";
const SERVER = ["-s", "192.0.2.1:8388", "-m", "aes-256-gcm"];

test("umbra check config prints what would run, and ends with 0 or 2", () => {
  const good = file(
    "good",
    '{ "server_port": 1, "password": "secret", "method": "aes-256-gcm" }',
    0o600,
  );
  const [code, out, error] = run(["check", "config", good]);
  assert.deepEqual([code, error], [0, ""]);
  assert.match(
    out,
    /^.*good: a configuration of umbra server\n\nss-server 0\./,
  );
  assert.doesNotMatch(out, /secret/);
  const bad = file("bad", '{ "server_port": 70000 }', 0o600);
  const [badCode, badOut, badError] = run(["check", "config", bad]);
  assert.deepEqual([badCode, badError], [2, ""]);
  assert.match(
    badOut,
    /^To change\n.*bad:1:18: server_port is 70000, expected a port from 1 to 65535$/m,
  );
  assert.equal(run(["check", "config"])[0], 2);
});

test("umbra takes its password from a file, and warns when others can read it", () => {
  const safe = file("safe", "pw\n", 0o600);
  assert.deepEqual(run(["url", ...SERVER, "--password-file", safe]), [
    0,
    URL_OF_PW,
    "",
  ]);
  const open = file("open", "pw\n", 0o644);
  const config = file("config", '{ "password_file": "open" }', 0o600);
  assert.deepEqual(run(["url", ...SERVER, "-c", config]), [
    0,
    URL_OF_PW,
    `umbra: ${open} can be read by every user of this machine: chmod 600\n`,
  ]);
});

test("umbra takes its password from the environment", () => {
  const variables = { UMBRA_PASSWORD: "pw", OTHER: "pw" };
  assert.deepEqual(run(["url", ...SERVER], variables), [0, URL_OF_PW, ""]);
  const config = file("variable", '{ "password": "${OTHER}" }', 0o600);
  const args = ["url", ...SERVER, "-c", config];
  assert.deepEqual(run(args, variables), [0, URL_OF_PW, ""]);
  const [code, , error] = run(args);
  assert.match(
    error,
    /variable:1:15: password: the environment variable .*OTHER is not set/,
  );
  assert.equal(code, 2);
});

test("umbra names the permission that Deno was not granted", {
  skip: onDeno ? false : "Bun has no permissions",
}, () => {
  const config = file("denied", '{ "password": "${OTHER}" }', 0o600);
  const args = ["url", ...SERVER, "-c", config];
  const [code, , error] = run(args, {}, ["--allow-read"]);
  assert.match(error, /denied:1:15: password: .*OTHER.*--allow-env=OTHER\n$/);
  assert.equal(code, 2);
  // Without any, Deno's `spawnSync` would grant its own.
  assert.match(
    run(args, {}, ["--allow-env"])[2],
    /Cannot read .*denied.*--allow-read\n$/,
  );
  const [, , missing] = run(["url", ...SERVER], {}, ["--allow-read"]);
  assert.match(missing, /no password: .*--allow-env=UMBRA_PASSWORD\n$/);
});
