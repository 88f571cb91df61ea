import assert from "node:assert/strict";
import { test } from "node:test";
import { detach, tellDefect } from "../../src/defect.ts";
import { PolicyError } from "../../src/errors.ts";
import type { LogFields, LogLevel } from "../../src/observe.ts";
import { settle } from "../support/fake_clock.ts";

class Witness {
  readonly counted: string[] = [];
  readonly lines: [LogLevel, string, LogFields][] = [];
  readonly metrics = {
    connectionRefused: (code: string): void => {
      this.counted.push(code);
    },
  };
  readonly logger = {
    enabled: (): boolean => true,
    log: (level: LogLevel, message: string, fields: LogFields = {}): void => {
      this.lines.push([level, message, fields]);
    },
  };
}

test("detach() logs what the work rejects with, its code, and counts it", async () => {
  const witness = new Witness();
  detach(Promise.resolve(), "the first", witness);
  detach(Promise.reject(new TypeError("a defect")), "the second", witness);
  detach(
    Promise.reject(new PolicyError("ERR_POLICY_LIMIT", "Too many")),
    "the third",
    witness,
  );
  detach(Promise.reject(undefined), "the fourth", witness);
  await settle();
  assert.deepEqual(witness.counted, [
    "ERR_DEFECT",
    "ERR_POLICY_LIMIT",
    "ERR_DEFECT",
  ]);
  assert.deepEqual(
    witness.lines.map(([level, message, { code }]) => [level, message, code]),
    [
      ["error", "the second failed", "ERR_DEFECT"],
      ["error", "the third failed", "ERR_POLICY_LIMIT"],
      ["error", "the fourth failed", "ERR_DEFECT"],
    ],
  );
  const [[, , { reason }]] = witness.lines as [[LogLevel, string, LogFields]];
  assert.match(String(reason), /a defect[^]*defect_test\.ts/);
});

test("tellDefect() logs, when there is no counter", () => {
  const { logger, lines } = new Witness();
  tellDefect(new Error("a defect"), "it", { logger });
  assert.equal(lines.length, 1);
});
