import assert from "node:assert/strict";
import { test } from "node:test";
import { MAX_LINES_PER_MINUTE } from "../../../src/cli/log/log_limit.ts";
import {
  programLogger,
  type ProgramLogOptions,
} from "../../../src/cli/log/program_log.ts";
import { systemRandomBytes } from "../../../src/random.ts";
import { FakeClock } from "../../support/fake_clock.ts";

const DEFAULTS: ProgramLogOptions = {
  format: "json",
  privacy: "none",
  verbose: false,
  connections: false,
  withoutTime: false,
  colour: false,
};

test("programLogger() hides targets, numbers workers, and dates lines by the clock", () => {
  const [line] = written({ ...DEFAULTS, worker: 2 }, 1);
  assert.deepEqual(JSON.parse(line!), {
    time: "2023-11-14T22:13:20.000Z",
    level: "warn",
    message: "connection refused",
    worker: 2,
  });
});

test("programLogger() collapses a crowd, unless every connection is asked for", () => {
  const crowd = MAX_LINES_PER_MINUTE + 10;
  const lines = written(DEFAULTS, crowd);
  assert.equal(lines.length, MAX_LINES_PER_MINUTE + 1);
  assert.equal(JSON.parse(lines.at(-1)!)["repeated"], 10);
  for (const more of [{ connections: true }, { verbose: true }]) {
    assert.equal(written({ ...DEFAULTS, ...more }, crowd).length, crowd);
  }
});

/** The lines of a logger that was told so many refusals. */
function written(options: ProgramLogOptions, refusals: number): string[] {
  const lines: string[] = [];
  using logger = programLogger(options, {
    write: (line) => lines.push(line),
    clock: new FakeClock(),
    randomBytes: systemRandomBytes,
  });
  for (let i = 0; i < refusals; i++) {
    logger.log("warn", "connection refused", { target: "a.example:443" });
  }
  logger[Symbol.dispose]();
  return lines;
}
