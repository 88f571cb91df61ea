/**
 * The texts of invitations: none is missing in any language, and readers are
 * given theirs.
 *
 * @module
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { ENGLISH } from "../../../../src/admin/invite/texts/english.ts";
import {
  languageFor,
  LANGUAGES,
} from "../../../../src/admin/invite/texts/languages.ts";
import type { Texts } from "../../../../src/admin/invite/texts/texts.ts";

const KEYS = Object.keys(ENGLISH) as (keyof Texts)[];

/** What must be there in letters of the language itself. */
const SCRIPTS: Readonly<Record<string, RegExp>> = {
  "en": /\p{Script=Latin}/u,
  "zh-CN": /\p{Script=Han}/u,
  "fa": /\p{Script=Arabic}/u,
  "ru": /\p{Script=Cyrillic}/u,
};

test("every text is there in every language, with the same places", () => {
  assert.deepEqual(
    LANGUAGES.map(({ language }) => language),
    Object.keys(SCRIPTS),
  );
  for (const texts of LANGUAGES) {
    assert.deepEqual(Object.keys(texts), KEYS, texts.language);
    for (const key of KEYS) {
      const text = texts[key];
      const where = `${texts.language} ${key}`;
      assert.notEqual(text.trim(), "", where);
      assert.deepEqual(placesOf(text), placesOf(ENGLISH[key]), where);
      if (["language", "direction"].includes(key)) continue;
      assert.match(text, SCRIPTS[texts.language]!, where);
    }
  }
});

test("only Persian is written from right to left", () => {
  const leftwards = LANGUAGES.filter(({ direction }) => direction === "rtl");
  assert.deepEqual(leftwards.map(({ language }) => language), ["fa"]);
});

for (
  const [chosen, accepted, language] of [
    [null, null, "en"],
    [null, "", "en"],
    [null, "de-DE,de;q=0.9", "en"],
    [null, "ru", "ru"],
    [null, "RU-ru,en;q=0.5", "ru"],
    [null, "zh-TW, en;q=0.1", "zh-CN"],
    [null, "en;q=0.3, fa-IR;q=0.8", "fa"],
    [null, "fa;q=0, ru;q=0.1", "ru"],
    [null, "fa;q=x, ru", "ru"],
    [null, "*", "en"],
    ["fa", "ru", "fa"],
    ["zh-CN", null, "zh-CN"],
    ["xx", "ru", "ru"],
  ] as const
) {
  test(`a reader of ${accepted} who chose ${chosen} reads ${language}`, () => {
    assert.equal(languageFor(chosen, accepted).language, language);
  });
}

function placesOf(text: string): string[] {
  return [...text.matchAll(/\{\w+\}/g)].map(([place]) => place).sort();
}
