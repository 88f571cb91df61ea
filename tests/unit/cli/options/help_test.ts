import assert from "node:assert/strict";
import { test } from "node:test";
import { COMMANDS } from "../../../../src/cli/commands/commands.ts";
import {
  commandHelp,
  HELP_WIDTH,
  programHelp,
} from "../../../../src/cli/options/help.ts";
import { editDistance, nearest } from "../../../../src/cli/options/nearest.ts";
import { METHODS } from "../../../../src/crypto/method.ts";

function fits(text: string): void {
  for (const line of text.split("\n")) {
    assert.ok(line.length <= HELP_WIDTH, `${line.length} columns: ${line}`);
    assert.equal(line, line.trimEnd());
  }
  assert.ok(text.endsWith("\n") && !text.endsWith("\n\n"));
}

test("programHelp() names every command and fits a terminal", () => {
  const text = programHelp();
  fits(text);
  for (const { name, summary } of COMMANDS) {
    assert.ok(text.includes(`  ${name} `) && text.includes(summary));
  }
});

for (const command of COMMANDS) {
  test(`commandHelp() of ${command.name} is complete and fits a terminal`, () => {
    const text = commandHelp(command, `umbra ${command.name}`);
    fits(text);
    assert.ok(text.startsWith(`Usage: umbra ${command.name} [OPTIONS]`));
    for (const { name, short, value, standing } of command.options) {
      const left = `${short ? `-${short},` : "   "} --${name}${
        value ? ` ${value}` : ""
      }`;
      assert.equal(text.includes(`  ${left}`), standing === undefined, left);
    }
  });

  test(`the options of ${command.name} have names of their own`, () => {
    const names = command.options.flatMap((o) => [
      `--${o.name}`,
      ...(o.aliases ?? []).map((alias) => `--${alias}`),
      ...(o.short ? [`-${o.short}`] : []),
    ]);
    assert.deepEqual(names, [...new Set(names)]);
  });
}

test("commandHelp() of genkey lists the methods, the best first", () => {
  const text = commandHelp(COMMANDS.find((c) => c.name === "genkey")!, "x");
  const places = METHODS.map((method) => text.indexOf(`\n  ${method.name} `));
  assert.ok(places.every((place, i) => place > (places[i - 1] ?? 0)));
});

test("editDistance() counts insertions, deletions, replacements and swaps", () => {
  assert.equal(editDistance("", "abc"), 3);
  assert.equal(editDistance("kitten", "sitting"), 3);
  assert.equal(editDistance("prot", "port"), 1);
  assert.equal(editDistance("same", "same"), 0);
});

test("nearest() finds slips and leaves other words alone", () => {
  const names = COMMANDS.map(({ name }) => name);
  for (
    const [word, meant] of [
      ["sever", "server"],
      ["srevre", "server"],
      ["lcoal", "local"],
      ["tpo", "top"],
      ["int", "init"],
      ["docotr", "doctor"],
      ["completion", "completions"],
      ["passwd", "password"],
    ]
  ) assert.equal(nearest(word!, [...names, "password"]), meant);
  for (const word of ["foo", "run", "ab", "x", "", "start", "client"]) {
    assert.equal(nearest(word, names), undefined, word);
  }
});
