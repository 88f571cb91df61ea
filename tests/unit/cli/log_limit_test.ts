import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  LimitedLogger,
  MAX_LINE_KINDS,
  MAX_LINES_PER_MINUTE as MAX,
} from "../../../src/cli/log/log_limit.ts";
import type { LogFields, LogLevel } from "../../../src/observe.ts";
import { FakeClock } from "../../support/fake_clock.ts";

describe("LimitedLogger", () => {
  test("writes the first lines of a kind, and a count when the minute is over", async () => {
    const { logger, lines, clock } = start();
    for (let i = 0; i < MAX + 1_000; i++) {
      refuse(logger, "ERR_SS_AUTHENTICATION", `client ${i}`);
    }
    assert.equal(lines.length, MAX);
    await clock.advance(59_999);
    assert.equal(lines.length, MAX);
    await clock.advance(1);
    assert.equal(lines.length, MAX + 1);
    assert.deepEqual(lines.at(-1), {
      level: "warn",
      message: "connection refused, and more of the same",
      fields: { code: "ERR_SS_AUTHENTICATION", repeated: 1_000, seconds: 60 },
    });
    // The next minute begins with the next line.
    refuse(logger, "ERR_SS_AUTHENTICATION");
    assert.equal(lines.length, MAX + 2);
    await clock.advance(120_000);
    assert.equal(lines.length, MAX + 2);
    assert.equal(clock.pending, 0);
  });

  test("hides nothing of another code, message or level meanwhile", () => {
    const { logger, lines } = start();
    for (let i = 0; i < MAX + 5; i++) refuse(logger, "ERR_SS_AUTHENTICATION");
    const before = lines.length;
    refuse(logger, "ERR_SS_REPLAY");
    logger.log("warn", "limit reached", { code: "ERR_SS_AUTHENTICATION" });
    logger.log("error", "connection refused", {
      code: "ERR_SS_AUTHENTICATION",
    });
    assert.equal(lines.length, before + 3);
  });

  test("limits failures and warnings; errors and what went well never", () => {
    const { logger, lines } = start();
    const written = (
      level: LogLevel,
      message: string,
      fields?: LogFields,
    ): number => {
      lines.length = 0;
      for (let i = 0; i < MAX + 5; i++) logger.log(level, message, fields);
      return lines.length;
    };
    assert.equal(written("warn", "a"), MAX);
    assert.equal(written("info", "b", { code: "ERR_NET_REFUSED" }), MAX);
    assert.equal(written("info", "c"), MAX + 5);
    assert.equal(written("error", "d", { code: "ERR_NET_OTHER" }), MAX + 5);
    assert.equal(written("debug", "e", { code: "ERR_NET_OTHER" }), MAX + 5);
  });

  test("counts a bounded number of kinds, and writes all of the others", () => {
    const { logger, lines, clock } = start();
    for (let i = 0; i < MAX_LINE_KINDS + 10; i++) logger.log("warn", `${i}`);
    assert.equal(clock.pending, MAX_LINE_KINDS);
    lines.length = 0;
    for (let i = 0; i < MAX + 5; i++) logger.log("warn", `beyond`);
    assert.equal(lines.length, MAX + 5);
  });

  test("tells the counts there are when it is disposed of", async () => {
    const { logger, lines, clock } = start();
    for (let i = 0; i < MAX + 3; i++) refuse(logger, "ERR_SS_REPLAY");
    await clock.advance(10_000);
    logger[Symbol.dispose]();
    assert.deepEqual(lines.at(-1)!.fields, {
      code: "ERR_SS_REPLAY",
      repeated: 3,
      seconds: 10,
    });
    assert.equal(clock.pending, 0);
  });
});

interface Line {
  readonly level: LogLevel;
  readonly message: string;
  readonly fields: LogFields | undefined;
}

function start(): { logger: LimitedLogger; lines: Line[]; clock: FakeClock } {
  const lines: Line[] = [];
  const clock = new FakeClock();
  const logger = new LimitedLogger({
    enabled: () => true,
    log: (level, message, fields) => lines.push({ level, message, fields }),
  }, clock);
  return { logger, lines, clock };
}

function refuse(logger: LimitedLogger, code: string, client = "a"): void {
  logger.log("warn", "connection refused", { client, code });
}
