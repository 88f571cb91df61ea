import assert from "node:assert/strict";
import { test } from "node:test";
import {
  formatLightsocksUrl,
  isLightsocksConfig,
  type LightsocksConfig,
  parseLightsocksUrl,
  readLightsocksConfig,
  toGoConfig,
  toPythonConfig,
} from "../../../src/codec/lightsocks_config.ts";
import {
  formatLightsocksPassword,
  makeLightsocksTable,
  unchangedBytes,
} from "../../../src/codec/lightsocks_password.ts";
import { ConfigError } from "../../../src/errors.ts";
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

test("readLightsocksConfig() reads the Go form for both roles", () => {
  const document = { listen: ":7448", remote: "192.0.2.1:9000", password };
  assert.deepEqual(readLightsocksConfig(document, "local"), {
    local: { host: "::", port: 7448 },
    server: { host: "192.0.2.1", port: 9000 },
    table,
  });
  assert.deepEqual(
    readLightsocksConfig({ listen: "[::1]:9000", password }, "server"),
    { server: { host: "::1", port: 9000 }, table },
  );
  assert.deepEqual(readLightsocksConfig({ listen: "", password }, "server"), {
    table,
  });
});

test("readLightsocksConfig() reads the Python form", () => {
  const document = {
    serverAddr: "server.example",
    serverPort: 8388,
    localAddr: "127.0.0.1",
    localPort: 1080,
    password: formatLightsocksPassword(table, "python"),
  };
  const config: LightsocksConfig = {
    server: { host: "server.example", port: 8388 },
    local: { host: "127.0.0.1", port: 1080 },
    table,
  };
  assert.deepEqual(readLightsocksConfig(document, "local"), config);
  assert.deepEqual(toPythonConfig(config), document);
});

test("toGoConfig() and toPythonConfig() are read back the same", () => {
  const config: LightsocksConfig = {
    server: { host: "2001:db8::1", port: 9000 },
    local: { host: "127.0.0.1", port: 7448 },
    table,
  };
  for (const role of ["local", "server"] as const) {
    const { local, ...server } = config;
    const expected = role === "local" ? { local, ...server } : server;
    assert.deepEqual(
      readLightsocksConfig(toGoConfig(config, role), role),
      expected,
    );
    assert.deepEqual(
      readLightsocksConfig(toPythonConfig(config), role),
      config,
    );
  }
});

test("readLightsocksConfig() names the key and not the password", () => {
  const bad: readonly (readonly [unknown, RegExp])[] = [
    [[password], /the root/],
    [{ listen: ":1" }, /"password"/],
    [{ listen: 7448, password }, /"listen"/],
    [{ listen: "host", password }, /"listen"/],
    [{ listen: ":0", password }, /"listen"/],
    [{ listen: ":65536", password }, /"listen"/],
    [{ remote: "host", password }, /"remote"/],
    [{ serverAddr: "", password }, /"serverAddr"/],
    [{ serverAddr: "a", serverPort: 0, password }, /"serverPort"/],
    [{ serverAddr: "a", serverPort: 1, password }, /"localAddr"/],
    [{ listen: ":1", password: password.slice(4) }, /password/],
  ];
  for (const [document, expected] of bad) {
    assert.throws(() => readLightsocksConfig(document, "local"), (error) => {
      assert.ok(error instanceof ConfigError);
      assert.match(error.message, expected);
      assert.ok(!error.message.includes(password.slice(8, 40)));
      return true;
    });
  }
});

test("isLightsocksConfig() tells both forms from others", () => {
  assert.ok(isLightsocksConfig({ listen: ":1", password }));
  assert.ok(isLightsocksConfig({ serverAddr: "a", password }));
  assert.ok(!isLightsocksConfig({ server: "a", password }));
  assert.ok(!isLightsocksConfig({ listen: ":1" }));
  assert.ok(!isLightsocksConfig([password]));
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
