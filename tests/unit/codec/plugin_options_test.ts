import assert from "node:assert/strict";
import { test } from "node:test";
import {
  clientPlugin,
  joinPlugin,
  splitPlugin,
} from "../../../src/codec/plugin_options.ts";

const SPLIT: readonly (readonly [string, string, string?])[] = [
  ["obfs-local", "obfs-local"],
  ["obfs-local;", "obfs-local"],
  ["obfs-local;obfs=http", "obfs-local", "obfs=http"],
  ["p;a=b;c", "p", "a=b;c"],
  ["p;path=/a\\;b\\=c;d", "p", "path=/a\\;b\\=c;d"],
  ["a\\;b\\\\;c", "a;b\\", "c"],
  ["a\\:b;c", "a:b", "c"],
  ["", ""],
  [";x", "", "x"],
  ["a\\", "a"],
];

test("splitPlugin() splits at the first semicolon that means something", () => {
  for (const [text, name, options] of SPLIT) {
    const expected = options === undefined ? { name } : { name, options };
    assert.deepEqual(splitPlugin(text), expected, text);
  }
});

test("joinPlugin() writes what splitPlugin() reads the same", () => {
  const parts = ["a", ";", "\\", "=", ":", " "];
  for (const a of parts) {
    for (const b of parts) {
      for (const options of ["", "x", "x;y", "x\\;y=\\\\"]) {
        const plugin = options === ""
          ? { name: `p${a}${b}` }
          : { name: `p${a}${b}`, options };
        assert.deepEqual(splitPlugin(joinPlugin(plugin)), plugin);
      }
    }
  }
});

const CLIENTS: readonly (readonly [string, string])[] = [
  ["obfs-server;obfs=tls;failover=1.2.3.4:80", "obfs-local;obfs=tls"],
  ["/usr/bin/obfs-server;obfs=http", "/usr/bin/obfs-local;obfs=http"],
  ["v2ray-plugin;server;host=a;cert=/x;key=/y", "v2ray-plugin;host=a"],
  ["v2ray-plugin;server", "v2ray-plugin"],
  ["v2ray-plugin;tls;host=a;cert=/x", "v2ray-plugin;tls;host=a;cert=/x"],
  ["kcptun;key=abc", "kcptun;key=abc"],
  ["p;path=/a\\;server", "p;path=/a\\;server"],
];

test("clientPlugin() tells what clients have in the place of a server's plugin", () => {
  for (const [server, client] of CLIENTS) {
    assert.equal(joinPlugin(clientPlugin(splitPlugin(server))), client);
  }
});
