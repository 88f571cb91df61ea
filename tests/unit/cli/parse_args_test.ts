import assert from "node:assert/strict";
import { test } from "node:test";
import { parseArgs } from "../../../src/std_cli/parse_args.ts";

test("parseArgs() guesses types, when nothing is declared", () => {
  assert.deepEqual(parseArgs(["--foo", "--bar=baz", "-n5", "x", "7"]), {
    _: ["x", 7],
    foo: true,
    bar: "baz",
    n: 5,
  });
});

test("parseArgs() keeps text, when an option is declared string", () => {
  const args = parseArgs(["--port=08", "--name", "1", "3"], {
    string: ["port", "name", "_"],
  });
  assert.deepEqual(args, { _: ["3"], port: "08", name: "1" });
});

test("parseArgs() lets a boolean take no value", () => {
  assert.deepEqual(parseArgs(["-v", "x"], { boolean: "v" }), {
    _: ["x"],
    v: true,
  });
  assert.deepEqual(parseArgs([], { boolean: ["v"] }), { _: [], v: false });
});

test("parseArgs() sets every name, when an option has aliases", () => {
  const args = parseArgs(["-p", "80"], {
    string: ["port"],
    alias: { port: ["p", "P"] },
  });
  assert.deepEqual(args, { _: [], port: "80", p: "80", P: "80" });
});

test("parseArgs() keeps the last value, when an option repeats", () => {
  assert.deepEqual(parseArgs(["--a=1", "--a=2"], { string: ["a"] }), {
    _: [],
    a: "2",
  });
});

test("parseArgs() collects values, when told to", () => {
  const options = { string: ["a", "b"], collect: ["a", "b"] };
  assert.deepEqual(parseArgs(["--a=1", "--a=2"], options), {
    _: [],
    a: ["1", "2"],
    b: [],
  });
  assert.deepEqual(parseArgs(["--a", "1"], options).a, ["1"]);
});

test("parseArgs() uses a default as it is, when the option is absent", () => {
  const fallback = ["x", "y"];
  assert.equal(parseArgs([], { default: { a: fallback } }).a, fallback);
  assert.equal(parseArgs(["--a=z"], { default: { a: fallback } }).a, "z");
});

test("parseArgs() negates only what is negatable", () => {
  const args = parseArgs(["--no-color", "--no-delay", "--no-x=1"], {
    boolean: ["color", "no-delay"],
    default: { color: true },
    negatable: ["color"],
  });
  assert.deepEqual(args, {
    _: [],
    color: false,
    "no-delay": true,
    "no-x": 1,
  });
});

test("parseArgs() leaves the rest alone, when it stops early", () => {
  const args = parseArgs(["-v", "run", "-x", "--no-y"], {
    boolean: ["v"],
    stopEarly: true,
  });
  assert.deepEqual(args, { _: ["run", "-x", "--no-y"], v: true });
});

test("parseArgs() does not read what follows --", () => {
  assert.deepEqual(parseArgs(["a", "--", "-b", "--no-c"])._, [
    "a",
    "-b",
    "--no-c",
  ]);
  const apart = parseArgs(["a", "--", "-b"], { "--": true });
  assert.deepEqual(apart, { _: ["a"], "--": ["-b"] });
});

test("parseArgs() reports and drops, when unknown() returns false", () => {
  const seen: unknown[] = [];
  const args = parseArgs(["word", "--known=1", "--no-q=2", "-z"], {
    string: ["known"],
    unknown: (arg, key, value) => {
      seen.push([arg, key, value]);
      return false;
    },
  });
  assert.deepEqual(args, { _: [], known: "1" });
  assert.deepEqual(seen, [
    ["word", undefined, undefined],
    ["--no-q=2", "no-q", "2"],
    ["-z", "z", undefined],
  ]);
});
