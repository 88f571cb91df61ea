import assert from "node:assert/strict";
import { test } from "node:test";
import {
  MAX_NAME_LENGTH,
  MAX_PATTERN_DEPTH,
  MAX_PATTERN_LENGTH,
  MAX_PATTERN_REPEAT,
} from "../../../src/limits.ts";
import {
  type PatternSet,
  PatternSetBuilder,
} from "../../../src/routes/match/pattern_set.ts";
import {
  literalPattern,
  parsePattern,
  PatternError,
} from "../../../src/routes/match/pattern_syntax.ts";
import { seededRandom } from "../../support/bytes.ts";

/** Sets of random patterns; 20,000 were tried once. */
const ROUNDS = 500;

/** Milliseconds for what takes microseconds; machines are busy. */
const LIMIT_MS = 2_000;

test("find() tells which pattern matches, the first of several", () => {
  const set = setOf(["^b", "a", "ab", "c$"]);
  assert.equal(set.find("xab"), 1);
  assert.equal(set.find("ba"), 0);
  assert.equal(set.find("xc"), 3);
  assert.equal(set.find("cx"), -1);
  assert.equal(set.find("CAB"), 1);
});

test("parsePattern() reads what lists have", () => {
  for (
    const [pattern, matches, fails] of [
      ["(^|\\.)a\\.test$", ["a.test", "x.a.test"], ["xa.test", "a.test.x"]],
      ["^(.*\\.)?a\\.test$", ["a.test", "x.y.a.test"], ["xa.test"]],
      ["^ad[sx]?[0-9]{1,3}\\.", ["ad1.test", "ADS123.x"], ["ad1234.x", "ad."]],
      ["(?i)^regex\\.test$", ["REGEX.test"], ["xregex.test"]],
      ["^(?:a|b|)\\.x", ["a.x", ".x"], ["c.x"]],
      ["\\Aa{2}\\z", ["aa"], ["a", "aaa"]],
      ["^[^a-z.]+$", ["123", "1_2"], ["1a", "1.2"]],
      ["^\\w+\\.\\d{2,}$", ["a_b.12"], ["a.1", "a-b.12"]],
      ["^a{,3}$", ["a{,3}"], ["aaa"]],
      ["^x\\x41\\u0042$", ["xab"], ["x"]],
      ["^(?<n>a)(?P<m>b)$", ["ab"], ["a"]],
      ["^[a-]+[\\]x]$", ["-a]", "ax"], ["]"]],
      ["^.{3}$", ["abc", "aä\u{1F600}".slice(0, 3)], ["ab"]],
    ] as const
  ) {
    const set = setOf([pattern]);
    for (const name of matches) assert.equal(set.find(name), 0, pattern + name);
    for (const name of fails) assert.equal(set.find(name), -1, pattern + name);
  }
});

test("parsePattern() refuses what it cannot match, and says why", () => {
  for (
    const [pattern, message] of [
      ["^(?!www)a", /ahead or behind/],
      ["(?<=a)b", /ahead or behind/],
      ["(a)\\1", /refers back/],
      ["\\bads", /\\b, which is unknown/],
      ["\\p{L}", /\\p, which is unknown/],
      ["[[:alpha:]]", /inside another/],
      ["(a", /without a "\)"/],
      ["a)", /without a "\("/],
      ["*a", /repeats nothing/],
      ["a**", /repeats a repetition/],
      ["a++", /repeats a repetition/],
      ["a{3,2}", /out of order/],
      ["[z-a]", /out of order/],
      ["[]a]", /empty/],
      ["[a", /incomplete/],
      ["a\\", /incomplete/],
      ["ä", /outside ASCII/],
      [`a{${MAX_PATTERN_REPEAT + 1}}`, /more than 255 times/],
      ["a".repeat(MAX_PATTERN_LENGTH + 1), /longer than/],
      [nested(MAX_PATTERN_DEPTH + 1), /deep/],
    ] as const
  ) {
    assert.throws(() => parsePattern(pattern), (error) => {
      assert.ok(error instanceof PatternError, `${pattern}: ${error}`);
      assert.match(error.message, message);
      return true;
    });
  }
  assert.equal(setOf([nested(MAX_PATTERN_DEPTH)]).find("a"), 0);
  assert.equal(setOf([`^a{${MAX_PATTERN_REPEAT}}$`]).find("a".repeat(255)), 0);
});

test("literalPattern() takes a text for itself", () => {
  const builder = new PatternSetBuilder();
  builder.add(literalPattern("a.(b"));
  const set = builder.build();
  assert.equal(set.find("xA.(bx"), 0);
  assert.equal(set.find("xa-(b"), -1);
});

test("find() agrees with RegExp on random patterns and names", () => {
  const next = seededRandom(11);
  let matches = 0;
  for (let round = 0; round < ROUNDS; round++) {
    const sources = Array.from(
      { length: 1 + next() % 4 },
      () => random(next, 3),
    );
    const set = setOf(sources);
    const expressions = sources.map((source) => new RegExp(source, "i"));
    for (let i = 0; i < 12; i++) {
      const name = Array.from(
        { length: 1 + next() % 7 },
        () => "abAB.-1"[next() % 7],
      ).join("");
      const found = set.find(name);
      const expected = expressions.some((expression) => expression.test(name));
      assert.equal(found >= 0, expected, `${sources.join(" ")} on ${name}`);
      if (found >= 0) {
        matches++;
        assert.ok(
          expressions[found]!.test(name),
          `${sources[found]} on ${name}`,
        );
      }
    }
  }
  assert.ok(matches > ROUNDS, `${matches} matches`);
});

test("find() takes no longer with patterns that hang a backtracking engine", () => {
  const names = ["a", "a.", "a-", "ab"].flatMap((part) => {
    const name = part.repeat(MAX_NAME_LENGTH).slice(0, MAX_NAME_LENGTH - 1);
    return [name, `${name}!`];
  });
  for (
    const pattern of ["^(a+)+$", "^(a|a)*$", "^(a|aa)+$", "(a*)*b$", "^(.*)*x$"]
      .concat("(.*a){40}", "^(([a-z.-])+.)+[A-Z]([a-z])+$", "(x?){255}y")
  ) {
    const startMs = performance.now();
    const set = setOf([pattern]);
    for (const name of names) set.find(name);
    const ms = performance.now() - startMs;
    assert.ok(ms < LIMIT_MS, `${pattern}: ${ms} ms`);
  }
});

test("find() keeps its answers when it has to forget combinations", () => {
  // Each name is a path of its own through 2 ** 18 combinations.
  const set = setOf(["^(.*a.{17}|.*b.{16})$"]);
  const next = seededRandom(5);
  for (let i = 0; i < 500; i++) {
    const name = Array.from({ length: 60 }, () => "abc"[next() % 3]).join("");
    const expected = name.at(-18) === "a" || name.at(-17) === "b";
    assert.equal(set.find(name) >= 0, expected, name);
  }
});

test("add() refuses patterns that are too large, and keeps the others", () => {
  const builder = new PatternSetBuilder();
  builder.add(parsePattern("^good"));
  for (const huge of ["((a{255}){255}){255}", "((((){255}){255}){255}){255}"]) {
    assert.throws(() => builder.add(parsePattern(huge)), PatternError);
  }
  builder.add(parsePattern("fine$"));
  const set = builder.build();
  assert.equal(set.count, 2);
  assert.equal(set.find("good.test"), 0);
  assert.equal(set.find("test.fine"), 1);
});

function setOf(sources: readonly string[]): PatternSet {
  const builder = new PatternSetBuilder();
  for (const source of sources) builder.add(parsePattern(source));
  return builder.build();
}

function nested(depth: number): string {
  return `${"(".repeat(depth)}a${")".repeat(depth)}`;
}

/** A pattern that both engines read alike. */
function random(next: () => number, depth: number): string {
  const parts = Array.from({ length: 1 + next() % 3 }, () => {
    const atom = depth > 0 && next() % 3 === 0
      ? `(${random(next, depth - 1)}|${random(next, depth - 1)})`
      : [
        "a",
        "b",
        "\\.",
        "[ab]",
        "[^a]",
        "\\d",
        "\\W",
        ".",
        "1",
        "-",
      ][next() % 10]!;
    return atom +
      ["", "", "", "*", "+", "?", "{2}", "{1,2}", "*?"][next() % 9]!;
  });
  return (next() % 4 === 0 ? "^" : "") + parts.join("") +
    (next() % 4 === 0 ? "$" : "");
}
