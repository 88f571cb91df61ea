// Escape sequences are what this is about.
// deno-lint-ignore-file no-control-regex
import assert from "node:assert/strict";
import { test } from "node:test";
import { qrMatrix } from "../../../../src/admin/qr.ts";
import { qrLines } from "../../../../src/cli/tools/qr_terminal.ts";

/** What a character shows: upper half, lower half. */
const HALVES: Readonly<Record<string, readonly [boolean, boolean]>> = {
  "█": [true, true],
  "▀": [true, false],
  "▄": [false, true],
  " ": [false, false],
};

test("qrLines() draws the modules, two to a character", () => {
  const text = "ss://YWVzLTI1Ni1nY206dGVzdA@192.0.2.1:8388#name";
  const rows = qrMatrix(text);
  const drawn = qrLines(text).trimEnd().split("\n").flatMap((line) => {
    // Its own black on its own white, whatever the terminal's colours.
    const match = /^\x1b\[38;5;16;48;5;231m([█▀▄ ]+)\x1b\[0m$/.exec(line);
    assert.ok(match, JSON.stringify(line));
    const halves = [...match[1]!].map((char) => HALVES[char]!);
    return [halves.map(([upper]) => upper), halves.map(([, lower]) => lower)];
  });
  // The number of rows is odd: a light half row is left at the end.
  assert.ok(drawn.pop()!.every((dark) => !dark));
  assert.deepEqual(drawn, rows);
});
