/**
 * The texts of pages: every language has them all, with the same places for
 * values, and none that nothing shows.
 *
 * @module
 */
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import {
  chooseLanguage,
  LANGUAGES,
} from "../../../src/admin/texts/languages.ts";
import { inEnglish, isTextKey, sayIn } from "../../../src/admin/texts/say.ts";
import { ROOT } from "../../support/runtimes.ts";

const [english] = LANGUAGES;
const KEYS = Object.keys(english!.texts);
const ADMIN = join(ROOT, "src", "admin");

/** What may show a text; not the texts themselves, nor what is made of them. */
const SOURCES = readdirSync(ADMIN, { recursive: true })
  .map(String)
  .filter((name) => /\.(ts|html)$/.test(name) && name !== "dashboard_page.ts")
  .map((name) => readFileSync(join(ADMIN, name), "utf8"))
  .join("\n");

/** Keys of texts, as the sources name them: words joined by a hyphen. */
const NAMED =
  /data-(?:text|title|label|placeholder)="([^"]+)"|say\(\s*"([^"]+)"/g;

describe("each language", () => {
  for (const { tag, texts } of LANGUAGES) {
    test(`${tag} has every text, and no other`, () => {
      assert.deepEqual(Object.keys(texts), KEYS);
      for (const [key, text] of Object.entries(texts)) {
        assert.notEqual(text.trim(), "", key);
      }
    });

    test(`${tag} has the places of the English text for values`, () => {
      const placesOf = (text: string): string[] =>
        [...text.matchAll(/\{\w+\}/g)].map(String).sort();
      for (const key of KEYS.filter(isTextKey)) {
        assert.deepEqual(
          placesOf(texts[key]),
          placesOf(english!.texts[key]),
          key,
        );
      }
    });
  }

  for (const { tag, texts } of LANGUAGES.slice(1)) {
    test(`${tag} is a translation`, () => {
      // Names of protocols are the same everywhere.
      const same = KEYS.filter(isTextKey)
        .filter((key) => texts[key] === english!.texts[key]);
      assert.ok(same.length <= 12, same.join(", "));
    });
  }
});

test("every text is shown somewhere", () => {
  const codes = readFileSync(join(ROOT, "src", "errors.ts"), "utf8");
  const unused = KEYS.filter((key) =>
    key.startsWith("ERR_")
      ? !codes.includes(`"${key.replace(".meaning", "")}"`)
      : !SOURCES.includes(`"${key}"`)
  );
  assert.deepEqual(unused, []);
});

test("every text that is named is there", () => {
  const named = [...SOURCES.matchAll(NAMED)].map(([, a, b]) => a ?? b!);
  assert.ok(named.length > 100);
  assert.deepEqual(named.filter((key) => !isTextKey(key)), []);
});

test("sayIn() puts values in their places, and leaves others alone", () => {
  const say = sayIn(
    { ...english!.texts, "in-all": "{amount} of {amount}, {other}" },
    (value) => `<${value}>`,
  );
  assert.equal(
    say("in-all", { amount: "$&{x}" }),
    "<$&{x}> of <$&{x}>, {other}",
  );
  assert.equal(inEnglish("time-ago", { time: "3 s" }), "3 s ago");
});

test("chooseLanguage() takes the first that there is, whatever the region", () => {
  const chosen = (...tags: string[]): string => chooseLanguage(tags).tag;
  assert.equal(chosen("zh-CN", "en"), "zh-Hans");
  assert.equal(chosen("ZH"), "zh-Hans");
  assert.equal(chosen("fa-IR"), "fa");
  assert.equal(chosen("", "de-DE", "ru-RU", "en"), "ru");
  assert.equal(chosen("en-GB", "ru"), "en");
  assert.equal(chosen("de"), "en");
  assert.equal(chosen(), "en");
});
