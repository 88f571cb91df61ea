import assert from "node:assert/strict";
import { test } from "node:test";
import { MAX_LINES_PER_MINUTE } from "../../../src/cli/log/log_limit.ts";
import {
  programLogger,
  type ProgramLogOptions,
} from "../../../src/cli/log/program_log.ts";
import { systemRandomBytes } from "../../../src/random.ts";
import { FakeClock } from "../../support/fake_clock.ts";
import { pause } from "../../support/within.ts";

const DEFAULTS: ProgramLogOptions = {
  format: "json",
  privacy: "none",
  verbose: false,
  connections: false,
  withoutTime: false,
  colour: false,
};

test("programLogger() hides targets, numbers workers, and dates lines by the clock", async () => {
  const [line] = await written({ ...DEFAULTS, worker: 2 }, 1);
  assert.deepEqual(JSON.parse(line!), {
    time: "2023-11-14T22:13:20.000Z",
    level: "warn",
    message: "connection refused",
    worker: 2,
  });
});

test("programLogger() collapses a crowd, unless every connection is asked for", async () => {
  const crowd = MAX_LINES_PER_MINUTE + 10;
  const lines = await written(DEFAULTS, crowd);
  assert.equal(lines.length, MAX_LINES_PER_MINUTE + 1);
  assert.equal(JSON.parse(lines.at(-1)!)["repeated"], 10);
  for (const more of [{ connections: true }, { verbose: true }]) {
    const all = await written({ ...DEFAULTS, ...more }, crowd);
    assert.equal(all.length, crowd);
  }
});

test("programLogger() tells in the same form how many lines were lost", async () => {
  let isFull = true;
  const lines: string[] = [];
  const logger = programLogger({ ...DEFAULTS, worker: 2 }, {
    write: (bytes) => {
      if (isFull) return Promise.reject(new Error("no space left"));
      lines.push(new TextDecoder().decode(bytes));
      return Promise.resolve(bytes.length);
    },
    clock: new FakeClock(),
    randomBytes: systemRandomBytes,
  });
  logger.log("info", "one");
  await pause(1);
  isFull = false;
  logger.log("info", "two");
  await logger[Symbol.asyncDispose]();
  const { level, lost, worker } = JSON.parse(lines[1]!);
  assert.deepEqual({ level, lost, worker }, {
    level: "warn",
    lost: 1,
    worker: 2,
  });
});

/** The lines of a logger that was told so many refusals. */
async function written(
  options: ProgramLogOptions,
  refusals: number,
): Promise<string[]> {
  let text = "";
  const logger = programLogger(options, {
    write: (bytes) => {
      text += new TextDecoder().decode(bytes);
      return Promise.resolve(bytes.length);
    },
    clock: new FakeClock(),
    randomBytes: systemRandomBytes,
  });
  for (let i = 0; i < refusals; i++) {
    logger.log("warn", "connection refused", { target: "a.example:443" });
  }
  await logger[Symbol.asyncDispose]();
  return text.split("\n").slice(0, -1);
}
