import assert from "node:assert/strict";
import { test } from "node:test";
import { createLogger, type LogOptions } from "../../../src/cli/log/log.ts";
import type { Logger } from "../../../src/observe.ts";

const NOW_MS = Date.UTC(2026, 10, 21, 3);

function record(
  options?: LogOptions,
): { logger: Logger; lines: string[] } {
  const lines: string[] = [];
  const logger = createLogger(
    (line) => lines.push(line),
    () => NOW_MS,
    options,
  );
  return { logger, lines };
}

test("createLogger() writes time, level, message and fields", () => {
  const { logger, lines } = record();
  logger.log("info", "connection closed", {
    target: "[::1]:80",
    up: 5,
    x: undefined,
  });
  logger.log("error", "no");
  assert.deepEqual(lines, [
    "2026-11-21T03:00:00.000Z INFO  connection closed target=[::1]:80 up=5\n",
    "2026-11-21T03:00:00.000Z ERROR no\n",
  ]);
});

test("createLogger() drops what is less severe than its level", () => {
  const { logger, lines } = record({ level: "warn" });
  logger.log("info", "x");
  logger.log("warn", "y");
  assert.equal(lines.length, 1);
  assert.deepEqual(
    (["debug", "info", "warn", "error"] as const).map(logger.enabled),
    [false, false, true, true],
  );
  assert.equal(record().logger.enabled("debug"), false);
  assert.equal(record({ level: "debug" }).logger.enabled("debug"), true);
});

test("createLogger() lets no value forge a line, a field or a colour", () => {
  const { logger, lines } = record();
  logger.log("info", "a\nb", {
    host: 'x" level=error\n\x1b[31m\u2028',
    empty: "",
  });
  const [line] = lines;
  assert.equal(line!.split("\n").length, 2);
  assert.ok(!line!.includes("\x1b") && !line!.includes("\u2028"));
  assert.ok(line!.includes('host="x\\" level=error\\n'));
  assert.ok(line!.endsWith(' empty=""\n'));
});

test("createLogger() writes one JSON object a line, when told to", () => {
  const { logger, lines } = record({ format: "json", colour: true });
  logger.log("warn", "a\nb", { n: 1, ok: true, gone: undefined });
  assert.equal(lines[0]!.indexOf("\n"), lines[0]!.length - 1);
  assert.deepEqual(JSON.parse(lines[0]!), {
    time: "2026-11-21T03:00:00.000Z",
    level: "warn",
    message: "a\nb",
    n: 1,
    ok: true,
  });
});

test("createLogger() colours the level only, when told to", () => {
  const { logger, lines } = record({ colour: true });
  logger.log("warn", "x");
  assert.equal(lines[0], "2026-11-21T03:00:00.000Z \x1b[33mWARN \x1b[0m x\n");
});

test("createLogger() leaves the time out, where it is asked to", () => {
  const text = record({ withoutTime: true });
  text.logger.log("info", "connection closed", { up: 5 });
  assert.deepEqual(text.lines, ["INFO  connection closed up=5\n"]);
  const json = record({ withoutTime: true, format: "json" });
  json.logger.log("warn", "no");
  assert.deepEqual(json.lines, ['{"level":"warn","message":"no"}\n']);
});
