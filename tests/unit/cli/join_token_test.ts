import assert from "node:assert/strict";
import { test } from "node:test";
import { encodeBase64Url } from "../../../src/codec/base64.ts";
import {
  formatToken,
  isToken,
  type JoinToken,
  parseToken,
} from "../../../src/cli/fleet/join_token.ts";

const TOKEN: JoinToken = {
  fleet: "valkeys://engine.example?fleet=a",
  key: "key key",
  auth: "umbra:secret",
  ca: "-----BEGIN CERTIFICATE-----\nÄ\n",
  plain: true,
  outage: "strict",
  port: 8388,
  method: "2022-blake3-aes-128-gcm",
  mode: "tcp_and_udp",
  password: "own",
};

test("a token is one line, and comes back whole", () => {
  const line = formatToken(TOKEN);
  assert.match(line, /^umbra-fleet:[\w-]+$/);
  assert.deepEqual(parseToken(line), TOKEN);
  const { fleet, key, port, method } = TOKEN;
  const least = { fleet, key, port, method };
  assert.deepEqual(parseToken(formatToken(least)), least);
  assert.equal(isToken(line), true);
  assert.equal(isToken("fleet.token"), false);
});

test("a token that is cut, changed or another thing is refused, unrepeated", () => {
  const line = formatToken(TOKEN);
  const wrong: string[] = [];
  for (let length = 0; length < line.length; length++) {
    wrong.push(line.slice(0, length));
  }
  for (
    const json of [
      ...["null", "[]", "1", "{}", '"text"'],
      JSON.stringify({ ...TOKEN, port: "8388" }),
      JSON.stringify({ ...TOKEN, key: 1 }),
      JSON.stringify({ ...TOKEN, auth: null }),
      JSON.stringify({ ...TOKEN, plain: "yes" }),
    ]
  ) {
    const bytes = new TextEncoder().encode(json);
    wrong.push(`umbra-fleet:${encodeBase64Url(bytes)}`);
  }
  for (const text of wrong) {
    assert.throws(() => parseToken(text), (error: Error) => {
      assert.match(error.message, /umbra fleet token/);
      assert(!error.message.includes("secret"));
      return true;
    });
  }
});
