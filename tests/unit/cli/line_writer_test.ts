import assert from "node:assert/strict";
import { test } from "node:test";
import { LineWriter } from "../../../src/cli/log/line_writer.ts";
import { LOG_FLUSH_MS, MAX_UNWRITTEN_LOG } from "../../../src/limits.ts";
import { FakeClock } from "../../support/fake_clock.ts";
import { pause } from "../../support/within.ts";

/** A log whose reader reads when the test says so. */
class FakeLog {
  readonly clock = new FakeClock();
  text = "";
  isRead = true;
  fails = false;
  /** Bytes of a write that are taken. */
  taken = Infinity;
  writes = 0;
  #go = Promise.withResolvers<void>();
  readonly writer = new LineWriter({
    clock: this.clock,
    write: async (bytes) => {
      this.writes++;
      if (!this.isRead) await this.#go.promise;
      if (this.fails) throw new Error("no space left");
      const part = bytes.slice(0, this.taken);
      this.text += new TextDecoder().decode(part);
      return part.length;
    },
    recovered: (lost) => this.writer.write(`${lost} lost\n`),
  });

  readOn(): void {
    this.isRead = true;
    this.#go.resolve();
  }
}

test("LineWriter writes lines in their order, one write at a time", async () => {
  const log = new FakeLog();
  log.taken = 2;
  for (const line of ["one\n", "two\n", "€\n"]) log.writer.write(line);
  await log.writer[Symbol.asyncDispose]();
  assert.equal(log.clock.pending, 0);
  log.taken = Infinity;
  log.writer.write("four\n");
  log.writer.write("five\n");
  const before = log.writes;
  await pause(1);
  assert.equal(log.writes - before, 1);
  assert.match(log.text, /^one\ntwo\n.*\nfour\nfive\n$/su);
});

test("LineWriter drops lines that do not fit while there is no reader, counts them, and reports the count", async () => {
  const log = new FakeLog();
  log.isRead = false;
  const line = `${"x".repeat(999)}\n`;
  const room = Math.floor(MAX_UNWRITTEN_LOG / line.length);
  for (let i = 0; i < room + 10; i++) {
    log.writer.write(line);
    if (i % 50 === 0) await pause(0);
  }
  assert.equal(log.text, "");
  log.readOn();
  await log.writer[Symbol.asyncDispose]();
  assert.equal(log.text.split(line).length - 1, room);
  assert.match(log.text, /10 lost\n/u);
  log.writer.write("after\n");
  await pause(1);
  assert.match(log.text, /after\n$/u);
  assert.equal(log.text.match(/lost/gu)?.length, 1);
});

test("LineWriter goes on after a write that failed, and tells what it cost", async () => {
  const log = new FakeLog();
  log.fails = true;
  log.writer.write("one\n");
  log.writer.write("two\n");
  await pause(1);
  log.fails = false;
  log.writer.write("three\n");
  await pause(1);
  assert.equal(log.text, "three\n2 lost\n");
});

test("LineWriter waits no longer for its reader than it says", async () => {
  const log = new FakeLog();
  log.isRead = false;
  log.writer.write("one\n");
  let isOver = false;
  const end = log.writer[Symbol.asyncDispose]().then(() => isOver = true);
  await log.clock.advance(LOG_FLUSH_MS - 1);
  assert.equal(isOver, false);
  await log.clock.advance(1);
  await end;
});
