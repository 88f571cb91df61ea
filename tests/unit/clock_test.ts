import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { abortable, Deadline, pause, systemClock } from "../../src/clock.ts";
import { TransportError } from "../../src/errors.ts";
import { FakeClock, settle } from "../support/fake_clock.ts";

test("the system's clock never runs what is scheduled for Infinity", async () => {
  let ran = false;
  const cancel = systemClock.schedule(() => ran = true, Infinity);
  await pause(systemClock, 20, new AbortController().signal);
  assert.equal(ran, false);
  cancel();
});

describe("Deadline", () => {
  test("aborts with a TransportError of its code, when time is up", async () => {
    const clock = new FakeClock();
    const deadline = new Deadline(clock, {
      delayMs: 100,
      code: "ERR_NET_TIMEOUT",
    });
    await clock.advance(99);
    assert.ok(!deadline.signal.aborted);
    await clock.advance(1);
    assert.ok(deadline.signal.reason instanceof TransportError);
    assert.equal(deadline.signal.reason.code, "ERR_NET_TIMEOUT");
  });

  test("never aborts and holds no timer, once cancelled", async () => {
    const clock = new FakeClock();
    const deadline = new Deadline(clock, {
      delayMs: 100,
      code: "ERR_NET_TIMEOUT",
    });
    deadline[Symbol.dispose]();
    assert.equal(clock.pending, 0);
    await clock.advance(200);
    assert.ok(!deadline.signal.aborted);
  });

  test("takes over the parent's abort and reason, before or after", () => {
    const clock = new FakeClock();
    const parent = new AbortController();
    const before = new Deadline(clock, {
      delayMs: 1,
      code: "ERR_NET_TIMEOUT",
      parent: parent.signal,
    });
    const reason = new Error("stop");
    parent.abort(reason);
    const after = new Deadline(clock, {
      delayMs: 1,
      code: "ERR_NET_TIMEOUT",
      parent: parent.signal,
    });
    assert.equal(before.signal.reason, reason);
    assert.equal(after.signal.reason, reason);
    assert.equal(clock.pending, 0);
  });
});

describe("pause()", () => {
  test("resolves when time is up, or at the abort, and drops its timer", async () => {
    const clock = new FakeClock();
    const controller = new AbortController();
    let woke = 0;
    pause(clock, 10, controller.signal).then(() => woke++);
    pause(clock, 100, controller.signal).then(() => woke++);
    await clock.advance(9);
    assert.equal(woke, 0);
    await clock.advance(1);
    assert.equal(woke, 1);
    controller.abort(new Error("enough"));
    await pause(clock, 10, controller.signal);
    await settle();
    assert.equal(woke, 2);
    assert.equal(clock.pending, 0);
  });

  test("really waits, with the system's clock", async () => {
    const startMs = systemClock.monotonicMs();
    await pause(systemClock, 20, new AbortController().signal);
    assert.ok(systemClock.monotonicMs() - startMs >= 15);
    assert.ok(Math.abs(systemClock.unixMs() - Date.now()) < 1_000);
  });
});

describe("abortable()", () => {
  test("passes the value or the error through, when nothing aborts", async () => {
    const { signal } = new AbortController();
    assert.equal(await abortable(Promise.resolve(1), signal), 1);
    await assert.rejects(
      abortable(Promise.reject(new Error("no")), signal),
      /no/,
    );
    assert.equal(await abortable(Promise.resolve(2), undefined), 2);
  });

  test("hands a value that comes too late to its owner", async () => {
    const controller = new AbortController();
    const operation = Promise.withResolvers<string>();
    const late: string[] = [];
    const waiting = abortable(
      operation.promise,
      controller.signal,
      (value) => late.push(value),
    );
    controller.abort(new Error("gone"));
    await assert.rejects(waiting, /gone/);
    operation.resolve("resource");
    await settle();
    assert.deepEqual(late, ["resource"]);
  });
});
