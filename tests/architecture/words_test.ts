/**
 * The words of sources and documentation; and the checks are shown bad
 * examples that they must refuse.
 *
 * @module
 */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { checkComments, checkWords } from "./words.ts";
import { readSources, ROOT, type Source } from "./source.ts";

/** Records, which are never edited: decisions, and what was measured. */
const RECORDS = /^docs\/(?:decisions|bench)\//;

/** A generated file. */
const GENERATED = "src/admin/dashboard_page.ts";

const TOP = ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "SECURITY.md"];

function code(): Source[] {
  return readSources("src", ".ts").filter(({ path }) => path !== GENERATED);
}

function pages(): Source[] {
  const top = TOP.map((path) => ({
    path,
    text: readFileSync(join(ROOT, path), "utf8"),
  }));
  return [...top, ...readSources("docs", ".md")]
    .filter(({ path }) => !RECORDS.test(path));
}

test("sources and documentation name things", () => {
  const texts = [...code(), ...readSources("src", ".html"), ...pages()];
  assert.ok(texts.length > 300, "no sources found");
  assert.deepEqual(checkWords(texts), []);
});

test("comments of the sources are no fragments", () => {
  assert.deepEqual(checkComments(code()), []);
});

for (
  const bad of [
    "Nobody listens at the target's port.",
    "for whoever comes",
    "it starts anew",
    "the client is told",
    "the connection lives on",
    "the reply tells why",
    "the user stands at the file",
  ]
) {
  test(`checkWords() refuses: ${bad}`, () => {
    const sources = [{ path: "a.ts", text: bad }];
    assert.match(checkWords(sources).join(), /^a\.ts:1: /);
  });
}

for (
  const bad of [
    "/** Whether it is open. */",
    " * @param open Whether it is open.",
    "  /** Where to. */",
    "  /** What moves now. */",
    "  /** Of the method. */",
  ]
) {
  test(`checkComments() refuses: ${bad}`, () => {
    const sources = [{ path: "a.ts", text: bad }];
    assert.match(checkComments(sources).join(), /^a\.ts:1: /);
  });
}
