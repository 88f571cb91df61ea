// Keys of the originals are what they are.
// deno-lint-ignore-file camelcase
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  isSsrConfig,
  mergeSsrConfigs,
  parseSsrUser,
  parseSsrUsers,
  readMudb,
  readSsrConfig,
  toSsrConfig,
} from "../../../src/codec/ssr_config.ts";
import { ConfigError } from "../../../src/errors.ts";

const BASE = {
  server: "0.0.0.0",
  server_ipv6: "[::]",
  server_port: 8388,
  password: "secret",
  method: "aes-256-cfb",
  protocol: "auth_aes128_md5",
  protocol_param: "",
  obfs: "tls1.2_ticket_auth_compatible",
  obfs_param: "",
};

const SETTINGS = {
  password: "secret",
  method: "aes-256-cfb",
  protocol: "auth_aes128_md5",
  protocolParam: "",
  obfs: "tls1.2_ticket_auth_compatible",
  obfsParam: "",
};

test("readSsrConfig() reads one port, and names what means nothing to us", () => {
  const config = readSsrConfig({
    ...BASE,
    timeout: 120,
    udp_timeout: "60",
    redirect: ["*:80#127.0.0.1:80", ""],
    fast_open: false,
    workers: 1,
  });
  assert.deepEqual(config, {
    hosts: ["0.0.0.0", "::"],
    ports: [{ ...SETTINGS, port: 8388 }],
    timeoutSeconds: 120,
    udpTimeoutSeconds: 60,
    redirect: ["*:80#127.0.0.1:80"],
    ignored: ["fast_open", "workers"],
  });
});

test("readSsrConfig() has the originals' defaults", () => {
  assert.deepEqual(
    readSsrConfig({
      server: "a",
      server_port: "1",
      password: "p",
      local_port: 2,
    }),
    {
      hosts: ["a"],
      ports: [{
        port: 1,
        password: "p",
        method: "aes-256-cfb",
        protocol: "origin",
        protocolParam: "",
        obfs: "plain",
        obfsParam: "",
      }],
      local: { host: "127.0.0.1", port: 2 },
      redirect: [],
      ignored: [],
    },
  );
});

test("readSsrConfig() reads port_password in its three forms, and additional ports", () => {
  const { ports } = readSsrConfig({
    ...BASE,
    port_password: {
      1001: "one",
      1002: { password: "two", protocol: "origin", obfs: "plain" },
      1003: ["three", "http_simple"],
      1004: ["four", "http_simple", "auth_chain_a"],
    },
    additional_ports: {
      443: { password: "more", method: "none", protocol_param: "64#1:a" },
    },
  });
  assert.deepEqual(
    ports,
    [
      {
        ...SETTINGS,
        port: 443,
        password: "more",
        method: "none",
        protocolParam: "64#1:a",
      },
      { ...SETTINGS, port: 1001, password: "one" },
      {
        ...SETTINGS,
        port: 1002,
        password: "two",
        protocol: "origin",
        obfs: "plain",
      },
      { ...SETTINGS, port: 1003, password: "three", obfs: "http_simple" },
      {
        ...SETTINGS,
        port: 1004,
        password: "four",
        obfs: "http_simple",
        protocol: "auth_chain_a",
      },
    ].sort((a, b) => order(a.port) - order(b.port)),
  );
});

/** Additional ports come last. */
function order(port: number): number {
  return port === 443 ? 9_999 : port;
}

test("readSsrConfig() leaves the port of its own out when told to", () => {
  const additional = { 443: { password: "more" } };
  const { ports } = readSsrConfig({
    ...BASE,
    additional_ports: additional,
    additional_ports_only: true,
  });
  assert.deepEqual(ports.map(({ port }) => port), [443]);
});

test("mergeSsrConfigs() takes whole keys from above", () => {
  const merged = mergeSsrConfigs(BASE, { server_port: 1, obfs: "plain" });
  const [port] = readSsrConfig(merged).ports;
  assert.deepEqual(port, { ...SETTINGS, port: 1, obfs: "plain" });
});

test("toSsrConfig() is read back the same", () => {
  const server = { ...SETTINGS, port: 8388, protocolParam: "1:a" };
  const local = { host: "127.0.0.1", port: 1080 };
  const config = readSsrConfig(toSsrConfig(server, { host: "h", local }));
  assert.deepEqual(config, {
    hosts: ["h"],
    ports: [server],
    local,
    redirect: [],
    ignored: [],
  });
});

test("readSsrConfig() names the key and no value", () => {
  const bad: readonly (readonly [unknown, RegExp])[] = [
    [[], /the root/],
    [{ ...BASE, password: 1 }, /"password"/],
    [{ ...BASE, password: "" }, /"password"/],
    [{ ...BASE, server_port: 0 }, /"server_port"/],
    [{ ...BASE, server_port: undefined }, /"server_port"/],
    [{ ...BASE, server: [1] }, /"server"/],
    [{ ...BASE, method: 1 }, /"method"/],
    [{ ...BASE, local_port: "x" }, /"local_port"/],
    [{ ...BASE, timeout: 0 }, /"timeout"/],
    [{ ...BASE, redirect: {} }, /"redirect"/],
    [{ ...BASE, port_password: [] }, /"port_password"/],
    [{ ...BASE, port_password: { x: "secret" } }, /"port_password"/],
    [{ ...BASE, port_password: { 1: "" } }, /1 of "port_password"/],
    [{ ...BASE, port_password: { 1: ["secret", 2] } }, /1 of "port_password"/],
    [{ ...BASE, port_password: {} }, /at least one port/],
    [{ ...BASE, additional_ports: { 1: {} } }, /"password" of 1/],
    [{ ...BASE, additional_ports: { 8388: { password: "secret" } } }, /8388/],
  ];
  for (const [document, expected] of bad) {
    assert.throws(() => readSsrConfig(document), (error) => {
      assert.ok(error instanceof ConfigError);
      assert.match(error.message, expected);
      assert.ok(!error.message.includes("secret"));
      return true;
    });
  }
});

test("isSsrConfig() looks for keys that only ShadowsocksR has", () => {
  assert.ok(isSsrConfig(BASE));
  assert.ok(isSsrConfig({ obfs: "plain" }));
  assert.ok(!isSsrConfig({ server: "a", method: "aes-256-gcm" }));
  assert.ok(!isSsrConfig([]));
});

test("parseSsrUsers() and parseSsrUser() read uid and password", () => {
  assert.deepEqual(parseSsrUsers("64#1001:pw1,1002:p:w2"), {
    maxClients: 64,
    users: [
      { uid: 1001, password: "pw1" },
      { uid: 1002, password: "p:w2" },
    ],
  });
  assert.deepEqual(parseSsrUsers(""), { users: [] });
  assert.deepEqual(parseSsrUsers("32"), { maxClients: 32, users: [] });
  assert.deepEqual(parseSsrUsers("#1:a"), {
    users: [{ uid: 1, password: "a" }],
  });
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
      speed_limit_per_con: 0,
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
      // What is left of it, and KiB.
      limits: { quotaBytes: 88, bytesPerSecond: 3_072 },
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
    [[{ ...user, method: 5 }], /"method"/],
    [[{ ...user, speed_limit_per_user: 1.5 }], /"speed_limit_per_user" of/],
    [[{ ...user, speed_limit_per_con: 9 }], /"speed_limit_per_con" of user 1/],
    [[{ ...user, forbidden_port: "25" }], /"forbidden_port" of user 1/],
    [[{ ...user, forbidden_ip: "10.0.0.0/8" }], /"forbidden_ip" of user 1/],
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
