import assert from "node:assert/strict";
import { test } from "node:test";
import { hasHidden, isBlank, shownText } from "../../src/text.ts";

test("hasHidden() finds controls, directions, marks and halves, but no joiners", () => {
  for (const code of [0, 0x0a, 0x7f, 0x85, 0xad, 0x61c, 0x200b, 0x200e]) {
    assert.ok(hasHidden(`a${String.fromCodePoint(code)}b`), code.toString(16));
  }
  for (const code of [0x2028, 0x202e, 0x2066, 0xfeff, 0xd800, 0xdfff]) {
    assert.ok(hasHidden(`a${String.fromCodePoint(code)}b`), code.toString(16));
  }
  for (const text of ["Zo\u00eb", "\u{1f468}\u200d\u{1f469}", "\u0645\u200c"]) {
    assert.ok(!hasHidden(text));
  }
});

test("isBlank() looks for ink", () => {
  for (const text of ["", " \t", "\u00a0\u3000", "\u3164", "\u200d\u2800"]) {
    assert.ok(isBlank(text), JSON.stringify(text));
  }
  for (const text of [".", "\u0301", "\u{1f600}", " x "]) {
    assert.ok(!isBlank(text), JSON.stringify(text));
  }
});

test("shownText() is the same when it is shown again", () => {
  for (
    const text of [" a\u202eb\n", "\ud800x\udc00", "\u2028\u200d", "\u0085 a"]
  ) {
    const shown = shownText(text);
    assert.equal(shownText(shown), shown);
    assert.ok(!hasHidden(shown));
  }
});
