import assert from "node:assert/strict";
import { test } from "node:test";
import {
  type NameKind,
  type NameTable,
  NameTableBuilder,
} from "../../../src/routes/match/name_table.ts";
import { MAX_NAME_PROBES } from "../../../src/limits.ts";
import { seededRandom } from "../../support/bytes.ts";

test("find() knows exact names, suffixes, and what is only below", () => {
  const table = tableOf([
    ["exact", "exact.test"],
    ["suffix", "suffix.test"],
    ["below", "below.test"],
    ["suffix", "test2"],
  ]);
  const found = (name: string): string | undefined => {
    const index = table.find(name);
    return index < 0 ? undefined : table.entry(index).name;
  };
  for (
    const [name, expected] of [
      ["exact.test", "exact.test"],
      ["a.exact.test", undefined],
      ["EXACT.Test", "exact.test"],
      ["suffix.test", "suffix.test"],
      ["a.b.suffix.test", "suffix.test"],
      ["asuffix.test", undefined],
      [".suffix.test", "suffix.test"],
      ["below.test", undefined],
      ["a.below.test", "below.test"],
      ["test2", "test2"],
      ["any.test2", "test2"],
      ["test", undefined],
      ["", undefined],
      [".", undefined],
    ] as const
  ) assert.equal(found(name), expected, name);
});

test("find() agrees with a search through every entry", () => {
  const next = seededRandom(3);
  const name = (): string =>
    Array.from(
      { length: 1 + next() % 3 },
      () => "abc"[next() % 3]! + next() % 3,
    )
      .join(".");
  const kinds = ["exact", "suffix", "below"] as const;
  for (let round = 0; round < 50; round++) {
    const entries = Array.from(
      { length: 1 + next() % 40 },
      (): [NameKind, string] => [kinds[next() % 3]!, name()],
    );
    const table = tableOf(entries);
    for (let i = 0; i < 200; i++) {
      const asked = name();
      const holds = entries.some(([kind, entry]) =>
        kind !== "below" && asked === entry ||
        kind !== "exact" && asked.endsWith(`.${entry}`)
      );
      assert.equal(table.find(asked) >= 0, holds, asked);
    }
  }
});

test("entries() gives back what went in, with its lines", () => {
  const table = tableOf([["exact", "a.test"], ["below", "b"], [
    "exact",
    "a.test",
  ]]);
  assert.deepEqual([...table.entries()], [
    { kind: "exact", name: "a.test", line: 1 },
    { kind: "below", name: "b", line: 2 },
    { kind: "exact", name: "a.test", line: 3 },
  ]);
});

test("build() refuses names that are made to collide", () => {
  const names = colliding(MAX_NAME_PROBES + 2);
  assert.throws(() => tableOf(names.map((name) => ["exact", name])), {
    code: "ERR_ROUTE_LIST",
    message: /chosen to collide/,
  });
  const fewer = tableOf(
    names.slice(0, MAX_NAME_PROBES / 2).map((name) => ["exact", name]),
  );
  for (const name of names.slice(0, 9)) assert.ok(fewer.find(name) >= 0);
});

function tableOf(entries: readonly (readonly [NameKind, string])[]): NameTable {
  const builder = new NameTableBuilder();
  for (const [i, [kind, name]] of entries.entries()) {
    builder.add(kind, name, i + 1);
  }
  return builder.build();
}

/** Names with the same slot in a table of 1,024: its hash is no secret. */
function colliding(count: number): string[] {
  const names: string[] = [];
  for (let i = 0; names.length < count; i++) {
    const name = `n${i}`;
    let hash = 0x811c9dc5 | 0;
    for (let at = name.length - 1; at >= 0; at--) {
      hash = Math.imul(hash ^ name.charCodeAt(at), 0x01000193);
    }
    if (((hash ^ (hash >>> 15)) & 1_023) === 0) names.push(name);
  }
  return names;
}
