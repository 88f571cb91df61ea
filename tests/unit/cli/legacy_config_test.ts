// Keys of configuration files are what they are.
// deno-lint-ignore-file camelcase
import assert from "node:assert/strict";
import { test } from "node:test";
import { findCommand } from "../../../src/cli/commands/commands.ts";
import { describeConfig } from "../../../src/cli/config/check_config.ts";
import {
  type ConfiguredLocal,
  type ConfiguredRole,
  type ConfiguredServer,
  configureLocal,
  configureServer,
  configureTunnel,
} from "../../../src/cli/config/config.ts";
import { configureUrls } from "../../../src/cli/config/configure_urls.ts";
import { parseConfig } from "../../../src/cli/config/config_file.ts";
import { roleOfFile } from "../../../src/cli/config/file_role.ts";
import { parseArguments } from "../../../src/cli/options/args.ts";
import { formatLightsocksPassword } from "../../../src/codec/lightsocks_password.ts";
import { makeLightsocksTable } from "../../support/lightsocks_table.ts";
import { formatLightsocksUrl } from "../../../src/codec/lightsocks_config.ts";
import { parseSsrUri } from "../../../src/codec/ssr_uri.ts";
import { STREAM_METHODS } from "../../../src/crypto/stream_methods.ts";
import { ownPassword } from "../../../src/cli/config/credentials.ts";
import { ConfigError } from "../../../src/errors.ts";
import { seededBytes, utf8 } from "../../support/bytes.ts";
import { plainUsers } from "../../support/keys.ts";
import { sourcesOf } from "../../support/sources.ts";

const AT = ["-s", "192.0.2.1:8388", "-k", "pw"];
const ALLOWED = [...AT, "--allow-legacy"];
const TABLE = makeLightsocksTable((n) => seededBytes(n, 3));

const sources = (file?: unknown) => sourcesOf(() => JSON.stringify(file));

function server(
  argv: readonly string[],
  file?: unknown,
): ConfiguredRole<ConfiguredServer[]> {
  const args = parseArguments(findCommand("server")!, [
    ...argv,
    ...file === undefined ? [] : ["-c", "f"],
  ]);
  return configureServer(args, sources(file));
}

function local(
  argv: readonly string[],
  file?: unknown,
): ConfiguredRole<ConfiguredLocal[]> {
  const args = parseArguments(findCommand("local")!, [
    ...argv,
    ...file === undefined ? [] : ["-c", "f"],
  ]);
  return configureLocal(args, sources(file));
}

function urls(file: unknown, ...argv: readonly string[]): string[] {
  const args = parseArguments(findCommand("url")!, ["-c", "f", ...argv]);
  return configureUrls(args, sources(file)).result;
}

function refuses(run: () => unknown, ...messages: RegExp[]): void {
  assert.throws(run, (error) => {
    assert.ok(error instanceof ConfigError, String(error));
    for (const message of messages) assert.match(error.message, message);
    assert.doesNotMatch(error.message, /secret/);
    return true;
  });
}

test("what does not protect is refused unless it is allowed, and named with the option", () => {
  for (
    const argv of [
      ["-m", "aes-256-cfb"],
      ["-m", "none"],
      ["-O", "auth_aes128_md5"],
      ["-o", "plain"],
      ["--protocol", "lightsocks", "-k", formatLightsocksPassword(TABLE, "go")],
    ]
  ) {
    for (const configure of [server, local]) {
      refuses(
        () => configure([...AT, ...argv]),
        /does not protect what it carries/,
        /--allow-legacy or "allow_legacy": true/,
      );
      const { warnings } = configure([...ALLOWED, ...argv]);
      assert.equal(warnings.length, 1);
      assert.match(warnings[0]!, /^legacy: /);
    }
  }
  refuses(() => server([...AT, "-m", "rc4-md5"]), /rc4-md5/);
  refuses(
    () => server([...AT, "-O", "auth_chain_a", "-m", "none"]),
    /ShadowsocksR \(none, auth_chain_a, plain\)/,
  );
});

test("the key of the file allows as well, and nothing is said of methods that protect", () => {
  const file = {
    server: "192.0.2.1",
    server_port: 1,
    password: "pw",
    method: "chacha20-ietf-poly1305",
  };
  assert.deepEqual(
    server([], { ...file, allow_legacy: true }).warnings,
    [],
  );
  const legacy = { ...file, method: "chacha20-ietf", allow_legacy: true };
  assert.match(server([], legacy).warnings[0]!, /^legacy: chacha20-ietf /);
  refuses(() => server([], { ...legacy, allow_legacy: false }));
});

test("every stream cipher is a method of both ends, and none needs no password", () => {
  for (const { name } of STREAM_METHODS) {
    for (const configure of [server, local]) {
      configure([...ALLOWED, "-m", name]);
    }
  }
  for (const method of ["none", "plain"]) {
    const argv = ["-s", "192.0.2.1:8388", "--allow-legacy", "-m", method];
    assert.deepEqual(server(argv).result[0]!.masterKey, new Uint8Array(0));
    assert.equal(local(argv).result[0]!.servers[0]!.masterKey.length, 0);
  }
});

test("a server with a legacy port opens private targets only by name", () => {
  const argv = [...ALLOWED, "-m", "rc4-md5", "--allow-private"];
  refuses(() => server([...argv, "all"]), /--allow-private CIDR/);
  const { result } = server([...argv, "10.0.0.0/8"]);
  assert.equal(result[0]!.reach, "public addresses, 10.0.0.0/8");
  assert.equal(server([...AT, "--allow-private", "all"]).result.length, 1);
});

test("a client of ShadowsocksR takes the letters of the Python original", () => {
  const [{ servers: [upstream] }] = local([
    ...ALLOWED,
    ...["-m", "chacha20-ietf", "-O", "auth_aes128_sha1", "-G", "1001:p:w"],
    ...["-o", "tls1.2_ticket_auth", "-g", "a.example,b.example"],
  ]).result as [ConfiguredLocal];
  assert.equal(upstream!.method.name, "chacha20-ietf");
  assert.deepEqual(upstream!.ssr, {
    protocol: "auth_aes128_sha1",
    obfs: "tls1.2_ticket_auth",
    obfsParam: "a.example,b.example",
    server: { host: "192.0.2.1", port: 8388 },
    user: { uid: 1001, password: utf8("p:w") },
  });
  // The parameter of a server names no user of a client.
  const [plain] = local([...ALLOWED, "-O", "auth_chain_a", "-G", "64"]).result;
  assert.equal(plain!.servers[0]!.ssr!.user, undefined);
  refuses(() => local([...ALLOWED, "-O", "auth_chain_a", "-G", "secret:x"]));
  refuses(
    () => local([...ALLOWED, "-m", "aes-256-gcm", "-o", "plain"]),
    /ShadowsocksR has no method aes-256-gcm/,
  );
});

test("--protocol tells what programs speak, what the server speaks, or both", () => {
  const both = local([...ALLOWED, "--protocol", "socks", "-O", "origin"]);
  assert.equal(both.result[0]!.protocol, "socks");
  assert.equal(both.result[0]!.servers[0]!.ssr!.protocol, "origin");
  refuses(
    () => local([...ALLOWED, "-O", "origin", "-O", "auth_chain_a"]),
    /two protocols/,
  );
  refuses(
    () => local([...AT, "--protocol", "http", "--protocol", "socks"]),
    /two protocols/,
  );
  refuses(() => server([...AT, "--protocol", "http"]), /--protocol/);
  const tunnel = parseArguments(findCommand("tunnel")!, [
    ...AT,
    ...["--protocol", "auth_chain_a", "-L", "t:1", "--allow-legacy"],
  ]);
  const [configured] = configureTunnel(tunnel, sources()).result;
  assert.equal(configured!.servers[0]!.ssr!.protocol, "auth_chain_a");
  refuses(
    () =>
      local([], {
        ...{ server: "h", server_port: 1, password: "p" },
        locals: [{ local_port: 1, protocol: "auth_chain_a" }],
      }),
    /locals\[0\]\.protocol/,
  );
});

/** A file of the original program with its usual keys. */
const SSR_FILE = {
  server: "0.0.0.0",
  server_ipv6: "::",
  server_port: 8388,
  local_address: "127.0.0.1",
  local_port: 1080,
  password: "m",
  method: "aes-128-ctr",
  protocol: "auth_aes128_md5",
  protocol_param: "64#1001:p1,1002:p2",
  obfs: "tls1.2_ticket_auth_compatible",
  obfs_param: "",
  speed_limit_per_con: 0,
  speed_limit_per_user: 0,
  additional_ports: {},
  additional_ports_only: false,
  timeout: 120,
  udp_timeout: 60,
  dns_ipv6: false,
  connect_verbose_info: 0,
  redirect: "",
  fast_open: false,
};

test("a configuration of ShadowsocksR is read as it is, at both ends", () => {
  assert.equal(
    roleOfFile(parseConfig(JSON.stringify(SSR_FILE), "f")),
    "server",
  );
  const { result, warnings } = server(["--allow-legacy"], SSR_FILE);
  assert.deepEqual(warnings.filter((one) => !one.startsWith("legacy: ")), []);
  const [one, two] = result;
  assert.equal(two, undefined);
  assert.deepEqual(one!.listen, { host: "::", port: 8388 });
  assert.deepEqual(one!.ssr, {
    protocol: "auth_aes128_md5",
    obfs: "tls1.2_ticket_auth_compatible",
  });
  assert.deepEqual(plainUsers(one!.users), [
    { name: "1001", uid: 1001, masterKey: utf8("p1") },
    { name: "1002", uid: 1002, masterKey: utf8("p2") },
  ]);
  const client = { ...SSR_FILE, server: "192.0.2.1", protocol_param: "7:x" };
  const [{ listen, servers, protocol }] = local(["--allow-legacy"], client)
    .result as [ConfiguredLocal];
  assert.deepEqual(listen, { host: "127.0.0.1", port: 1080 });
  assert.equal(protocol, undefined);
  assert.equal(servers.length, 1);
  assert.deepEqual(servers[0]!.ssr!.user, { uid: 7, password: utf8("x") });
});

test("what is wrong in a configuration of ShadowsocksR is named, and not its value", () => {
  const file = { ...SSR_FILE, password: "secret", protocol_param: "" };
  const bad: readonly (readonly [object, RegExp])[] = [
    [{ password: "" }, /password/],
    [{ server_port: 0.5 }, /server_port/],
    [{ server: [1] }, /server/],
    [{ method: 1 }, /method/],
    [{ local_port: "x" }, /local_port/],
    [{ timeout: -1 }, /timeout/],
    [{ port_password: [] }, /port_password/],
    [{ port_password: { x: "secret" } }, /port_password/],
    [{ port_password: { 1: "" } }, /port_password\.1/],
    [{ port_password: { 1: ["secret", 2] } }, /port_password\.1/],
    [{ speed_limit_per_con: -1 }, /speed_limit_per_con/],
  ];
  for (const [change, expected] of bad) {
    refuses(() => server(["--allow-legacy"], { ...file, ...change }), expected);
  }
});

test("redirect names sites for strangers of ShadowsocksR, and not the server itself", () => {
  const sites = (redirect: unknown, more = {}): unknown =>
    server(["--allow-legacy"], { ...SSR_FILE, ...more, redirect }).result
      .map(({ redirect }) => redirect);
  assert.deepEqual(sites("*:*#127.0.0.1:80"), [[
    { host: "127.0.0.1", port: 80 },
  ]]);
  assert.deepEqual(sites(["a.example:443", "", "b.example"]), [[
    { host: "a.example", port: 443 },
    { host: "b.example", port: 80 },
  ]]);
  for (const none of ["", [], "*#0.0.0.0:0", "*:1#a.example"]) {
    assert.deepEqual(sites(none), [undefined]);
  }
  const ports = { additional_ports: { 8389: { password: "d", redirect: "" } } };
  assert.deepEqual(sites("a.example", ports), [
    [{ host: "a.example", port: 80 }],
    undefined,
  ]);
  refuses(() => sites("GET.*:80#a.example"), /redirect/);
  refuses(() => sites(5), /redirect/);
  for (const own of ["127.0.0.1:8388", "localhost:8389", "[::1]:8388"]) {
    refuses(() => sites(own, ports), /where this server listens/);
  }
  refuses(
    () =>
      server([], {
        ...{ server: "::", server_port: 1, password: "secret" },
        ...{ method: "aes-256-gcm", redirect: "a.example" },
      }),
    /"redirect" is for ports of ShadowsocksR/,
  );
  // The file of a client may have the key as well.
  local(["--allow-legacy"], {
    ...SSR_FILE,
    ...{ server: "192.0.2.1", protocol_param: "", redirect: "a.example" },
  });
});

test("speed_limit_per_user holds for each user, or for all who have no name", () => {
  const limited = { ...SSR_FILE, speed_limit_per_user: 9 };
  const bytesPerSecond = 9 * 1_024;
  const [one] = server(["--allow-legacy"], limited).result;
  assert.deepEqual(one!.users!.map(({ limits }) => limits), [
    { bytesPerSecond },
    { bytesPerSecond },
  ]);
  const [two] = server(["--allow-legacy"], { ...limited, protocol_param: "" })
    .result;
  assert.equal(two!.users, undefined);
  assert.deepEqual(two!.owner, { name: "8388", limits: { bytesPerSecond } });
  const own = { name: "a", uid: 1, password: "p", bytes_per_second: 7 };
  const [three] = server(["--allow-legacy"], {
    ...{ ...limited, protocol_param: "" },
    users: [own, { ...own, name: "b", uid: 2, bytes_per_second: undefined }],
  }).result;
  assert.deepEqual(three!.users!.map(({ limits }) => limits?.bytesPerSecond), [
    7,
    bytesPerSecond,
  ]);
  refuses(
    () =>
      server(["--allow-legacy"], {
        ...{ ...limited, protocol_param: "" },
        users: [{ ...own, name: "8388" }],
      }),
    /a user is named "8388"/,
  );
  refuses(
    () => server(["--allow-legacy"], { ...SSR_FILE, speed_limit_per_user: -1 }),
    /speed_limit_per_user/,
  );
});

test("speed_limit_per_con holds for each connection of a port", () => {
  const rates = (file: unknown): unknown =>
    server(["--allow-legacy"], file).result
      .map(({ connectionBytesPerSecond }) => connectionBytesPerSecond);
  const ports = {
    8389: { password: "d" },
    8390: { password: "d", speed_limit_per_con: 4 },
    8391: { password: "d", speed_limit_per_con: 0 },
  };
  const limited = { ...SSR_FILE, speed_limit_per_con: 3 };
  assert.deepEqual(rates(SSR_FILE), [undefined]);
  assert.deepEqual(rates({ ...limited, additional_ports: ports }), [
    ...[3_072, 3_072],
    ...[4_096, undefined],
  ]);
  const user = { port: 1, passwd: "p" };
  assert.deepEqual(
    rates([{ ...user, speed_limit_per_con: 2 }, { ...user, port: 2 }]),
    [2_048, undefined],
  );
  // The file of a client may have the key as well.
  local(["--allow-legacy"], {
    ...{ ...limited, server: "192.0.2.1", protocol_param: "" },
  });
});

test("forbidden_ip and forbidden_port are what no client of a port reaches", () => {
  const forbidden = (file: unknown, ...argv: readonly string[]) =>
    server(["--allow-legacy", ...argv], file).result;
  const file = {
    ...SSR_FILE,
    forbidden_ip: "10.0.0.0/8, 192.0.2.4,::1,",
    forbidden_port: "25,465-587,60000-70000",
    additional_ports: {
      8389: { password: "d", forbidden_ip: "", forbidden_port: "" },
      8390: { password: "d", forbidden_ip: ["1.1.1.1/32"], forbidden_port: 80 },
    },
  };
  const [one, two, three] = forbidden(file, "--allow-private", "10.1.0.0/16");
  assert.equal(
    one!.reach,
    "public addresses, 10.1.0.0/16, but not 10.0.0.0/8, 192.0.2.4, ::1; " +
      "no port of 25, 465-587, 60000-70000",
  );
  assert.deepEqual(one!.forbiddenPorts, [
    { from: 25, to: 25 },
    { from: 465, to: 587 },
    { from: 60_000, to: 65_535 },
  ]);
  assert.equal(one!.targetPolicy!("10.1.2.3"), "forbidden by forbidden_ip");
  assert.equal(one!.targetPolicy!("1.1.1.1"), undefined);
  // The other servers have lists of their own, and empty lists forbid nothing.
  assert.equal(two!.reach, "public addresses, 10.1.0.0/16");
  assert.equal(two!.targetPolicy!("10.1.2.3"), undefined);
  assert.equal(two!.forbiddenPorts, undefined);
  assert.equal(three!.targetPolicy!("1.1.1.1"), "forbidden by forbidden_ip");
  assert.deepEqual(three!.forbiddenPorts, [{ from: 80, to: 80 }]);
  // A user of mudb.json has a port with forbidden targets of its own.
  const user = { port: 1, passwd: "p" };
  const [own, other] = forbidden([
    { ...user, forbidden_ip: "1.1.1.0/24", forbidden_port: "1-1023" },
    { ...user, port: 2 },
  ]);
  assert.equal(own!.targetPolicy!("1.1.1.1"), "forbidden by forbidden_ip");
  assert.deepEqual(own!.forbiddenPorts, [{ from: 1, to: 1_023 }]);
  assert.equal(other!.targetPolicy!("1.1.1.1"), undefined);
  // The option of the original programs overrides the file.
  const [chosen] = forbidden(file, "--forbidden-ip", "9.9.9.9");
  assert.equal(chosen!.targetPolicy!("9.9.9.9"), "forbidden by forbidden_ip");
  const bad: readonly (readonly [object, RegExp])[] = [
    [{ forbidden_ip: "10.0.0.0/33" }, /forbidden_ip.*expected IP addresses/],
    [{ forbidden_ip: "example.com" }, /forbidden_ip/],
    [{ forbidden_ip: [{}] }, /forbidden_ip/],
    [{ forbidden_port: "587-465" }, /forbidden_port.*expected ports and ra/],
    [{ forbidden_port: "-1" }, /forbidden_port/],
    [{ forbidden_port: "http" }, /forbidden_port/],
  ];
  for (const [change, expected] of bad) {
    refuses(() => forbidden({ ...SSR_FILE, ...change }), expected);
    refuses(() => forbidden([{ ...user, ...change }]), expected);
  }
  // The file of a client may have the keys as well.
  local(["--allow-legacy"], {
    ...{ ...file, server: "192.0.2.1", protocol_param: "" },
    additional_ports: undefined,
  });
});

test("an address without bits forbids what the originals forbid by it", () => {
  const policyOf = (forbidden_ip: string) =>
    server(["--allow-legacy", "--allow-private", "10.0.0.0/8"], {
      ...SSR_FILE,
      forbidden_ip,
    }).result[0]!.targetPolicy!;
  for (
    const [text, ip, isForbidden] of [
      ["1.1.1.1", "1.1.1.1", true],
      ["1.1.1.1", "1.1.1.2", false],
      ["1.1.0.0", "1.1.255.1", true],
      ["1.1.0.0", "1.2.0.1", false],
      ["1.1.1.8", "1.1.1.15", true],
      ["1.1.1.8", "1.1.1.16", false],
      ["0.0.0.0", "1.1.1.1", false],
      ["2606:4700::", "2606:4700::1111", true],
      ["2606:4700::", "2606:4800::1", false],
    ] as const
  ) {
    assert.equal(
      policyOf(text)(ip) !== undefined,
      isForbidden,
      `${text} ${ip}`,
    );
  }
});

test("ports of ShadowsocksR have settings of their own", () => {
  const { result } = server(["--allow-legacy"], {
    ...SSR_FILE,
    server_ipv6: undefined,
    port_password: {
      8381: "a",
      8382: ["b", "http_simple", "auth_sha1_v4"],
      8383: { password: "c", protocol: "origin", obfs: "plain" },
    },
    protocol_param: "",
    additional_ports: { 8384: { password: "d", method: "none" } },
  });
  assert.deepEqual(
    result.map(({ listen, method, ssr }) => [
      listen.port,
      method.name,
      ssr!.protocol,
      ssr!.obfs,
    ]),
    [
      [8381, "aes-128-ctr", "auth_aes128_md5", "tls1.2_ticket_auth_compatible"],
      [8382, "aes-128-ctr", "auth_sha1_v4", "http_simple"],
      [8383, "aes-128-ctr", "origin", "plain"],
      [8384, "none", "auth_aes128_md5", "tls1.2_ticket_auth_compatible"],
    ],
  );
  const only = server(["--allow-legacy"], {
    ...SSR_FILE,
    additional_ports: { 8384: { password: "d" } },
    additional_ports_only: true,
  });
  assert.deepEqual(only.result.map(({ listen }) => listen.port), [8384]);
  refuses(
    () =>
      server(["--allow-legacy"], {
        ...SSR_FILE,
        port_password: { 8381: ["secret", "no_such", "origin"] },
      }),
    /port_password\.8381/,
  );
});

test("mudb.json is a server for each user who is enabled", () => {
  const mudb = [
    { user: "alice", port: 18401, passwd: "pa", enable: 1 },
    { user: "bob", port: 18402, passwd: "pb", enable: 0 },
    {
      ...{ user: "carl", port: 18403, passwd: "pc", transfer_enable: 9 },
      ...{ u: 1, d: 3, speed_limit_per_user: 2 },
    },
  ];
  assert.equal(roleOfFile(parseConfig(JSON.stringify(mudb), "f")), "server");
  const { result, warnings } = server(["--allow-legacy"], mudb);
  assert.deepEqual(
    result.map(({ listen, method, ssr }) => [
      listen.port,
      method.name,
      ssr!.protocol,
    ]),
    [
      [18401, "aes-128-ctr", "auth_aes128_md5"],
      [18403, "aes-128-ctr", "auth_aes128_md5"],
    ],
  );
  assert.deepEqual(warnings.filter((one) => !one.startsWith("legacy: ")), []);
  const limits = { quotaBytes: 5, bytesPerSecond: 2_048 };
  assert.deepEqual(result.map(({ owner }) => owner), [
    undefined,
    { name: "carl", limits },
  ]);
  // On the shared port, they are users with their own ports as uids.
  const shared = { port: 443, passwd: "s", protocol_param: "9#", user: "all" };
  const [, , one] = server(["--allow-legacy"], [...mudb, shared]).result;
  assert.equal(one!.owner, undefined);
  assert.deepEqual(plainUsers(one!.users), [
    { name: "alice", uid: 18401, masterKey: utf8("pa") },
    { name: "carl", uid: 18403, masterKey: utf8("pc"), limits },
  ]);
  refuses(
    () => server(["--allow-legacy"], [{ ...mudb[0], obfs: "no_such" }]),
    /obfs/,
  );
});

test("users of ShadowsocksR have numbers, names and limits", () => {
  const file = {
    ...{ server: "::", server_port: 1, password: "m", allow_legacy: true },
    protocol: "auth_chain_a",
    method: "none",
    users: [
      { name: "alice", uid: 7, password: "same", quota_bytes: 9 },
      { name: "bob", uid: 8, password: "same", disabled: true },
    ],
  };
  const one = { servers: [file], allow_legacy: true };
  for (const form of [file, one]) {
    const [{ users, method }] = server([], form).result as [ConfiguredServer];
    assert.deepEqual(users!.map(({ name, uid }) => [name, uid]), [
      ["alice", 7],
      ["bob", 8],
    ]);
    assert.equal(users![0]!.limits!.quotaBytes, 9);
    assert.equal(ownPassword(users![1]!, method), "8:same");
  }
  refuses(
    () =>
      server([], {
        ...file,
        users: [file.users[0], { ...file.users[0], name: "x" }],
      }),
    /have the same uid/,
  );
  refuses(
    () => server([], { ...file, users: [{ name: "x", password: "secret" }] }),
    /UID:PASSWORD/,
  );
  refuses(() => server([], { ...file, protocol: "origin" }), /origin cannot/);
  const links = urls(file, "--host", "h.example").map(parseSsrUri);
  assert.deepEqual(
    links.map(({ protocolParam, tag }) => [protocolParam, tag]),
    [["7:same", "alice"], ["8:same", "bob"]],
  );
  assert.equal(links[0]!.password, "m");
});

test("links of ShadowsocksR and lightsocks are servers of a local, and are written as they were", () => {
  const file = {
    ...{ server: "2001:db8::1", server_port: 443, password: "p" },
    ...{ method: "rc4-md5", protocol: "auth_aes128_md5", obfs: "http_post" },
    ...{ obfs_param: "e.example", protocol_param: "1:x", remarks: "n" },
  };
  const [link] = urls(file);
  const read = local(["--allow-legacy", link!]).result[0]!.servers[0]!;
  assert.deepEqual(read, local(["--allow-legacy"], file).result[0]!.servers[0]);
  const url = formatLightsocksUrl({ host: "192.0.2.1", port: 7 }, TABLE);
  const [{ servers: [upstream] }] = local(["--allow-legacy", url])
    .result as [ConfiguredLocal];
  assert.deepEqual(upstream!.endpoint, { host: "192.0.2.1", port: 7 });
  assert.deepEqual(upstream!.masterKey, TABLE);
  assert.equal(upstream!.method.name, "lightsocks");
});

test("both configurations of lightsocks are read as they are", () => {
  const go = {
    listen: ":7448",
    remote: "192.0.2.1:7000",
    password: formatLightsocksPassword(TABLE, "go"),
  };
  const python = {
    ...{ serverAddr: "192.0.2.1", serverPort: 7000 },
    ...{ localAddr: "127.0.0.1", localPort: 7448 },
    password: formatLightsocksPassword(TABLE, "python"),
  };
  for (const [file, host] of [[go, "::"], [python, "127.0.0.1"]] as const) {
    const [{ listen, servers }] = local(["--allow-legacy"], file)
      .result as [ConfiguredLocal];
    assert.deepEqual(listen, { host, port: 7448 });
    assert.deepEqual(servers[0]!.endpoint, { host: "192.0.2.1", port: 7000 });
    assert.deepEqual(servers[0]!.masterKey, TABLE);
  }
  const { remote: _, ...goServer } = go;
  const [one] = server(["--allow-legacy"], goServer).result;
  assert.deepEqual(one!.listen, { host: "::", port: 7448 });
  const [two] = server(["--allow-legacy"], python).result;
  assert.deepEqual(two!.listen, { host: "192.0.2.1", port: 7000 });
  const bad: readonly (readonly [object, RegExp])[] = [
    [{ ...go, password: "secret" }, /Cannot use lightsocks password/],
    [{ ...go, password: undefined }, /password/],
    [{ ...go, listen: 7448 }, /listen/],
    [{ ...go, listen: "host" }, /listen/],
    [{ ...go, listen: ":65536" }, /listen/],
    [{ ...go, remote: "host" }, /remote/],
    [{ ...python, serverAddr: "" }, /serverAddr/],
    [{ ...python, serverPort: 0.5 }, /serverPort/],
  ];
  for (const [file, expected] of bad) {
    refuses(() => local(["--allow-legacy"], file), expected);
  }
});

test("a blind local forwards, and needs lightsocks", () => {
  const url = formatLightsocksUrl({ host: "192.0.2.1", port: 7 }, TABLE);
  const [{ protocol, servers }] = local(["--allow-legacy", "--blind", url])
    .result as [ConfiguredLocal];
  assert.equal(typeof protocol, "object");
  assert.equal(servers[0]!.blind, true);
  refuses(() => local([...AT, "--blind"]), /needs lightsocks/);
});

test("check config tells what is served, with its layers", () => {
  const args = parseArguments(findCommand("check")!, ["config", "f"]);
  const file = JSON.stringify({ ...SSR_FILE, allow_legacy: true });
  const { text } = describeConfig("f", args, sourcesOf(() => file));
  assert.match(
    text,
    /method +ShadowsocksR \(aes-128-ctr, auth_aes128_md5, tls/,
  );
  assert.match(text, /clients +2 users/);
  assert.match(text, /Warnings\n +legacy: /);
  const { text: limited } = describeConfig(
    "f",
    args,
    sourcesOf(() =>
      JSON.stringify({
        ...{ ...SSR_FILE, allow_legacy: true, protocol_param: "" },
        ...{ redirect: "a.example:443", speed_limit_per_user: 1 },
        speed_limit_per_con: 2,
      })
    ),
  );
  assert.match(limited, / +without a name: 8388: 8\.19 kbit\/s each way/);
  assert.match(limited, / +each connection: 16\.4 kbit\/s each way/);
  assert.match(limited, /strangers +a\.example:443/);
});

test("check config allows what the command line allows: mudb.json has no key for it", () => {
  const mudb = JSON.stringify([{ user: "alice", port: 18401, passwd: "pa" }]);
  const describe = (...argv: readonly string[]): string =>
    describeConfig(
      "mudb.json",
      parseArguments(findCommand("check")!, argv),
      sourcesOf(() => mudb),
    ).text;
  assert.match(describe(), /To change\n.*--allow-legacy/);
  assert.match(describe("--allow-legacy"), /ss-server 0\.0\.0\.0:18401/);
});

/** Returns the servers configured by the files in a folder of ShadowsocksR. */
function ofFolder(
  files: Readonly<Record<string, unknown>>,
  publicFiles: readonly string[] = [],
): ConfiguredRole<ConfiguredServer[]> {
  const args = parseArguments(findCommand("server")!, [
    ...["-c", "/ssr", "--allow-legacy"],
  ]);
  const read = (path: string): string => {
    const name = path.replace("/ssr/", "");
    assert.ok(Object.hasOwn(files, name), path);
    return JSON.stringify(files[name]);
  };
  const folders = { "/ssr": [...Object.keys(files), "server.py"] };
  return configureServer(args, sourcesOf(read, { folders, publicFiles }));
}

const places = ({ result }: ConfiguredRole<ConfiguredServer[]>) =>
  result.map(({ listen }) => `${listen.host} ${listen.port}`);

test("a folder of ShadowsocksR: user-config.json takes the place of config.json", () => {
  const ofUser = { ...SSR_FILE, server_port: 9, server_ipv6: undefined };
  const both = { "config.json": SSR_FILE, "user-config.json": ofUser };
  assert.deepEqual(places(ofFolder(both)), ["0.0.0.0 9"]);
  assert.deepEqual(places(ofFolder({ "config.json": SSR_FILE })), [":: 8388"]);
  // The original program creates a list without users.
  assert.deepEqual(places(ofFolder({ ...both, "mudb.json": [] })), [
    "0.0.0.0 9",
  ]);
  refuses(() => ofFolder({}), /\/ssr is a folder, and has no user-config/);
  refuses(
    () => ofFolder({ ...both, "user-config.json": { ...ofUser, method: 1 } }),
    /user-config\.json:1:\d+: method/,
  );
});

test("a folder of ShadowsocksR: each user of mudb.json over the configuration", () => {
  const base = {
    ...SSR_FILE,
    ...{ protocol_param: "", forbidden_port: "25", speed_limit_per_con: 3 },
    redirect: "a.example:443",
    additional_ports: {
      443: { password: "s", protocol_param: "9#", protocol: "auth_chain_a" },
      444: { password: "t" },
    },
  };
  const users = [
    { user: "alice", port: 1001, passwd: "pa", forbidden_port: "" },
    {
      ...{ user: "bob", port: 1002, passwd: "pb", method: "none" },
      ...{ protocol: "auth_chain_b", obfs: "plain", forbidden_port: "80" },
      ...{ speed_limit_per_con: 4, transfer_enable: 9 },
    },
    { user: "carl", port: 1003, passwd: "pc", enable: 0 },
  ];
  const files = { "user-config.json": base, "mudb.json": users };
  const configured = ofFolder(files);
  assert.deepEqual(places(configured), [
    ...[":: 443", ":: 444", ":: 1001", ":: 1002"],
  ]);
  const [shared, more, alice, bob] = configured.result;
  assert.deepEqual(
    [more!, alice!, bob!].map(({ method, ssr }) => [
      method.name,
      ssr!.protocol,
      ssr!.obfs,
    ]),
    [
      ["aes-128-ctr", "auth_aes128_md5", "tls1.2_ticket_auth_compatible"],
      ["aes-128-ctr", "auth_aes128_md5", "tls1.2_ticket_auth_compatible"],
      ["none", "auth_chain_b", "plain"],
    ],
  );
  const each = [alice!, bob!];
  assert.deepEqual(each.map(({ forbiddenPorts }) => forbiddenPorts), [
    [{ from: 25, to: 25 }],
    [{ from: 80, to: 80 }],
  ]);
  assert.deepEqual(each.map((one) => one.connectionBytesPerSecond), [
    3_072,
    4_096,
  ]);
  assert.deepEqual(bob!.redirect, [{ host: "a.example", port: 443 }]);
  assert.deepEqual(bob!.owner, { name: "bob", limits: { quotaBytes: 9 } });
  const named = (one: ConfiguredServer) =>
    one.users?.map(({ name, uid }) => [name, uid]);
  assert.deepEqual(named(shared!), [["alice", 1001], ["bob", 1002]]);
  assert.equal(named(more!), undefined);
  // Users have only the shared ports.
  const only = { ...base, additional_ports_only: true };
  assert.deepEqual(
    places(ofFolder({ ...files, "user-config.json": only })),
    [":: 443", ":: 444"],
  );
  // The port of the configuration is not served instead of the users' ports.
  const nobody = [{ ...users[2]! }];
  const alone = { ...base, additional_ports: undefined };
  refuses(
    () => ofFolder({ "config.json": alone, "mudb.json": nobody }),
    /mudb\.json:1:1: there is no port to serve: enable a user/,
  );
  refuses(
    () => ofFolder({ "config.json": alone, "mudb.json": { port: 1 } }),
    /mudb\.json: expected a list of users/,
  );
  // Both files may be readable by everyone, and each mistake names its place.
  const open = ["/ssr/mudb.json", "/ssr/user-config.json"];
  const { warnings } = ofFolder(files, open);
  for (const name of open) {
    assert.ok(warnings.some((one) => one.startsWith(`${name} can be read`)));
  }
  const wrong = [{ ...users[0], obfs: "no_such" }];
  refuses(
    () => ofFolder({ ...files, "mudb.json": wrong }),
    /mudb\.json:1:1: port 1001: /,
  );
  const args = parseArguments(findCommand("check")!, ["--allow-legacy"]);
  const read = (path: string) =>
    JSON.stringify(files[path.slice(5) as keyof typeof files]);
  const folders = { "/ssr": Object.keys(files) };
  const { text } = describeConfig("/ssr", args, sourcesOf(read, { folders }));
  assert.match(text, /ss-server \[::\]:1002/);
});
