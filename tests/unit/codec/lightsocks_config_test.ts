import assert from "node:assert/strict";
import { test } from "node:test";
import {
  formatLightsocksUrl,
  parseLightsocksUrl,
} from "../../../src/codec/lightsocks_config.ts";
import { formatLightsocksPassword } from "../../../src/codec/lightsocks_password.ts";
import {
  makeLightsocksTable,
  unchangedBytes,
} from "../../support/lightsocks_table.ts";
import { seededRandomBytes } from "../../support/ssr.ts";

const table = makeLightsocksTable(seededRandomBytes());
const password = formatLightsocksPassword(table, "go");

test("makeLightsocksTable() leaves no byte as it is", () => {
  for (let seed = 0; seed < 50; seed++) {
    const table = makeLightsocksTable(seededRandomBytes(seed));
    assert.equal(unchangedBytes(table), 0);
    assert.equal(new Set(table).size, 256);
  }
  const identity = Uint8Array.from({ length: 256 }, (_, i) => i);
  assert.equal(unchangedBytes(identity), 256);
});

test("parseLightsocksUrl() reads what formatLightsocksUrl() writes", () => {
  for (const host of ["192.0.2.1", "2001:db8::1", "server.example"]) {
    const server = { host, port: 8388 };
    const url = formatLightsocksUrl(server, table);
    assert.deepEqual(parseLightsocksUrl(url), {
      server,
      local: { host: "127.0.0.1", port: 1080 },
      table,
    });
  }
});

test("parseLightsocksUrl() refuses what is none", () => {
  for (
    const text of ["", "http://a:1/", "http://a/#x", `https://a:1/#${password}`]
      .concat(`http://:1/#${password}`, `http://u@a:1/#${password}`)
  ) {
    assert.throws(
      () => parseLightsocksUrl(text),
      { code: "ERR_SS_URI_INVALID" },
      text,
    );
  }
});
