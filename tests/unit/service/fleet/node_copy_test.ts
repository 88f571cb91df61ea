import assert from "node:assert/strict";
import { test } from "node:test";
import { FLEET_COPY_PART } from "../../../../src/limits.ts";
import { NodeCopy } from "../../../../src/service/fleet/node_copy.ts";
import type { SharedUser } from "../../../../src/fleet.ts";
import { FakeClock } from "../../../support/fake_clock.ts";
import { FakeMemory, SERVICE, user } from "../../../support/fleet_nodes.ts";

/** More than fit in two parts. */
const COUNT = 2 * FLEET_COPY_PART + 100;

const USERS = Array.from(
  { length: COUNT },
  (_, i): SharedUser => ({ ...user({}), name: `user ${i}` }),
);

function filled(): { memory: FakeMemory; copy: NodeCopy } {
  const memory = new FakeMemory();
  const copy = new NodeCopy(memory, "one", new FakeClock());
  return { memory, copy };
}

function writeAll(copy: NodeCopy): number {
  let parts = 1;
  while (copy.writeSome()) parts++;
  return parts;
}

function names(copy: NodeCopy): Set<string> | undefined {
  const users = copy.users([SERVICE]);
  return users && new Set(users.map(({ name }) => name));
}

test("a copy of many users is written in parts, and counts after the last", () => {
  const { copy } = filled();
  copy.replace(USERS);
  assert.equal(copy.writeSome(), true);
  assert.equal(copy.writeSome(), true);
  assert.equal(copy.users([SERVICE]), undefined);
  assert.equal(copy.writeSome(), false);
  assert.equal(names(copy)?.size, COUNT);
});

test("a second copy writes only what differs, and removes who is gone", () => {
  const { memory, copy } = filled();
  copy.replace(USERS);
  writeAll(copy);
  const written: string[] = [];
  const watched = new NodeCopy(
    {
      entries: (prefix, page) => memory.entries(prefix, page),
      write(changes): void {
        const all = [...changes];
        written.push(...all.map(([key]) => key));
        memory.write(all);
      },
    },
    "one",
    new FakeClock(),
  );
  const kept = USERS.filter(({ name }) => name !== "user 7")
    .map((one) => one.name === "user 9" ? { ...one, disabled: true } : one);
  watched.replace(kept);
  writeAll(watched);
  assert.deepEqual(written, [
    `fleet/one/user/${SERVICE}/user 7`,
    `fleet/one/user/${SERVICE}/user 9`,
    "fleet/one/seen",
  ]);
  assert.deepEqual(names(watched), new Set(kept.map(({ name }) => name)));
});

test("changes that arrive while a copy is written win over it", () => {
  for (let done = 0; done <= 2; done++) {
    const { copy } = filled();
    copy.replace(USERS);
    for (let i = 0; i < done; i++) copy.writeSome();
    for (const name of ["user 0", `user ${COUNT - 1}`]) {
      copy.change([{ kind: "gone", service: SERVICE, name }]);
    }
    const changed = { ...USERS[1]!, disabled: true };
    copy.change([{ kind: "put", user: changed }]);
    writeAll(copy);
    const users = copy.users([SERVICE])!;
    assert.equal(users.length, COUNT - 2, `after ${done} parts`);
    assert.deepEqual(users.find(({ name }) => name === "user 1"), changed);
  }
});

test("a part that the disk refuses is written again", () => {
  const { memory, copy } = filled();
  copy.replace(USERS);
  copy.writeSome();
  memory.isFull = true;
  assert.throws(() => copy.writeSome(), { code: "ERR_STORE_FULL" });
  copy.change([{ kind: "gone", service: SERVICE, name: "user 3" }]);
  memory.isFull = false;
  writeAll(copy);
  assert.equal(names(copy)?.size, COUNT - 1);
});

test("an incomplete copy keeps the age of the one before", () => {
  const clock = new FakeClock();
  const copy = new NodeCopy(new FakeMemory(), "one", clock);
  copy.replace(USERS);
  writeAll(copy);
  clock.setForward(5_000);
  copy.replace(USERS.map((one) => ({ ...one, disabled: true })));
  copy.writeSome();
  assert.equal(copy.ageMs, 5_000);
  writeAll(copy);
  assert.equal(copy.ageMs, 0);
});
