import assert from "node:assert/strict";
import { test } from "node:test";
import { TransportError } from "../../../src/errors.ts";
import { IdleSignal } from "../../../src/streams/idle_signal.ts";
import { FakeClock } from "../../support/fake_clock.ts";

const FOREVER = new AbortController().signal;

test("IdleSignal aborts once nothing was touched for the time", async () => {
  const clock = new FakeClock();
  using idle = new IdleSignal(clock, 1_000, FOREVER);
  await clock.advance(900);
  idle.touch();
  await clock.advance(999);
  assert.ok(!idle.signal.aborted);
  await clock.advance(1);
  const { reason } = idle.signal;
  assert.ok(reason instanceof TransportError && reason.code === "ERR_NET_IDLE");
});

test("IdleSignal follows its parent, also one that is aborted already", () => {
  const clock = new FakeClock();
  const parent = new AbortController();
  using idle = new IdleSignal(clock, 1_000, parent.signal);
  parent.abort("stop");
  assert.equal(idle.signal.reason, "stop");
  using late = new IdleSignal(clock, 1_000, parent.signal);
  assert.equal(late.signal.reason, "stop");
});

test("IdleSignal leaves no timer behind", async () => {
  const clock = new FakeClock();
  new IdleSignal(clock, 1_000, FOREVER)[Symbol.dispose]();
  assert.equal(clock.pending, 0);
  await clock.advance(2_000);
});
