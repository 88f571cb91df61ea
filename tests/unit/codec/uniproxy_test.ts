import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { test } from "node:test";
import {
  checkTaken,
  formatAlive,
  formatTraffic,
  panelPassword,
  parseAliveCounts,
  parsePanelNode,
  parsePanelUsers,
} from "../../../src/codec/uniproxy.ts";
import { findMethod } from "../../../src/crypto/method.ts";
import { ConfigError, ProtocolError } from "../../../src/errors.ts";
import { MAX_PANEL_MS, MIN_PANEL_MS } from "../../../src/limits.ts";
import { seededRandom } from "../../support/bytes.ts";
import { PANEL_NODE, uuidOf } from "../../support/fake_panel.ts";

const NODE = JSON.stringify({
  ...PANEL_NODE,
  routes: [
    { id: 1, match: ["example.com", "regexp:x"], action: "block" },
    { id: 2, match: "protocol:bittorrent", action: "block" },
  ],
});

const USERS = JSON.stringify({
  users: [
    { id: 1, uuid: uuidOf(1), "speed_limit": 100, "device_limit": 3 },
    { id: "2", uuid: uuidOf(2), "speed_limit": null, "device_limit": "0" },
    { id: 3, uuid: uuidOf(3) },
  ],
});

test("parsePanelNode() reads what Xboard and V2Board say", () => {
  assert.deepEqual(parsePanelNode(NODE), {
    method: "2022-blake3-aes-256-gcm",
    port: 8388,
    serverKey: PANEL_NODE.server_key,
    pushMs: 60_000,
    pullMs: 60_000,
    plugin: undefined,
    routes: ["block example.com, regexp:x", "block protocol:bittorrent"],
  });
  // V2Board names no protocol, and PHP may write numbers as text.
  const bare = parsePanelNode(
    '{"server_port":"443","cipher":"aes-128-gcm","server_key":""}',
  );
  assert.deepEqual([bare.port, bare.serverKey, bare.pullMs], [
    443,
    undefined,
    60_000,
  ]);
  const interval = (push: unknown): number =>
    parsePanelNode(JSON.stringify({
      ...PANEL_NODE,
      "base_config": { "push_interval": push },
    })).pushMs;
  assert.deepEqual([interval(0), interval("7"), interval(1e6)], [
    MIN_PANEL_MS,
    7_000,
    MAX_PANEL_MS,
  ]);
});

test("parsePanelNode() refuses plainly what is not Shadowsocks", () => {
  for (
    const [change, message] of [
      [{ protocol: "vmess" }, /of vmess, and this server speaks Shadowsocks/],
      [{ protocol: "vless", cipher: undefined }, /is of vless/],
      [{ cipher: undefined, protocol: undefined }, /has no cipher/],
      [{ network: "ws" }, /wants network ws/],
      [{ network: { type: "x" } }, /wants network object/],
    ] as const
  ) {
    assert.throws(
      () => parsePanelNode(JSON.stringify({ ...PANEL_NODE, ...change })),
      (error) => error instanceof ConfigError && message.test(error.message),
    );
  }
});

test("parsePanelUsers() reads limits, and what has none", () => {
  const none = { bytesPerSecond: undefined, devices: undefined };
  assert.deepEqual(parsePanelUsers(USERS), [
    { id: 1, uuid: uuidOf(1), bytesPerSecond: 12_500_000, devices: 3 },
    { id: 2, uuid: uuidOf(2), ...none },
    { id: 3, uuid: uuidOf(3), ...none },
  ]);
  assert.deepEqual(parsePanelUsers('{"users":[]}'), []);
});

test("parseAliveCounts() reads PHP's empty list as nothing", () => {
  assert.deepEqual(parseAliveCounts('{"alive":[]}'), new Map());
  assert.deepEqual(
    parseAliveCounts('{"alive":{"1":2,"12":"3"}}'),
    new Map([[1, 2], [12, 3]]),
  );
});

test("what a node says is as the panel reads it", () => {
  assert.equal(
    formatTraffic(new Map([[1, [10, 20]], [7, [0, 5]]])),
    '{"1":[10,20],"7":[0,5]}',
  );
  assert.equal(
    formatAlive(new Map([[1, ["192.0.2.7", "2001:db8::1"]]])),
    '{"1":["192.0.2.7","2001:db8::1"]}',
  );
  checkTaken('{"status":"success","data":true,"message":"x","error":null}');
  checkTaken('{"data":true}');
});

/** Each answer, with what is wrong with it. */
const MALFORMED: readonly (readonly [(text: string) => unknown, string])[] = [
  ...["", "null", "[]", "1", "<html>", '"x"', "{", "\u0000"].flatMap((text) =>
    [parsePanelNode, parsePanelUsers, parseAliveCounts, checkTaken].map(
      (read) => [read, text] as const,
    )
  ),
  ...[
    { "server_port": 0 },
    { "server_port": 65_536 },
    { "server_port": "8388x" },
    { "server_port": undefined },
    { cipher: 5 },
    { cipher: "" },
    { cipher: "a\u202eb" },
    { "server_key": 5 },
    { plugin: {} },
    { routes: {} },
    { routes: [1] },
    { routes: [{ match: 5 }] },
    { "base_config": [] },
    { "base_config": { "push_interval": -1 } },
    { "base_config": { "pull_interval": 1.5 } },
  ].map((change) =>
    [parsePanelNode, JSON.stringify({ ...PANEL_NODE, ...change })] as const
  ),
  ...[
    "{}",
    '{"users":{}}',
    '{"users":[1]}',
    '{"users":[{"uuid":"x"}]}',
    '{"users":[{"id":0,"uuid":"x"}]}',
    '{"users":[{"id":1.5,"uuid":"x"}]}',
    '{"users":[{"id":9007199254740992,"uuid":"x"}]}',
    '{"users":[{"id":1}]}',
    '{"users":[{"id":1,"uuid":""}]}',
    '{"users":[{"id":1,"uuid":"a\\nb"}]}',
    '{"users":[{"id":1,"uuid":"x","speed_limit":-1}]}',
    '{"users":[{"id":1,"uuid":"x","speed_limit":1e300}]}',
    '{"users":[{"id":1,"uuid":"x","device_limit":"many"}]}',
    '{"users":[{"id":1,"uuid":"x"},{"id":"1","uuid":"y"}]}',
  ].map((text) => [parsePanelUsers, text] as const),
  ...["{}", '{"alive":[1]}', '{"alive":{"x":1}}', '{"alive":{"1":-1}}']
    .map((text) => [parseAliveCounts, text] as const),
  ...["{}", '{"data":false}', '{"status":"fail","data":1}']
    .map((text) => [checkTaken, text] as const),
];

test("what a panel answers wrongly is one error, which repeats no secret", () => {
  for (const [read, text] of MALFORMED) {
    assert.throws(() => read(text), (error) => {
      // A node without a cipher is one of another kind.
      const code = (error as { code?: string }).code;
      assert.ok(code === "ERR_PANEL_ANSWER" || code === "ERR_PANEL", text);
      assert.ok(error instanceof ProtocolError || error instanceof ConfigError);
      return true;
    }, `${read.name} ${text}`);
  }
  assert.throws(
    () => parsePanelUsers(`{"users":[{"id":1,"uuid":"secret\\u0000"}]}`),
    (error) => !(error as Error).message.includes("secret"),
  );
});

test("answers that are cut, or of which a character is another, fail in one way", () => {
  const next = seededRandom(11);
  const readers = [[parsePanelNode, NODE], [parsePanelUsers, USERS]] as const;
  for (const [read, text] of readers) {
    for (let cut = 0; cut < text.length; cut++) {
      assert.throws(() => read(text.slice(0, cut)), {
        code: "ERR_PANEL_ANSWER",
      });
    }
    for (let i = 0; i < 5_000; i++) {
      const at = next() % text.length;
      const changed = text.slice(0, at) +
        String.fromCharCode(
          next() % 3 === 0 ? next() % 0x10000 : 0x20 + next() % 95,
        ) +
        text.slice(at + 1 - next() % 2);
      try {
        read(changed);
      } catch (error) {
        assert.ok(
          error instanceof ProtocolError && error.code === "ERR_PANEL_ANSWER" ||
            error instanceof ConfigError && error.code === "ERR_PANEL",
          String(error),
        );
      }
    }
  }
});

test("panelPassword() is the UUID, or its first bytes with 2022", () => {
  const uuid = "01234567-89ab-4cde-8f01-23456789abcd";
  const user = { id: 1, uuid, bytesPerSecond: undefined, devices: undefined };
  const of = (name: string, one = user): string | undefined =>
    panelPassword(one, findMethod(name));
  assert.equal(of("aes-256-gcm"), uuid);
  assert.equal(
    of("2022-blake3-aes-256-gcm"),
    Buffer.from("01234567-89ab-4cde-8f01-23456789").toString("base64"),
  );
  assert.equal(
    of("2022-blake3-aes-128-gcm"),
    Buffer.from("01234567-89ab-4c").toString("base64"),
  );
  const short = { ...user, uuid: uuid.slice(0, 31) };
  assert.equal(of("2022-blake3-aes-256-gcm", short), undefined);
  const foreign = { ...user, uuid: `ä${uuid}` };
  assert.equal(of("2022-blake3-aes-256-gcm", foreign), undefined);
});
