// Keys of configuration files are what they are.
// deno-lint-ignore-file camelcase
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { parseArguments } from "../../../src/cli/options/args.ts";
import { findCommand } from "../../../src/cli/commands/commands.ts";
import { ownClient } from "../../../src/cli/doctor/doctor_server.ts";
import { readSubject } from "../../../src/cli/doctor/doctor_subject.ts";
import { findMethod } from "../../../src/crypto/method.ts";
import { ConfigError } from "../../../src/errors.ts";

const folder = mkdtempSync(join(tmpdir(), "umbra-subject-"));
after(() => rmSync(folder, { recursive: true, force: true }));

const BASE = { server_port: 8388, password: "x", method: "aes-256-gcm" };
const URI = "ss://YWVzLTI1Ni1nY206dGVzdA@192.0.2.1:8388";

function read(...argv: string[]): ReturnType<typeof readSubject> {
  return readSubject(parseArguments(findCommand("doctor")!, argv));
}

function roleOf(config: unknown, ...argv: string[]): string {
  const path = join(folder, "config.json");
  writeFileSync(path, JSON.stringify(config));
  return read("-c", path, ...argv).subject.role;
}

test("readSubject() takes URIs and -s for a local, and nothing for nothing", () => {
  assert.equal(read(URI).subject.role, "local");
  assert.equal(read("-s", "192.0.2.1:1", "-k", "x").subject.role, "local");
  assert.deepEqual(read(), {
    subject: { role: "none", methods: [], file: undefined, operator: {} },
    findings: [],
  });
});

test("readSubject() guesses whose file it is", () => {
  const local = { ...BASE, server: "192.0.2.1" };
  assert.equal(roleOf(local), "local");
  assert.equal(roleOf({ ...BASE, server: "0.0.0.0" }), "server");
  assert.equal(roleOf({ ...BASE, server: ["::", "0.0.0.0"] }), "server");
  assert.equal(roleOf(BASE), "server");
  assert.equal(roleOf({ ...local, allow_private: "all" }), "server");
  assert.equal(roleOf({ ...BASE, server: "::", local_port: 1 }), "server");
  assert.equal(roleOf({ ...local, local_port: 1 }), "local");
  assert.equal(roleOf({ servers: [{ ...BASE, address: "::" }] }), "server");
  assert.equal(roleOf({ servers: [local] }), "local");
});

test("readSubject() believes --role", () => {
  const local = { ...BASE, server: "192.0.2.1" };
  assert.equal(roleOf(local, "--role", "server"), "server");
  assert.throws(() => roleOf(local, "--role", "both"), ConfigError);
});

test("readSubject() finds what is wrong with a file, and each method once", () => {
  const path = join(folder, "wrong.json");
  writeFileSync(path, JSON.stringify({ ...BASE, server: "a", method: "rc4" }));
  const { subject, findings } = read("-c", path);
  assert.equal(subject.role, "none");
  assert.equal(findings[0]?.verdict, "fail");
  assert.match(findings[0].detail, /wrong\.json:1:\d+: .*rc4/);
  const missing = read("-c", join(folder, "missing.json"));
  assert.match(missing.findings[0]!.detail, /the file does not exist/);
  assert.deepEqual(read(URI, URI).subject.methods, [findMethod("aes-256-gcm")]);
});

test("ownClient() connects to this machine, with a user's key", () => {
  const [own, common] = [Uint8Array.of(1), Uint8Array.of(2)];
  const users = [
    { name: "gone", masterKey: Uint8Array.of(3), disabled: true },
    { name: "alice", masterKey: own },
  ];
  const of = (
    host: string,
    method: string,
    keys: Partial<Parameters<typeof ownClient>[0]>,
  ): ReturnType<typeof ownClient> =>
    ownClient({
      listen: { host, port: 1 },
      method: findMethod(method),
      ...keys,
    });
  const old = of("0.0.0.0", "aes-256-gcm", { users });
  assert.deepEqual(old?.endpoint, { host: "127.0.0.1", port: 1 });
  assert.deepEqual([old?.masterKey, old?.identityKeys], [own, undefined]);
  const keys = { users, masterKey: common };
  const modern = of("::", "2022-blake3-aes-128-gcm", keys);
  assert.deepEqual(modern?.endpoint, { host: "::1", port: 1 });
  assert.deepEqual(modern?.identityKeys, [common]);
  const alone = of("192.0.2.1", "aes-256-gcm", { masterKey: common });
  assert.deepEqual(alone?.endpoint.host, "192.0.2.1");
  assert.deepEqual(alone?.masterKey, common);
  const disabled = { users: users.slice(0, 1) };
  assert.equal(of("::", "aes-256-gcm", disabled), undefined);
});
