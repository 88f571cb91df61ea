/**
 * Tests configurations for apps: reading them returns the server that was
 * written.
 *
 * @module
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { parse } from "yaml";
import { isAccessKey, readAccessKey } from "../../../src/codec/access_key.ts";
import {
  clashProfile,
  isForClash,
  isForOutline,
  isForSingBox,
  outlineProfile,
  singBoxProfile,
} from "../../../src/codec/client_profile.ts";
import {
  readClash,
  readSingBox,
} from "../../../src/codec/foreign_outbounds.ts";
import type { ListedServer, OnlineServer } from "../../../src/codec/sip008.ts";

const SERVER: ListedServer = {
  host: "2001:db8::1",
  port: 8388,
  method: "chacha20-ietf-poly1305",
  password: `a "quoted": word, \\ # and {more}`,
  tag: "Ann, of the hill",
};

const SSR: OnlineServer = {
  host: "192.0.2.1",
  port: 8388,
  ssr: {
    ...{ host: "192.0.2.1", port: 8388, method: "none", password: "x" },
    ...{ protocol: "auth_chain_a", obfs: "plain" },
  },
};

const withPlugin = (plugin: string): ListedServer => ({ ...SERVER, plugin });

test("a profile of sing-box has the server, for everything", () => {
  const profile = JSON.parse(singBoxProfile(SERVER));
  const [outbound] = profile.outbounds;
  const { tag: _, ...read } = readSingBox(outbound).servers[0] as ListedServer;
  const { tag: __, ...written } = SERVER;
  assert.deepEqual(read, written);
  assert.equal(profile.route.final, outbound.tag);
  assert.equal(profile.dns.servers[0].detour, outbound.tag);
  assert.ok(!("network" in outbound));
});

test("a profile of sing-box has its plugins, and UDP where that is served", () => {
  const plugin = "v2ray-plugin;host=a.example;tls";
  const [outbound] = JSON.parse(
    singBoxProfile({ ...withPlugin(plugin), mode: "tcp_only" }),
  ).outbounds;
  assert.equal(outbound.plugin, "v2ray-plugin");
  assert.equal(outbound.plugin_opts, "host=a.example;tls");
  assert.equal(outbound.network, "tcp");
});

test("a profile of Clash has the server, under a name that no group has", () => {
  const profile = parse(clashProfile({ ...SERVER, tag: "umbra" }));
  const [proxy] = profile.proxies;
  assert.equal(proxy.name, "umbra@2001:db8::1");
  const [group] = profile["proxy-groups"];
  assert.deepEqual(group.proxies, [proxy.name]);
  assert.equal(profile.rules.at(-1), `MATCH,${group.name}`);
  const { servers } = readClash(clashProfile(SERVER));
  assert.deepEqual(servers, [
    { ...SERVER, tag: "Ann, of the hill@2001:db8::1" },
  ]);
});

test("a profile of Clash has UDP where that is served", () => {
  const udp = (server: OnlineServer): boolean =>
    parse(clashProfile(server)).proxies[0].udp;
  assert.equal(udp(SERVER), true);
  assert.equal(udp({ ...SERVER, mode: "tcp_only" }), false);
  assert.equal(udp(SSR), true);
});

test("a profile of Outline has the server, for streams and packets", () => {
  for (const prefix of [undefined, "POST "]) {
    const server = { ...SERVER, ...prefix && { prefix } };
    const document = parse(outlineProfile(server));
    assert.ok(isAccessKey(document));
    const { tag: _, ...expected } = server;
    assert.deepEqual(readAccessKey(document), {
      servers: [expected],
      warnings: [],
    });
  }
});

test("no profile is written of what its app cannot speak", () => {
  const told = (server: OnlineServer): boolean[] => [
    isForSingBox(server),
    isForClash(server),
    isForOutline(server),
  ];
  assert.deepEqual(told(SERVER), [true, true, true]);
  assert.deepEqual(told(SSR), [false, true, false]);
  assert.deepEqual(told(withPlugin("obfs-local;obfs=tls")), [
    ...[true, false, false],
  ]);
  assert.deepEqual(told(withPlugin("kcptun")), [false, false, false]);
  const of2022 = { ...SERVER, method: "2022-blake3-aes-128-gcm" };
  assert.deepEqual(told(of2022), [true, true, false]);
  assert.throws(() => singBoxProfile(SSR), /ShadowsocksR/);
  assert.throws(() => clashProfile(withPlugin("kcptun")), /plugins/);
  assert.throws(() => outlineProfile(of2022), /method/);
});

test("profiles of several servers have all of them, and one way to choose", () => {
  const second = { ...SERVER, host: "192.0.2.2", tag: "Ann, at sea" };
  const singBox = JSON.parse(singBoxProfile(SERVER, second));
  const [first, other, group] = singBox.outbounds;
  assert.deepEqual([first.server, other.server], ["2001:db8::1", "192.0.2.2"]);
  assert.deepEqual(group.outbounds, [first.tag, other.tag]);
  assert.equal(new Set(group.outbounds).size, 2);
  assert.equal(singBox.route.final, group.tag);
  const clash = parse(clashProfile(SERVER, second));
  const names = clash.proxies.map(({ name }: { name: string }) => name);
  const [choice] = clash["proxy-groups"];
  assert.deepEqual(choice.proxies, names);
  assert.equal(choice.type, "fallback");
  assert.equal(new Set([...names, choice.name]).size, 3);
  assert.throws(() => clashProfile(SERVER, withPlugin("kcptun")), /plugins/);
});
