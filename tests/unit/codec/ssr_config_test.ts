import assert from "node:assert/strict";
import { test } from "node:test";
import {
  parseSsrUser,
  parseSsrUsers,
  readMudb,
} from "../../../src/codec/ssr_config.ts";
import { ConfigError } from "../../../src/errors.ts";

test("parseSsrUsers() and parseSsrUser() read uid and password", () => {
  assert.deepEqual(parseSsrUsers("64#1001:pw1,1002:p:w2"), [
    { uid: 1001, password: "pw1" },
    { uid: 1002, password: "p:w2" },
  ]);
  assert.deepEqual(parseSsrUsers(""), []);
  assert.deepEqual(parseSsrUsers("32"), []);
  assert.deepEqual(parseSsrUsers("#1:a"), [{ uid: 1, password: "a" }]);
  assert.deepEqual(parseSsrUser("4294967295:x"), {
    uid: 4_294_967_295,
    password: "x",
  });
  for (const param of ["#1", "#a:b", "#4294967296:x", "#1:a,1:b", "#1:a#2:b"]) {
    assert.throws(() => parseSsrUsers(param), ConfigError, param);
  }
});

test("readMudb() reads users with their ports", () => {
  const users = readMudb([
    {
      user: "first",
      port: 1001,
      passwd: "secret",
      u: 5,
      d: 7,
      transfer_enable: 100,
      speed_limit_per_user: 3,
      speed_limit_per_con: 2,
      forbidden_ip: "",
      forbidden_port: null,
      enable: 1,
    },
    {
      port: 1002,
      passwd: "secret",
      enable: 0,
      method: "none",
      protocol: "auth_chain_a",
      obfs: "plain",
      protocol_param: "2#",
      forbidden_ip: "10.0.0.0/8,::1",
      forbidden_port: 25,
    },
  ]);
  assert.deepEqual(users, [
    {
      name: "first",
      port: 1001,
      password: "secret",
      method: "aes-128-ctr",
      protocol: "auth_aes128_md5",
      protocolParam: "",
      obfs: "tls1.2_ticket_auth_compatible",
      obfsParam: "",
      isEnabled: true,
      isShared: false,
      // The rest of the quota, and rates converted from KiB.
      limits: { quotaBytes: 88, bytesPerSecond: 3_072 },
      connectionBytesPerSecond: 2_048,
    },
    {
      name: "1002",
      port: 1002,
      password: "secret",
      method: "none",
      protocol: "auth_chain_a",
      protocolParam: "2#",
      obfs: "plain",
      obfsParam: "",
      isEnabled: false,
      isShared: true,
      forbiddenIps: "10.0.0.0/8,::1",
      forbiddenPorts: "25",
    },
  ]);
});

test("readMudb() reads what the originals give to who has no quota", () => {
  const [user] = readMudb([
    { port: 1, passwd: "secret", transfer_enable: 2 ** 53, u: 1 },
  ]);
  assert.equal(user!.limits, undefined);
});

test("readMudb() names user and key and no value", () => {
  const user = { port: 1, passwd: "secret" };
  const bad: readonly (readonly [unknown, RegExp])[] = [
    [{}, /the root/],
    [["secret"], /user 1/],
    [[user, { ...user, port: "x" }], /"port" of user 2/],
    [[user, user], /"port" of user 2/],
    [[{ ...user, passwd: "" }], /"passwd" of user 1/],
    [[{ ...user, u: -1 }], /"u" of user 1/],
    [[{ ...user, transfer_enable: "a lot" }], /"transfer_enable" of user 1/],
    [[{ ...user, method: 5 }], /"method" of user 1/],
    [[{ ...user, speed_limit_per_user: 1.5 }], /"speed_limit_per_user" of/],
    [[{ ...user, speed_limit_per_con: -1 }], /"speed_limit_per_con" of user 1/],
    [[{ ...user, forbidden_port: ["25"] }], /"forbidden_port" of user 1/],
    [[{ ...user, forbidden_ip: {} }], /"forbidden_ip" of user 1/],
  ];
  for (const [document, expected] of bad) {
    assert.throws(() => readMudb(document), (error) => {
      assert.ok(error instanceof ConfigError);
      assert.match(error.message, expected);
      assert.ok(!error.message.includes("secret"));
      return true;
    });
  }
});
