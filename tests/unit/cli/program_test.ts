import assert from "node:assert/strict";
import { test } from "node:test";
import { describeError, isVerbose } from "../../../src/cli/program.ts";
import { ConfigError } from "../../../src/errors.ts";

test("describeError() shows an expected error without its stack", () => {
  const error = new ConfigError("ERR_CONFIG_USAGE", "Wrong");
  assert.equal(describeError(error, false), "Wrong");
  assert.equal(describeError(error, true), "Wrong");
});

test("describeError() shows the stack of a defect, when asked to", () => {
  const error = new TypeError("x is not a function");
  assert.equal(
    describeError(error, false),
    "unexpected error: x is not a function; run with -v for the stack",
  );
  assert.match(describeError(error, true), /x is not a function\n\s+at /);
  assert.equal(describeError("text", true), "unexpected error: text");
});

test("isVerbose() finds -v also in a command line that cannot be read", () => {
  assert.equal(isVerbose(["local", "--what", "-v"]), true);
  assert.equal(isVerbose(["local", "-uv"]), true);
  assert.equal(isVerbose(["--verbose"]), true);
  assert.equal(isVerbose(["local", "-u", "--version"]), false);
});
