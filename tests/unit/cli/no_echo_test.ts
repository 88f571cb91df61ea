/**
 * A password that stands where it does not belong is not repeated by what
 * complains of it.
 *
 * @module
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { commandOf, COMMANDS } from "../../../src/cli/commands/commands.ts";
import {
  configureLocal,
  configureServer,
} from "../../../src/cli/config/config.ts";
import { configureUrls } from "../../../src/cli/config/configure_urls.ts";
import { initAnswers } from "../../../src/cli/init/init_answers.ts";
import { convert } from "../../../src/cli/tools/convert.ts";
import { parseArguments } from "../../../src/cli/options/args.ts";
import { explainTargets } from "../../../src/cli/routes/route_command.ts";
import { runNamed } from "../../../src/cli/run_command.ts";
import { completions } from "../../../src/cli/completions/completions.ts";
import { ConfigError } from "../../../src/errors.ts";
import { sourcesOf } from "../../support/sources.ts";

/** Of forms that options, commands, links, hosts and numbers have. */
const SECRETS: readonly string[] = [
  ...["Hunter2!x", "70000123", "pa:ss:word", "--Hunter2", "-xHunter2!"],
  ...["ss://aes-256-gcm:Hunter2@h", "https://u:Hunter2@h/", "[Hunter2"],
];

const sources = sourcesOf((path) => {
  throw new ConfigError("ERR_CONFIG_FILE", `Cannot read ${path}: no such file`);
});

/** Everything that can complain of a command line, without starting anything. */
async function complaints(
  name: string,
  argv: readonly string[],
): Promise<string[]> {
  const messages: string[] = [];
  const note = (error: unknown): void => {
    assert.ok(error instanceof ConfigError, String(error));
    messages.push(error.message);
  };
  try {
    const args = parseArguments(commandOf(name), argv);
    const readers: (() => unknown)[] = [
      () => configureLocal(args, sources),
      () => configureServer(args, sources),
      () => configureUrls(args, sources),
      () => convert(args, sources, (n) => new Uint8Array(n)),
      () =>
        initAnswers(
          args,
          { host: "h", port: 1 } as Parameters<typeof initAnswers>[1],
          undefined,
        ),
    ];
    if (name === "check" || name === "genkey" || name === "route") {
      readers.splice(0, Infinity, () => runNamed(name, args, undefined!));
    }
    if (name === "completions") {
      readers.splice(0, Infinity, () => completions(args.operands[0]));
    }
    for (const read of readers) {
      try {
        await read();
      } catch (error) {
        note(error);
      }
    }
  } catch (error) {
    note(error);
  }
  return messages;
}

/** Options that are read by those above. */
const ROLES = ["local", "server", "url"];

test("no complaint repeats a value of the command line, whatever option it was given to", async () => {
  let seen = 0;
  for (const name of ROLES) {
    for (const { name: option, value } of commandOf(name).options) {
      // A path of a configuration is no secret, and has to be told.
      if (value === undefined || option === "config") continue;
      for (const secret of SECRETS) {
        for (
          const message of await complaints(name, [`--${option}=${secret}`])
        ) {
          seen++;
          assert.ok(!message.includes(secret), `--${option}: ${message}`);
        }
      }
    }
  }
  assert.ok(seen > 100, `${seen}`);
});

test("no error repeats a word at a place that is not read", async () => {
  let seen = 0;
  for (const { name } of COMMANDS) {
    for (const secret of SECRETS) {
      for (const before of [[], ["--", "x", "y"], ["-v"]]) {
        const argv = name === "check" && before.length === 3
          ? ["crypto", secret]
          : [...before, secret];
        if (
          !["local", "server", "url", "check", "genkey", "completions", "route"]
            .includes(name)
        ) continue;
        for (const message of await complaints(name, argv)) {
          seen++;
          assert.ok(!message.includes(secret), `${name}: ${message}`);
        }
      }
    }
  }
  for (const secret of SECRETS) {
    assert.throws(() => commandOf(secret), (error: Error) => {
      assert.ok(!error.message.includes(secret), error.message);
      return true;
    });
  }
  assert.ok(seen > 50, `${seen}`);
});

test("letters joined to a switch are not repeated: -vpHunter2", async () => {
  for (const letters of ["vp", "vb", "vt", "vm", "vl", "vs", "j", "vq"]) {
    const argv = [`-${letters}Hunter2!x`];
    for (const message of await complaints("local", argv)) {
      assert.doesNotMatch(message, /Hunter2/);
    }
  }
});

test("umbra route repeats neither a path nor a target that it complains of", async () => {
  const acl = sourcesOf(() => "[proxy_all]\n");
  for (const secret of [...SECRETS, "a b", "host:Hunter2"]) {
    for (
      const [argv, from] of [
        [[`--acl=${secret}`, "--", "a.test"], sources],
        [["--acl=x.acl", "--", "a.test", `${secret}:0`], acl],
        [["--acl=x.acl", "--", `/${secret}`], acl],
      ] as const
    ) {
      await assert.rejects(
        explainTargets(parseArguments(commandOf("route"), argv), from),
        (error: Error) => {
          assert.ok(error instanceof ConfigError, String(error));
          assert.ok(!error.message.includes(secret), error.message);
          return true;
        },
      );
    }
  }
});
