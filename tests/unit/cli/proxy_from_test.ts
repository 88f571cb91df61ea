import assert from "node:assert/strict";
import { test } from "node:test";
import { findCommand } from "../../../src/cli/commands/commands.ts";
import { describeConfig } from "../../../src/cli/config/check_config.ts";
import {
  type ConfiguredServer,
  configureServer,
} from "../../../src/cli/config/config.ts";
import { parseArguments } from "../../../src/cli/options/args.ts";
import { settingChanges } from "../../../src/cli/run/setting_changes.ts";
import { SERVICE } from "../../../src/cli/settings/service.ts";
import { ConfigError } from "../../../src/errors.ts";
import { sourcesOf } from "../../support/sources.ts";

const FILE = {
  ...{ server: "127.0.0.1", server_port: 8388 },
  method: "aes-256-gcm",
  password: "secret",
};

function configure(more: object, ...flags: string[]): ConfiguredServer {
  const args = parseArguments(findCommand("server")!, [
    ...["-c", "f.json"],
    ...flags,
  ]);
  return configureServer(
    args,
    sourcesOf(() => JSON.stringify({ ...FILE, ...more })),
  ).result[0]!;
}

test("proxy_from names addresses and blocks; the command line beats it", () => {
  assert.deepEqual(configure({}).proxyFrom, []);
  const both = ["10.0.0.0/8", "::1"];
  assert.deepEqual(configure({ proxy_from: both }).proxyFrom, both);
  assert.deepEqual(
    configure({ proxy_from: both }, "--proxy-from", "192.0.2.1").proxyFrom,
    ["192.0.2.1"],
  );
  for (const bad of ["10.0.0.0/33", "balancer.example", "", 7]) {
    assert.throws(
      () => configure({ proxy_from: bad }),
      (error) =>
        error instanceof ConfigError &&
        /f\.json:.*proxy_from/.test(error.message),
      String(bad),
    );
  }
});

test("proxy_from is shown by check config and by a reload", () => {
  const old = configure({});
  const next = configure({ proxy_from: "10.0.0.1" });
  assert.deepEqual(settingChanges(SERVICE, old, next), {
    adopted: [],
    listening: ["proxy_from 10.0.0.1"],
  });
  const { text } = describeConfig(
    "f.json",
    parseArguments(findCommand("check")!, ["config", "f.json"]),
    sourcesOf(() => JSON.stringify({ ...FILE, proxy_from: "10.0.0.1" })),
  );
  assert.match(text, /proxies +10\.0\.0\.1, by the PROXY protocol/);
});
