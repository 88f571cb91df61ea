import assert from "node:assert/strict";
import { test } from "node:test";
import { parseArguments } from "../../../src/cli/options/args.ts";
import { findCommand } from "../../../src/cli/commands/commands.ts";
import {
  configureLocal,
  configureServer,
} from "../../../src/cli/config/config.ts";
import { configureUrls } from "../../../src/cli/config/configure_urls.ts";
import {
  type Ask,
  type InitAnswers,
  initAnswers,
} from "../../../src/cli/init/init_answers.ts";
import {
  initFiles,
  type InitPlace,
  type InitResult,
  SERVER_FILE,
  UNIT_FILE,
} from "../../../src/cli/init/init_files.ts";
import { findMethod, METHODS } from "../../../src/crypto/method.ts";
import { ConfigError } from "../../../src/errors.ts";
import { systemRandomBytes } from "../../../src/random.ts";
import { execStart } from "../../support/unit_file.ts";
import { installedProgram } from "../../../src/cli/init/install.ts";
import { sourcesOf } from "../../support/sources.ts";

const SUGGESTED = { host: "192.0.2.1", port: 20_000 };

const PLACE: InitPlace = {
  listen: "::",
  folder: "/srv/umbra",
  program: ["/usr/bin/umbra"],
  adminPort: 9_091,
  user: 1_000,
};

function answers(
  argv: readonly string[],
  ask?: Ask,
): Promise<InitAnswers> {
  const args = parseArguments(findCommand("init")!, argv);
  return initAnswers(args, SUGGESTED, ask);
}

function make(method: string, users: readonly string[]): InitResult {
  const said = { host: "vpn.example", port: 443, users };
  return initFiles(
    { ...said, method: findMethod(method) },
    PLACE,
    systemRandomBytes,
  );
}

test("initAnswers() uses the suggested values with --yes", async () => {
  assert.deepEqual(await answers(["--yes"]), {
    ...SUGGESTED,
    method: findMethod("2022-blake3-aes-256-gcm"),
    users: ["me"],
  });
});

test("initAnswers() refuses a suggestion that is none, when told --yes", async () => {
  const args = parseArguments(findCommand("init")!, ["--yes"]);
  await assert.rejects(
    initAnswers(args, { ...SUGGESTED, host: "" }, undefined),
    /--host: expected a name or an IP address, without a port/,
  );
});

test("initAnswers() takes options, and asks for the rest in order", async () => {
  const asked: string[] = [];
  const ask: Ask = (question, suggestion) => {
    asked.push(question);
    return Promise.resolve(suggestion);
  };
  const flags = ["--port", "443", "--user", "bob", "--user", "alice"];
  const { port, users, host } = await answers(flags, ask);
  assert.deepEqual([host, port, users], ["192.0.2.1", 443, ["bob", "alice"]]);
  assert.equal(asked.length, 2);
  assert.match(asked[0]!, /^Name or IP address/);
  assert.match(asked[1]!, /^Method/);
});

test("initAnswers() asks again, when an answer is none", async () => {
  const said = ["a b", "0.0.0.0", "vpn.example:1", "vpn.example"]
    .concat(["0", "443"], ["rot13", "aes-256-gcm"], ["a/b", "é, -x", "é, b"]);
  const asked: string[] = [];
  const made = await answers([], (question) => {
    asked.push(question);
    return Promise.resolve(said.shift()!);
  });
  assert.deepEqual(made, {
    host: "vpn.example",
    port: 443,
    method: findMethod("aes-256-gcm"),
    users: ["é", "b"],
  });
  assert.equal(asked.filter((text) => /^Expected/.test(text)).length, 7);
});

test("initAnswers() names the options that are missing, without a terminal", async () => {
  await assert.rejects(answers(["--port", "1"]), (error: unknown) => {
    assert.ok(error instanceof ConfigError);
    assert.equal(error.code, "ERR_CONFIG_USAGE");
    assert.match(
      error.message,
      /give --host HOST, --method METHOD, --user NAME, or --yes/,
    );
    return true;
  });
  const flags = ["--host", "h", "--port", "1", "--method", "aes-128-gcm"];
  assert.equal((await answers([...flags, "--user", "a"])).host, "h");
});

test("initAnswers() refuses options it cannot use", async () => {
  const cases = [
    [["--host", "[::]"], /--host/],
    [["--host", "h:1"], /--host: expected a name or an IP address/],
    [["--port", "70000"], /--port: expected/],
    [["--method", "rc4-md5"], /--method: expected one of/],
    [["--user", "../x"], /--user/],
    [["--user", "a", "--user", "A"], /--user: expected different names/],
    [
      ["--method", "2022-blake3-chacha20-poly1305", "--user", "a", "--user=b"],
      /--user: expected one name .* has no users/,
    ],
  ] as const;
  for (const [flags, why] of cases) {
    await assert.rejects(answers(["--yes", ...flags]), why);
  }
});

for (const { name, family, algorithm } of METHODS) {
  test(`initFiles() makes a server and clients that agree, with ${name}`, () => {
    const single = family.needsClock && algorithm !== "aes-gcm";
    const people = single ? ["ann"] : ["ann", "bob"];
    const { files, users } = make(name, people);
    const read = sourcesOf((path) => files.get(path)!);
    const config = (command: string, file: string) =>
      parseArguments(findCommand(command)!, ["-c", file]);
    const { result: [server], warnings } = configureServer(
      config("server", SERVER_FILE),
      read,
    );
    assert.deepEqual(warnings, []);
    assert.deepEqual(server!.listen, { host: "::", port: 443 });
    assert.equal(server!.mode, "tcp_and_udp");
    assert.deepEqual(users.map((user) => user.name), people);
    for (const [i, { uri, file }] of users.entries()) {
      const local = configureLocal(config("local", file), read);
      assert.deepEqual(local.warnings, []);
      assert.equal(local.result[0]!.mode, "tcp_and_udp");
      const [upstream] = local.result[0]!.servers;
      assert.deepEqual(upstream!.endpoint, { host: "vpn.example", port: 443 });
      const own = server!.users?.[i];
      assert.equal(own?.name, single ? undefined : people[i]);
      assert.deepEqual(
        upstream!.masterKey,
        own?.masterKey ?? server!.masterKey,
      );
      assert.deepEqual(
        upstream!.identityKeys,
        family.needsClock && !single ? [server!.masterKey] : undefined,
      );
      const args = parseArguments(findCommand("local")!, [uri]);
      const [linked] = configureLocal(args, read).result[0]!.servers;
      assert.deepEqual(linked, upstream);
      // A link that is made from the file contains the name as well.
      assert.deepEqual(configureUrls(config("url", file), read).result, [uri]);
    }
  });
}

test("initFiles() comments on keys that there are", () => {
  const { files } = make("2022-blake3-aes-256-gcm", ["me"]);
  const text = files.get(SERVER_FILE)!.replaceAll(/\/\/ (?=")/g, "");
  const args = parseArguments(findCommand("server")!, ["-c", "f"]);
  const { warnings, operator } = configureServer(args, sourcesOf(() => text));
  assert.deepEqual(warnings, []);
  assert.match(operator.store!, /\/umbra\.db$/);
  assert.deepEqual(operator.admin, { host: "127.0.0.1", port: 9_091 });
  assert.equal(operator.publicHost, "vpn.example");
});

test("initFiles() makes keys that no two have in common", () => {
  const all = [make("aes-256-gcm", ["a", "b"]), make("aes-256-gcm", ["a", "b"])]
    .flatMap(({ users }) => users.map(({ uri }) => uri.split("@")[0]));
  assert.equal(new Set(all).size, 4);
});

test("initFiles() writes a unit without secrets, for any path", () => {
  const { files } = initFiles(
    {
      host: "h",
      port: 1,
      method: findMethod("2022-blake3-aes-256-gcm"),
      users: ["me"],
    },
    { ...PLACE, program: ["/opt/my tools/umbra", "a$b", 'c"d%e'] },
    () => new Uint8Array(32).fill(0xaa),
  );
  const unit = files.get(UNIT_FILE)!;
  const [shell, , , , ...words] = execStart(unit);
  assert.equal(shell, "/bin/sh");
  assert.deepEqual(words, [
    ...["/opt/my tools/umbra", "a$b", 'c"d%e'],
    ...["server", "-c", "/srv/umbra/server.json"],
    ...["--reuse-port", "--drain", "5", "--grace", "3600"],
  ]);
  assert.match(unit, /^KillMode=process$/m);
  assert.match(unit, /^ReadWritePaths=\/srv\/umbra$/m);
  assert.match(unit, /^ExecReload=\/bin\/kill -HUP \$MAINPID$/m);
  assert.match(unit, /^LimitNOFILE=65536$/m);
  assert.match(unit, /^User=1000$/m);
  assert.match(unit, /^NoNewPrivileges=yes$/m);
  // This setting would keep JavaScript compilers from working.
  assert.doesNotMatch(unit, /MemoryDenyWriteExecute/);
  assert.doesNotMatch(unit, /qqqq/);
  assert.match(files.get(SERVER_FILE)!, /qqqq/);
});

test("initFiles() names no user in the unit, when root makes it", () => {
  const { files } = initFiles(
    {
      host: "h",
      port: 1,
      method: findMethod("aes-256-gcm"),
      users: ["me"],
    },
    { ...PLACE, user: undefined },
    systemRandomBytes,
  );
  assert.doesNotMatch(files.get(UNIT_FILE)!, /^User=/m);
});

test("initFiles() lets systemd make the folder of the store, where it is installed", () => {
  const { files } = initFiles(
    {
      host: "h",
      port: 1,
      method: findMethod("aes-256-gcm"),
      users: ["me"],
    },
    { ...PLACE, user: "umbra", state: "/var/lib/umbra" },
    systemRandomBytes,
  );
  const unit = files.get(UNIT_FILE)!;
  assert.match(unit, /^User=umbra\nStateDirectory=umbra$/m);
  assert.doesNotMatch(unit, /^ReadWritePaths=/m);
  const text = files.get(SERVER_FILE)!;
  assert.match(text, /"store": "\/var\/lib\/umbra\/umbra\.db"/);
});

for (
  const [own, words] of [
    [["/root/umbra"], ["/usr/local/bin/umbra"]],
    [["/usr/bin/umbra"], ["/usr/bin/umbra"]],
    [["/usr/local/bin/umbra"], ["/usr/local/bin/umbra"]],
    [["/opt/bun", "/src/main.ts"], ["/opt/bun", "/src/main.ts"]],
  ] as const
) {
  test(`what ${own.join(" ")} installs is started as ${words[0]}`, () => {
    assert.deepEqual(installedProgram(own), words);
  });
}
