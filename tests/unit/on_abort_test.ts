import assert from "node:assert/strict";
import { test } from "node:test";
import { onAbort } from "../../src/on_abort.ts";

test("onAbort() calls everybody once, in the order in which they came", () => {
  const controller = new AbortController();
  const calls: number[] = [];
  for (const i of [1, 2, 3]) {
    onAbort(controller.signal, () => calls.push(i));
  }
  controller.abort();
  controller.abort();
  assert.deepEqual(calls, [1, 2, 3]);
});

test("onAbort() does not call who has left, also while it calls", () => {
  const controller = new AbortController();
  const calls: string[] = [];
  const call = (): void => void calls.push("same");
  onAbort(controller.signal, call)();
  onAbort(controller.signal, call);
  onAbort(controller.signal, () => leave());
  const leave = onAbort(controller.signal, () => calls.push("left"));
  controller.abort();
  assert.deepEqual(calls, ["same"]);
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
