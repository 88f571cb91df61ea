import assert from "node:assert/strict";
import { test } from "node:test";
import {
  packedFields,
  USER_FIELDS,
} from "../../../../src/adapters/fleet/_user_form.ts";

/** Fields of a user as the engine packs them: `b` is absent, `c` is empty. */
const VALUES: Readonly<Record<string, string>> = {
  ...{ v: "12", k: "a:b,\u0000", d: "1", q: "50000000000", c: "", h: "3" },
};

function pack(...users: readonly (typeof VALUES)[]): Uint8Array {
  const fields = users.flatMap((user) =>
    USER_FIELDS.map((name) => {
      const value = user[name];
      return value === undefined ? ":" : `${value.length}:${value}`;
    })
  );
  return new TextEncoder().encode(fields.join(""));
}

function read(packed: Uint8Array): Record<string, string>[] {
  return [...packedFields(packed)].map((fields) =>
    Object.fromEntries(
      [...fields].map(([name, value]) => [
        name,
        new TextDecoder().decode(value),
      ]),
    )
  );
}

test("packed users are read with their missing and empty fields", () => {
  assert.deepEqual(read(pack(VALUES, {}, { d: "1" })), [
    VALUES,
    {},
    { d: "1" },
  ]);
  assert.deepEqual(read(new Uint8Array()), []);
});

test("packed users that are cut are refused at every byte", () => {
  const packed = pack(VALUES);
  for (let length = 1; length < packed.length; length++) {
    assert.throws(() => read(packed.subarray(0, length)), {
      code: "ERR_STORE_DAMAGED",
    });
  }
});
