import assert from "node:assert/strict";
import { test } from "node:test";
import { JointStop, onAbort, Stop, toAbortSignal } from "../../src/on_abort.ts";

const SOURCES = {
  "an AbortSignal": () => new AbortController(),
  "a Stop": () => {
    const stop = new Stop();
    return { signal: stop, abort: (reason?: unknown) => stop.abort(reason) };
  },
};

for (const [kind, make] of Object.entries(SOURCES)) {
  test(`onAbort() of ${kind} calls everybody once, in the order in which they came`, () => {
    const controller = make();
    const calls: number[] = [];
    for (const i of [1, 2, 3]) {
      onAbort(controller.signal, () => calls.push(i));
    }
    controller.abort();
    controller.abort();
    assert.deepEqual(calls, [1, 2, 3]);
  });

  test(`onAbort() of ${kind} does not call who has left, also while it calls`, () => {
    const controller = make();
    const calls: string[] = [];
    const call = (): void => void calls.push("same");
    onAbort(controller.signal, call)();
    onAbort(controller.signal, call);
    onAbort(controller.signal, () => leave());
    const leave = onAbort(controller.signal, () => calls.push("left"));
    controller.abort();
    assert.deepEqual(calls, ["same"]);
  });

  test(`toAbortSignal() of ${kind} is aborted with the same reason`, () => {
    const [early, late] = [make(), make()];
    early.abort("early");
    assert.equal(toAbortSignal(early.signal).reason, "early");
    const signal = toAbortSignal(late.signal);
    assert.equal(signal.aborted, false);
    late.abort("late");
    assert.equal(signal.reason, "late");
  });
}

test("a Stop throws its reason, once it has been aborted", () => {
  const stop = new Stop();
  stop.throwIfAborted();
  stop.abort(new Error("first"));
  stop.abort(new Error("second"));
  assert.throws(() => stop.throwIfAborted(), /first/);
});

test("onAbort() adds one listener to a signal, however many listen", () => {
  const { signal } = new AbortController();
  let added = 0;
  const add = signal.addEventListener.bind(signal);
  signal.addEventListener = (...rest: Parameters<typeof add>) => {
    added++;
    add(...rest);
  };
  for (let i = 0; i < 100; i++) onAbort(signal, () => {});
  assert.equal(added, 1);
});

test("a JointStop aborts with the reason of the first parent that does", () => {
  const [one, other] = [new Stop(), new AbortController()];
  using joint = new JointStop(one, other.signal);
  const reasons: unknown[] = [];
  onAbort(joint, () => reasons.push(joint.reason));
  other.abort("other");
  one.abort("one");
  assert.deepEqual(reasons, ["other"]);
  using late = new JointStop(new Stop(), one);
  assert.equal(late.aborted, true);
  assert.equal(late.reason, "one");
});

test("parents forget a JointStop that was disposed of", () => {
  const parents = [new CountingStop(), new CountingStop()];
  const joint = new JointStop(...parents);
  assert.deepEqual(parents.map((one) => one.listening), [1, 1]);
  joint[Symbol.dispose]();
  joint[Symbol.dispose]();
  assert.deepEqual(parents.map((one) => one.listening), [0, 0]);
  parents[0]!.abort("late");
  assert.equal(joint.aborted, false);
});

/** A Stop that knows how many callbacks it has. */
class CountingStop extends Stop {
  listening = 0;

  override listen(callback: () => void): () => void {
    this.listening++;
    const leave = super.listen(callback);
    return () => {
      this.listening--;
      leave();
    };
  }
}
