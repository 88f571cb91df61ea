import assert from "node:assert/strict";
import { test } from "node:test";
import { findCommand } from "../../../../src/cli/commands/commands.ts";
import { CONVERT_FORMS } from "../../../../src/cli/commands/defaults.ts";
import {
  configureLocal,
  configureServer,
} from "../../../../src/cli/config/config.ts";
import { parseArguments } from "../../../../src/cli/options/args.ts";
import { convert } from "../../../../src/cli/tools/convert.ts";
import { formatLightsocksUrl } from "../../../../src/codec/lightsocks_config.ts";
import { makeLightsocksTable } from "../../../support/lightsocks_table.ts";
import { ConfigError } from "../../../../src/errors.ts";
import { seededBytes } from "../../../support/bytes.ts";
import { sourcesOf } from "../../../support/sources.ts";

const TABLE = makeLightsocksTable((n) => seededBytes(n, 3));

/** One server of each kind, as a link. */
const SS = "ss://YWVzLTI1Ni1nY206cHc@192.0.2.1:8388#a%20b";
const STREAM = "ss://YWVzLTI1Ni1jZmI6cHc@192.0.2.1:8388#a%20b";
const NONE = "ss://bm9uZTpub25l@192.0.2.1:8388#a%20b";
const LIGHTSOCKS = formatLightsocksUrl({ host: "192.0.2.1", port: 7 }, TABLE);

const SSR_FILE = JSON.stringify({
  ...{ server: "2001:db8::1", server_port: 443, password: "p", remarks: "n" },
  ...{ method: "rc4-md5", protocol: "auth_aes128_md5", obfs: "http_post" },
  ...{ obfs_param: "e.example", protocol_param: "1:x" },
});

let draws = 0;
const random = (n: number): Uint8Array => seededBytes(n, ++draws);

function run(argv: readonly string[], text = ""): string {
  const args = parseArguments(findCommand("convert")!, argv);
  return convert(args, sourcesOf(() => text), random).result;
}

const SSR = run(["-c", "f", "--to", "uri"], SSR_FILE).trim();

/** Links of servers, and the forms that cannot express each. */
const HELD: readonly (readonly [link: string, lacks: readonly string[]])[] = [
  [SS, ["shadowsocksr", "lightsocks-go", "lightsocks-python"]],
  [STREAM, ["lightsocks-go", "lightsocks-python"]],
  [NONE, ["lightsocks-go", "lightsocks-python"]],
  [SSR, ["sip008", "sing-box", "lightsocks-go", "lightsocks-python"]],
  [LIGHTSOCKS, ["sip008", "sing-box", "clash", "shadowsocksr", "subscription"]],
];

test("a server goes through every form that has a place for it, and comes back", () => {
  for (const [link, lacks] of HELD) {
    for (const to of CONVERT_FORMS) {
      if (lacks.includes(to)) {
        assert.throws(
          () => run([link, "--to", to]),
          (error) => error instanceof ConfigError,
          to,
        );
        continue;
      }
      const text = run([link, "--to", to]);
      // One form has no names, and its own names for stream ciphers.
      if (to === "shadowsocksr") continue;
      const again = to === "uri"
        ? run([text.trim(), "--to", "uri"])
        : run(["-c", "f", "--to", "uri"], text);
      assert.equal(again.trim(), link, to);
    }
  }
});

test("a configuration of ShadowsocksR says all but the name", () => {
  const { remarks: _, ...file } = JSON.parse(SSR_FILE);
  const again = JSON.parse(run([SSR, "--to", "shadowsocksr"]));
  for (const [key, value] of Object.entries(file)) {
    assert.equal(again[key], value, key);
  }
});

test("a stream cipher written for ShadowsocksR is origin and plain", () => {
  const { protocol, obfs, method } = JSON.parse(
    run([STREAM, "--to", "shadowsocksr"]),
  );
  assert.deepEqual([method, protocol, obfs], [
    "aes-256-cfb",
    "origin",
    "plain",
  ]);
});

test("what is written as ours is a configuration of a local", () => {
  for (const [link] of HELD) {
    const text = run([link]);
    const args = parseArguments(findCommand("local")!, ["-c", "f"]);
    const { result } = configureLocal(args, sourcesOf(() => text));
    assert.equal(result[0]!.servers.length, 1);
    assert.equal(JSON.parse(text).allow_legacy, link === SS ? undefined : true);
  }
  const several = JSON.parse(run([SS, SSR]));
  assert.equal(several.servers.length, 2);
  assert.throws(() => run([SSR, SS, "--to", "shadowsocksr"]), /2 servers/);
});

test("proxies of Clash and outbounds of sing-box are read from a file", () => {
  const clash = "proxies:\n- {name: a b, type: ss, server: 192.0.2.1, " +
    "port: 8388, cipher: aes-256-gcm, password: pw}\n";
  assert.equal(run(["-c", "f", "--to", "uri"], clash).trim(), SS);
  const outbound = run([SS, "--to", "sing-box"]);
  assert.equal(run(["-c", "f", "--to", "uri"], outbound).trim(), SS);
});

test("--upgrade gives every user of every port a fresh key, and a link that fits", () => {
  const old = JSON.stringify({
    server: "::",
    protocol: "auth_chain_a",
    method: "none",
    port_password: { 8381: "a", 8382: "b" },
    users: [
      { name: "alice", uid: 1, password: "x" },
      { name: "bob", uid: 2, password: "y" },
    ],
  });
  const text = run(["-c", "f", "--host", "h.example", "--upgrade"], old);
  assert.doesNotMatch(text, /auth_chain|"none"/);
  const args = parseArguments(findCommand("server")!, ["-c", "f"]);
  const { result, warnings } = configureServer(args, sourcesOf(() => text));
  assert.deepEqual(warnings, []);
  assert.deepEqual(
    result.map(({ listen, users }) => [listen.port, users!.length]),
    [[8381, 2], [8382, 2]],
  );
  const links = [...text.matchAll(/^\/\/ (ss:\/\/\S+)$/gm)].map(([, l]) => l!);
  assert.equal(links.length, 4);
  const local = parseArguments(findCommand("local")!, links);
  const [{ servers }] = configureLocal(local, sourcesOf(() => "")).result as [
    ReturnType<typeof configureLocal>["result"][0],
  ];
  for (const { endpoint, masterKey, identityKeys } of servers) {
    const own = result.find(({ listen }) => listen.port === endpoint.port)!;
    assert.deepEqual(identityKeys, [own.masterKey]);
    assert.ok(
      own.users!.some((user) => user.masterKey.join() === masterKey.join()),
    );
  }
  const keys = new Set(servers.map(({ masterKey }) => masterKey.join()));
  assert.equal(keys.size, 4);
});

test("--upgrade keeps one key where there were no users", () => {
  const text = run([STREAM, "--upgrade"]);
  const args = parseArguments(findCommand("server")!, ["-c", "f"]);
  const { result } = configureServer(args, sourcesOf(() => text));
  assert.deepEqual(result.map(({ users = [] }) => users.length), [0]);
});

test("--upgrade keeps what clients may not reach, and says what it leaves out", () => {
  const file = JSON.stringify({
    ...{ server: "::", password: "p", method: "none", protocol: "origin" },
    ...{ forbidden_ip: "10.0.0.0/8", forbidden_port: "25", server_port: 1 },
    ...{ redirect: "a.example", speed_limit_per_con: 3 },
    additional_ports: { 2: { password: "q", forbidden_port: "" } },
  });
  const both = (...argv: readonly string[]) => {
    const all = ["-c", "f", "--host", "h.example", ...argv];
    const args = parseArguments(findCommand("convert")!, all);
    return convert(args, sourcesOf(() => file), random);
  };
  const { result, warnings } = both("--upgrade");
  assert.deepEqual(warnings, [
    "left out: redirect, speed_limit_per_con: give the new server its own",
  ]);
  const args = parseArguments(findCommand("server")!, ["-c", "f"]);
  const { result: servers } = configureServer(args, sourcesOf(() => result));
  assert.deepEqual(servers.map(({ reach }) => reach), [
    "public addresses, but not 10.0.0.0/8; no port of 25",
    "public addresses, but not 10.0.0.0/8",
  ]);
  assert.deepEqual(both("--to", "uri").warnings, [
    "left out: forbidden_ip, forbidden_port: a client has no such setting",
  ]);
});

test("convert says what it needs, and repeats nothing", () => {
  assert.throws(() => run([]), /No server to convert/);
  assert.throws(() => run([SS, "--to", "secret"]), (error) => {
    assert.ok(error instanceof ConfigError);
    assert.match(error.message, /--to/);
    assert.doesNotMatch(error.message, /secret/);
    return true;
  });
  assert.throws(
    () => run(["-c", "f"], '{"server":"::","server_port":1,"password":"p"}'),
    /give --host NAME/,
  );
});
