import assert from "node:assert/strict";
import { test } from "node:test";
import { findCommand } from "../../../src/cli/commands/commands.ts";
import {
  type ConfiguredServer,
  configureServer,
} from "../../../src/cli/config/config.ts";
import { describeConfig } from "../../../src/cli/config/check_config.ts";
import { parseConfig } from "../../../src/cli/config/config_file.ts";
import { panelSettings } from "../../../src/cli/config/panel_settings.ts";
import { parseArguments } from "../../../src/cli/options/args.ts";
import { parsePanelNode } from "../../../src/codec/uniproxy.ts";
import { ConfigError } from "../../../src/errors.ts";
import { PANEL_NODE } from "../../support/fake_panel.ts";
import { sourcesOf } from "../../support/sources.ts";

const PANEL = { url: "https://panel.test/x", "node_id": 7, token: "secret" };
const NODE = parsePanelNode(JSON.stringify(PANEL_NODE));

function settings(panel: object): ReturnType<typeof panelSettings> {
  const text = JSON.stringify({ server: "::", panel }, null, 1);
  return panelSettings(
    { object: parseConfig(text, "umbra.json"), name: "umbra.json" },
    sourcesOf((path) => path.endsWith("panel.token") ? "from file\n" : text),
  );
}

function configure(file: object, node = NODE): ConfiguredServer[] {
  const args = parseArguments(findCommand("server")!, ["-c", "umbra.json"]);
  const sources = sourcesOf(() => JSON.stringify(file));
  return configureServer(args, sources, node).result;
}

test("panelSettings() reads a panel; a token may be in a file of its own", () => {
  const read = settings(PANEL)!;
  assert.deepEqual([read.url.href, read.nodeId, read.token, read.resends], [
    "https://panel.test/x",
    7,
    "secret",
    false,
  ]);
  const { token: _, ...rest } = PANEL;
  assert.equal(
    settings({ ...rest, "token_file": "panel.token", resend: true })!.token,
    "from file",
  );
  const plain = { ...PANEL, url: "http://panel.test" };
  assert.equal(settings({ ...plain, plain: true })!.url.protocol, "http:");
  assert.equal(settings({ ...PANEL, url: "http://127.0.0.1:80" })?.nodeId, 7);
});

test("panelSettings() names file, key and what was expected, and no token", () => {
  const { token: _, ...tokenless } = PANEL;
  for (
    const [panel, message] of [
      [
        { ...PANEL, url: undefined },
        /umbra\.json:\d+:\d+: panel\.url is missing/,
      ],
      [
        { ...PANEL, url: "panel.test" },
        /panel\.url has a wrong value, expected a URL/,
      ],
      [
        { ...PANEL, url: "http://panel.test" },
        /panel\.url .*expected https, or "plain"/,
      ],
      [{ ...PANEL, url: "https://u:p@panel.test" }, /panel\.url/],
      [{ ...PANEL, url: "https://panel.test/?token=secret" }, /panel\.url/],
      [
        { ...PANEL, "node_id": 0 },
        /panel\.node_id is 0, expected a whole number/,
      ],
      [{ ...PANEL, "node_id": undefined }, /panel\.node_id is missing/],
      [tokenless, /panel\.token is missing, expected text, or "token_file"/],
      [{ ...PANEL, token: 5 }, /panel\.token has a wrong value/],
      [
        { ...PANEL, "token_file": "x" },
        /panel\.token_file and "token"/,
      ],
      [
        { ...PANEL, nodeid: 7 },
        /panel\.nodeid is unknown; did you mean "node_id"/,
      ],
    ] as const
  ) {
    assert.throws(
      () => settings(panel),
      (error) =>
        error instanceof ConfigError && message.test(error.message) &&
        !error.message.includes("secret"),
      String(message),
    );
  }
});

test("configureServer() serves what the panel says, where the file says", () => {
  const [server] = configure({ server: "::", panel: PANEL });
  assert.deepEqual(server!.listen, { host: "::", port: 8388 });
  assert.equal(server!.method.name, PANEL_NODE.cipher);
  assert.deepEqual(
    server!.masterKey,
    new TextEncoder().encode("abcdefghijklmnopqrstuvwxyzabcdef"),
  );
  const [other] = configure({ "server_port": 443, panel: PANEL });
  assert.equal(other!.listen.port, 443);
  const old = parsePanelNode(
    JSON.stringify({
      ...PANEL_NODE,
      cipher: "aes-256-gcm",
      "server_key": null,
    }),
  );
  const [trial] = configure({ panel: PANEL }, old);
  assert.equal(trial!.masterKey, undefined);
});

test("configureServer() refuses what a panel and a file say both", () => {
  for (
    const [file, message] of [
      [{ method: "aes-256-gcm" }, /the panel sets "method": leave it out/],
      [{ password: "x" }, /the panel sets "password"/],
      [{ users: [{ name: "a", password: "b" }] }, /the panel sets "users"/],
      [{
        servers: [{ server: "::", "server_port": 1 }, {
          server: "::",
          "server_port": 2,
        }],
      }, /one port/],
    ] as const
  ) {
    assert.throws(
      () => configure({ ...file, panel: PANEL }),
      (error) => error instanceof ConfigError && message.test(error.message),
    );
  }
  const plugin = parsePanelNode(
    JSON.stringify({ ...PANEL_NODE, plugin: "obfs" }),
  );
  assert.throws(() => configure({ panel: PANEL }, plugin), /use plugin obfs/);
  const args = parseArguments(findCommand("server")!, ["-c", "umbra.json"]);
  const sources = sourcesOf(() => JSON.stringify({ panel: PANEL }));
  assert.throws(
    () => configureServer(args, sources),
    /panel: port, method and users are on the panel, and only `umbra server` reads/,
  );
});

test("umbra check config tells what the panel is asked for, and asks it nothing", () => {
  const text = JSON.stringify({ server: "::", panel: PANEL });
  const sources = sourcesOf(() => text);
  const check = parseArguments(findCommand("check")!, ["config", "umbra.json"]);
  const { text: told, isFit } = describeConfig("umbra.json", check, sources);
  assert.equal(isFit, true, told);
  assert.match(told, /ss-server ::, node 7 of panel\.test/);
  assert.match(told, /clients {2}the users of the panel/);
  assert.ok(!told.includes("secret"));
});
