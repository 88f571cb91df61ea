import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { parseArguments } from "../../../src/cli/options/args.ts";
import { findCommand } from "../../../src/cli/commands/commands.ts";
import {
  offered,
  operandsOf,
  valuesOf,
} from "../../../src/cli/completions/completion_values.ts";
import { completions } from "../../../src/cli/completions/completions.ts";
import { COMMANDS } from "../../../src/cli/commands/commands.ts";
import { METHODS } from "../../../src/crypto/method.ts";
import { ConfigError } from "../../../src/errors.ts";
import { announceSkip } from "../../support/report.ts";

const folder = mkdtempSync(join(tmpdir(), "umbra-completions-"));
after(() => rmSync(folder, { recursive: true, force: true }));
mkdirSync(join(folder, "some where"));
writeFileSync(join(folder, "server.json"), "");

/** Each shell's script in a file; why it cannot be tried, if so. */
const scripts = ["bash", "zsh", "fish"].map((shell) => {
  const path = join(folder, `umbra.${shell}`);
  writeFileSync(path, completions(shell));
  const absent = spawnSync(shell, ["--version"]).error &&
    `${shell} not found: apt-get install -y ${shell}`;
  if (absent) announceSkip(absent);
  return { shell, path, skip: absent || false };
});
const [bash, zsh, fish] = scripts;

function run(program: string, ...args: string[]): string {
  const { stdout, stderr, status } = spawnSync(program, args, {
    cwd: folder,
    encoding: "utf8",
    env: { PATH: process.env["PATH"], HOME: folder, TERM: "dumb" },
  });
  assert.equal(stderr, "");
  assert.equal(status, 0);
  return stdout;
}

/** What bash offers for the last word. */
function offers(...words: string[]): string[] {
  return run(
    "bash",
    ...["--norc", "-c"],
    'source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); ' +
      'complete -p "${1##*/}" >/dev/null && _umbra; ' +
      'printf "%s\\n" "${COMPREPLY[@]}"',
    ...["bash", bash!.path, ...words],
  ).split("\n").filter(Boolean);
}

test("bash completes commands", bash, () => {
  assert.deepEqual(offers("umbra", "lo"), ["local"]);
  assert.deepEqual(offers("umbra", "").slice(0, 4), [
    "local",
    "tunnel",
    "redir",
    "server",
  ]);
  assert.deepEqual(offers("umbra", "help", "gen"), ["genkey"]);
});

test(
  "bash completes options of the command, and none that is not served",
  bash,
  () => {
    assert.deepEqual(offers("umbra", "local", "--enc"), ["--encrypt-method"]);
    assert.deepEqual(offers("umbra", "init", "--fo"), ["--force"]);
    assert.deepEqual(offers("umbra", "local", "--worker-t"), []);
    const all = offers("umbra", "server", "-");
    for (const one of ["--config", "-c", "--method", "--help"]) {
      assert.ok(all.includes(one), one);
    }
    assert.deepEqual(offers("/opt/ss-local", "--socks-"), ["--socks-user"]);
    assert.deepEqual(offers("ss-tunnel", "--tunnel"), ["--tunnel-address"]);
  },
);

test("bash completes values, also after an equals sign", bash, () => {
  const methods = METHODS.map(({ name }) => name);
  for (const words of [["-m", ""], ["--method", ""], ["--method", "="]]) {
    assert.deepEqual(offers("umbra", "local", ...words), methods);
  }
  const blake = offers("umbra", "local", "--method", "=", "2022-blake3-c");
  assert.deepEqual(blake, ["2022-blake3-chacha20-poly1305"]);
  assert.deepEqual(offers("umbra", "genkey", "aes-2"), ["aes-256-gcm"]);
  assert.deepEqual(offers("umbra", "completions", ""), ["bash", "zsh", "fish"]);
  assert.deepEqual(offers("umbra", "local", "--local-port", ""), []);
});

test("bash completes paths, where one is wanted", bash, () => {
  assert.deepEqual(offers("umbra", "server", "-c", "ser"), ["server.json"]);
  assert.deepEqual(offers("umbra", "init", "--dir", "s"), ["some where"]);
});

test("zsh takes its script", zsh, () => {
  run("zsh", "-f", "-n", zsh!.path);
});

test("fish completes commands, options, values and paths", fish, () => {
  const complete = (line: string): string[] =>
    run(
      "fish",
      "--no-config",
      "-c",
      `source ${fish!.path}; complete -C "${line}"`,
    )
      .split("\n").filter(Boolean).map((row) => row.split("\t")[0]!);
  assert.deepEqual(complete("umbra lo"), ["local"]);
  assert.deepEqual(complete("umbra local --enc"), ["--encrypt-method"]);
  assert.deepEqual(complete("ss-local --socks-u"), ["--socks-user"]);
  assert.deepEqual(complete("umbra genkey aes-2"), ["aes-256-gcm"]);
  assert.deepEqual(complete("umbra local -m 2022-blake3-c"), [
    "2022-blake3-chacha20-poly1305",
  ]);
  assert.ok(complete("umbra server -c ser").includes("server.json"));
});

test("every script names every command and every option", () => {
  for (const shell of ["bash", "zsh", "fish"]) {
    const script = completions(shell);
    for (const command of COMMANDS) {
      assert.ok(script.includes(command.name));
      for (const { name } of offered(command)) {
        assert.match(script, new RegExp(`-l ${name}\\b|--${name}\\b`));
      }
    }
  }
});

test("words that are offered as values are words the help names", () => {
  for (const command of COMMANDS) {
    for (const option of offered(command)) {
      const values = valuesOf(option);
      if (values === undefined || typeof values === "string") continue;
      for (const word of values) assert.ok(option.help.includes(word), word);
      const [first] = values;
      parseArguments(command, [`--${option.name}`, first!]);
    }
  }
  assert.deepEqual(operandsOf(findCommand("local")!), []);
});

test("completions() names the shells there are, for another", () => {
  for (const shell of [undefined, "tcsh"]) {
    assert.throws(() => completions(shell), (error: unknown) => {
      assert.ok(error instanceof ConfigError);
      assert.match(error.message, /xpected one of bash, zsh, fish/);
      return true;
    });
  }
});
