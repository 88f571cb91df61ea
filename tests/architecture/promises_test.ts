/**
 * No promise is left without an owner that catches, and the check is shown bad
 * examples that it must refuse.
 *
 * @module
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { checkPromises } from "./promises.ts";
import { readSources } from "./source.ts";

test("src has no promise without an owner that catches", () => {
  const sources = readSources("src", ".ts");
  assert.ok(sources.length > 100, "no sources found");
  assert.deepEqual(checkPromises(sources), []);
});

const DECLARED = `class A {
  async #all(): Promise<void> {}
  start(): Promise<void> { return this.#all(); }
  close(): void {}
}
async function work() {}
`;

for (
  const [text, want] of [
    ["void this.#all();", /void owns no promise/],
    ["for (const a of b) void a.run();", /void owns no promise/],
    ["const f = () => void work();", /void owns no promise/],
    ["work();", /nothing catches what work\(\) rejects with$/],
    ["if (ready(1)) this.#all();", /what #all\(\) rejects/],
    ["else a?.b!.start(1);", /what start\(\) rejects/],
    ["other.start().finally(() => clear());", /what start\(\) rejects/],
    ["p.then(() => done(1, 2));", /what then\(\) rejects/],
    ["p.finally(() => done());", /what finally\(\) rejects/],
    ["a.catch(() => {}).finally(() => {});", /what finally\(\) rejects/],
    ["clock.schedule(() => this.#all(), 5);", /schedule\(\) owns no/],
    ['socket.on("end", async () => {});', /on\(\) owns no promise/],
    ['signal.addEventListener("abort", () => a.start());', /owns no/],
  ] as const
) {
  test(`checkPromises() complains, when code says ${text}`, () => {
    const path = "src/service/a.ts";
    const complaints = checkPromises([{
      path,
      text: `${DECLARED}function f(): void {\n  ${text}\n}\n`,
    }]);
    assert.equal(complaints.length, 1, complaints.join("\n"));
    assert.match(complaints[0]!, want);
    assert.match(complaints[0]!, /^src\/service\/a\.ts:8: /);
  });
}

test("checkPromises() is content, when each promise has an owner", () => {
  const text = `${DECLARED}async function f(): Promise<void> {
  await work();
  detach(work(), "work", world);
  work().catch(tell);
  work().then(done, failed);
  const kept = work();
  a.close();
  // void work();
  clock.schedule(() => this.close(), 5);
  list.map(async (a) => await work());
  return work();
}
interface B { start(): Promise<void>; take(handle: () => void): void; }
`;
  assert.deepEqual(checkPromises([{ path: "src/cli/a.ts", text }]), []);
  const page = { path: "src/admin/dashboard/app.ts", text: "void work();" };
  assert.deepEqual(checkPromises([page]), []);
});
