import assert from "node:assert/strict";
import { test } from "node:test";
import { parseArguments } from "../../../src/cli/options/args.ts";
import { commandOf } from "../../../src/cli/commands/commands.ts";
import type { Host } from "../../../src/cli/run/host.ts";
import { runNamed } from "../../../src/cli/run_command.ts";

/** Nothing here runs until a signal. */
const HOST: Host = {
  stopSignal: () => Promise.reject(new Error("Not here")),
  onReload: () => {},
  onDefect: () => {},
  listening: () => {},
  stopped: () => {},
  runWorkers: () => Promise.reject(new Error("Not here")),
};

function run(name: string, ...argv: string[]): Promise<void> {
  return runNamed(name, parseArguments(commandOf(name), argv), HOST);
}

test("runNamed() refuses words of check that are not read", async () => {
  for (
    const [argv, message] of [
      [
        [],
        /^Missing subject: expected config, crypto, transport, server or acl$/,
      ],
      [
        ["it"],
        /^Missing subject: expected config, crypto, transport, server or acl$/,
      ],
      [["config"], /^Missing FILE to check$/],
      [["config", "f", "x"], /^Too many arguments for config; see --help$/],
      [["crypto", "x"], /^Too many arguments for crypto; see --help$/],
    ] as const
  ) {
    await assert.rejects(run("check", ...argv), {
      code: "ERR_CONFIG_USAGE",
      message,
    });
  }
});

test("commandOf() names what was meant", () => {
  assert.throws(() => commandOf("sever"), {
    code: "ERR_CONFIG_USAGE",
    message: "Unknown command sever; did you mean server?",
  });
});
