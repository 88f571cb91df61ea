/**
 * Every option and key of other Shadowsocks programs is known: served, ignored
 * with a reason, or refused with what to do.
 */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { findCommand } from "../../../../src/cli/commands/commands.ts";
import { parseArguments } from "../../../../src/cli/options/args.ts";
import { NOT_SERVED } from "../../../../src/cli/settings/not_served.ts";
import type { Place } from "../../../../src/cli/settings/setting.ts";
import { knownKeys } from "../../../../src/cli/settings/tables.ts";
import { ConfigError } from "../../../../src/errors.ts";
import { ROOT } from "../../../support/runtimes.ts";

interface Peers {
  readonly options: Readonly<
    Record<string, Readonly<Record<string, readonly string[]>>>
  >;
  readonly keys: Readonly<Record<Place, readonly string[]>>;
}

const PEERS = JSON.parse(
  readFileSync(join(ROOT, "tests", "data", "peers.json"), "utf8"),
) as Peers;

/** What stands in for each program. */
const COMMANDS: Readonly<Record<string, string>> = {
  "ss-server": "server",
  "ss-local": "local",
  "ss-tunnel": "tunnel",
  "ss-redir": "local",
  "ss-manager": "server",
  ssserver: "server",
  sslocal: "local",
  ssmanager: "server",
};

for (const [project, programs] of Object.entries(PEERS.options)) {
  for (const [program, options] of Object.entries(programs)) {
    test(`every option of ${program} of ${project} is known`, () => {
      assert.ok(options.length > 10);
      const command = findCommand(COMMANDS[program]!)!;
      const complaints = options.flatMap((option) => {
        try {
          parseArguments(command, option.split(" "));
          return [];
        } catch (error) {
          assert.ok(error instanceof ConfigError);
          return error.message.startsWith("Not supported: ")
            ? []
            : [`${option}: ${error.message}`];
        }
      });
      assert.deepEqual(complaints, []);
    });
  }
}

test("every key of the other programs is known where it may stand", () => {
  for (const [place, keys] of Object.entries(PEERS.keys)) {
    const known = knownKeys(place as Place);
    assert.ok(keys.length > 0);
    assert.deepEqual(keys.filter((key) => !known.has(key)), [], place);
  }
});

test("what is not served says why in one line, each name once for a command", () => {
  for (const { why } of NOT_SERVED) assert.match(why, /^[\w-].*[^.]$/);
  for (const command of ["server", "local", "tunnel"] as const) {
    const flags = NOT_SERVED.filter(({ commands }) =>
      commands.includes(command)
    ).flatMap(({ flags }) => flags);
    assert.deepEqual(flags, [...new Set(flags)]);
  }
});
