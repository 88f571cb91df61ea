import assert from "node:assert/strict";
import { test } from "node:test";
import { NameIndex } from "../../../../src/service/server/name_index.ts";
import { seededBytes } from "../../../support/bytes.ts";

interface Named {
  readonly name: string;
  readonly turn: number;
}

test("NameIndex is as a Map, whatever comes and goes", () => {
  const known = new Map<string, Named>();
  const index = new NameIndex<Named>();
  const choices = seededBytes(3 * 6_000, 7);
  for (let turn = 0; turn < 6_000; turn++) {
    const [a, b, c] = choices.subarray(3 * turn, 3 * turn + 3);
    const name = `user-${(a! << 8 | b!) % 700}`;
    // More come at first, more leave later.
    if (c! < (turn < 3_000 ? 180 : 70)) {
      known.set(name, { name, turn });
      index.set({ name, turn });
    } else {
      known.delete(name);
      index.delete(name);
    }
    assert.deepEqual(index.get(name), known.get(name));
    assert.equal(index.size, known.size);
    if (turn % 500 === 0) {
      assert.deepEqual([...index.values()], [...known.values()]);
    }
  }
  assert.deepEqual([...index.values()], [...known.values()]);
});

test("NameIndex tells names apart that have one hash, also of no letters", () => {
  const names = [
    "",
    "a",
    "b",
    "__proto__",
    "ä",
    "\u0001",
    "costarring",
    "liquid",
  ];
  const index = new NameIndex(names.map((name) => ({ name })));
  for (const name of names) assert.equal(index.get(name)?.name, name);
  assert.equal(index.get("c"), undefined);
  assert.deepEqual([...index.values()].map(({ name }) => name), names);
});
