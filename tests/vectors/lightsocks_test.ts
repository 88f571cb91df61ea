/**
 * The vectors of lightsocks: made by the Go original, checked by the Python
 * one.
 */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import {
  formatLightsocksPassword,
  parseLightsocksPassword,
} from "../../src/codec/lightsocks_password.ts";
import { ByteTable } from "../../src/session/lightsocks/byte_table.ts";
import { hex } from "../support/bytes.ts";

const vector = JSON.parse(
  readFileSync(new URL("lightsocks.json", import.meta.url), "utf8"),
) as {
  readonly password: string;
  readonly password_urlsafe: string;
  readonly decode_table: string;
  readonly vectors: readonly {
    readonly name: string;
    readonly plain: string;
    readonly encoded: string;
  }[];
  readonly bad_passwords: readonly {
    readonly value: string;
    readonly why: string;
  }[];
};

const table = parseLightsocksPassword(vector.password);

for (const { name, plain, encoded } of vector.vectors) {
  test(`lightsocks: ${name}`, () => {
    const bytes = new ByteTable(table);
    assert.deepEqual(bytes.encode(hex(plain)), hex(encoded));
    assert.deepEqual(bytes.decode(hex(encoded)), hex(plain));
  });
}

test("lightsocks: the inverse of the table", () => {
  const all = Uint8Array.from({ length: 256 }, (_, i) => i);
  assert.deepEqual(new ByteTable(table).decode(all), hex(vector.decode_table));
});

test("lightsocks: both spellings of the password, with and without padding", () => {
  for (const text of [vector.password, vector.password_urlsafe]) {
    for (const spelling of [text, ` ${text}\n`, text.replace(/=+$/, "")]) {
      assert.deepEqual(parseLightsocksPassword(spelling), table);
    }
  }
  assert.equal(formatLightsocksPassword(table, "go"), vector.password);
  assert.equal(
    formatLightsocksPassword(table, "python"),
    vector.password_urlsafe,
  );
});

test("lightsocks: passwords that are none, without a word of them", () => {
  // The second is the good one without its padding, which we read.
  const [zeros, unpadded, ...others] = vector.bad_passwords;
  assert.deepEqual(parseLightsocksPassword(unpadded!.value), table);
  for (const { value } of [zeros!, ...others]) {
    assert.throws(() => parseLightsocksPassword(value), (error: Error) => {
      assert.equal((error as { code?: string }).code, "ERR_SS_KEY_LENGTH");
      assert.ok(!error.message.includes(value.slice(0, 8)));
      return true;
    });
  }
});
