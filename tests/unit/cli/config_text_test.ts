import assert from "node:assert/strict";
import { test } from "node:test";
import { readConfigText } from "../../../src/cli/config/config_text.ts";
import { ConfigError } from "../../../src/errors.ts";

/** Strict JSON, with what could be taken for something else in it. */
const TEXTS: readonly string[] = [
  '{"server":"127.0.0.1","server_port":8388,"password":"a:b{\\"}"}',
  ' \r\n{ "a\\u0020b" : [ {"c": "\\\\"} , null, 1.5e3 ] , "d":{"e":{"f":true}}}',
  '[{"passwd":"x"},{"passwd":"y","z":null}]',
  '{"note":"// no comment","url":"https://x/*","list":[[],[{}],{}],"n":null}',
  '{"\\"":1,":":2,"{":3,"é":"\\u00e9\\ud83d\\ude00"}',
];

const PATHS: readonly (readonly (string | number)[])[] = [
  [],
  ["server"],
  ["password"],
  ["missing"],
  ["a b"],
  ["a b", 0, "c"],
  ["a b", 0, "missing"],
  ["d", "e", "f"],
  [1, "passwd"],
  ["list", 1, 0],
  ["n"],
  ['"'],
  [":"],
  ["{"],
  ["é"],
];

test("readConfigText() reads strict JSON as it reads JSON with comments", () => {
  for (const text of TEXTS) {
    const strict = readConfigText(text, "x.json");
    const loose = readConfigText(`${text} // comment`, "x.json");
    assert.deepEqual(strict.value, loose.value);
    for (const path of PATHS) {
      assert.equal(strict.places.at([...path]), loose.places.at([...path]));
    }
  }
});

test("readConfigText() refuses in strict JSON what one reader would not see", () => {
  for (
    const [text, message] of [
      ['{\n "a": 1,\n "a": 2}', /^x\.json:3:2: a is repeated/],
      ['{"l":[{"b":null,"b":1}]}', /^x\.json:1:17: b is repeated/],
      ['{"a":"\\ud800"}', /^x\.json:1:6: text that is not well formed/],
    ] as const
  ) {
    assert.throws(() => readConfigText(text, "x.json"), (error) => {
      assert.ok(error instanceof ConfigError);
      assert.match(error.message, message);
      return true;
    });
  }
  // A comment may be there twice.
  const { value } = readConfigText('{"_":1,"_":2,"a":3}', "x.json");
  assert.deepEqual(value, { _: 2, a: 3 });
});
