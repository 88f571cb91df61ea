import assert from "node:assert/strict";
import { test } from "node:test";
import {
  judgeCrypto,
  judgeDescriptors,
  judgeDns,
  judgeMode,
  judgePolicy,
  judgePort,
  judgeUsers,
} from "../../../src/cli/doctor/judge_machine.ts";
import { listeners } from "../../../src/cli/doctor/machine_facts.ts";
import { findMethod } from "../../../src/crypto/method.ts";
import { nobleProvider } from "../../../src/crypto/noble.ts";
import { ProviderChoice } from "../../../src/crypto/provider_choice.ts";
import {
  anyTarget,
  parseCidr,
  publicTarget,
  publicTargetOr,
} from "../../../src/security/target_policy.ts";

const AES = findMethod("aes-256-gcm");
const ENDPOINT = { host: "0.0.0.0", port: 8388 };

test("judgeDescriptors() warns, when they do not last for a few browsers", () => {
  assert.equal(judgeDescriptors(1_024).verdict, "ok");
  assert.equal(judgeDescriptors(256).verdict, "warn");
  assert.equal(judgeDescriptors(127).verdict, "fail");
  assert.equal(judgeDescriptors(undefined).verdict, "skip");
});

test("judgeCrypto() names who computes, and what would be faster", () => {
  const trial = { method: AES, provider: nobleProvider, speed: 100.4 };
  const choice = new ProviderChoice([trial]);
  const found = judgeCrypto(AES, choice, "/lib/x", "--allow-ffi=/lib/x");
  assert.equal(found.verdict, "ok");
  assert.match(found.detail, /^aes-256-gcm: noble \S+, 100 MiB\/s/);
  assert.match(found.advice!, /--allow-ffi=\/lib\/x$/);
  assert.match(
    judgeCrypto(AES, choice, undefined, undefined).advice!,
    /not found/,
  );
});

test("judgeCrypto() warns of a provider that computes wrongly", () => {
  const other = { ...nobleProvider, name: "other", supports: () => true };
  const choice = new ProviderChoice([
    { method: AES, provider: nobleProvider, speed: 1 },
    {
      method: AES,
      provider: other as typeof nobleProvider,
      speed: 0,
      fault: "1+1=3",
    },
  ]);
  const found = judgeCrypto(AES, choice, undefined, undefined);
  assert.equal(found.verdict, "warn");
  assert.match(found.detail, /other was refused: 1\+1=3/);
  assert.equal(
    judgeCrypto(AES, new ProviderChoice([]), undefined, undefined).verdict,
    "fail",
  );
});

test("judgeMode() warns, when others may read or change it", () => {
  const found = (mode: number): string => {
    const { verdict, detail } = judgeMode("f", mode);
    return `${verdict} ${/may (.*) it,/.exec(detail)?.[1] ?? ""}`.trim();
  };
  assert.equal(found(0o600), "ok");
  assert.equal(found(0o640), "ok");
  assert.equal(found(0o644), "warn read");
  assert.equal(found(0o660), "warn change");
  assert.equal(found(0o666), "warn read and change");
  assert.equal(judgeMode("f", undefined).verdict, "skip");
});

test("judgePort() tells our own from a stranger", () => {
  const tcp = { endpoint: ENDPOINT, kind: "tcp" } as const;
  const taken = { ...tcp, code: "ERR_NET_ADDRESS_IN_USE" } as const;
  const owner = { pid: 7, name: "nginx" };
  assert.equal(judgePort(tcp).verdict, "ok");
  assert.equal(judgePort({ ...taken, owner }).verdict, "warn");
  assert.match(
    judgePort({ ...taken, owner }).detail,
    /^0\.0\.0\.0:8388 \(TCP\) is in use by nginx \(process 7\)$/,
  );
  assert.equal(judgePort({ ...taken, owner, takesKey: true }).verdict, "ok");
  const ours = { pid: 7, name: "ss-server" };
  assert.match(
    judgePort({ ...taken, owner: ours }).detail,
    /already listening by ss-server/,
  );
});

test("judgePort() fails with advice, when the port cannot be listened on", () => {
  const tried = (
    port: number,
    code: Parameters<typeof judgePort>[0]["code"],
  ): string => {
    const { verdict, advice } = judgePort({
      endpoint: { host: "192.0.2.1", port },
      kind: "udp",
      ...(code && { code }),
    });
    return `${verdict}: ${advice}`;
  };
  assert.match(tried(80, "ERR_NET_PERMISSION"), /^fail: .*CAP_NET_BIND/);
  assert.match(tried(8388, "ERR_NET_PERMISSION"), /^fail: .*--allow-net/);
  assert.match(tried(80, "ERR_NET_ADDRESS_UNAVAILABLE"), /^fail: .*0\.0\.0\.0/);
  assert.match(tried(80, "ERR_NET_OTHER"), /^fail: /);
});

test("judgePolicy() warns of what is open", () => {
  assert.equal(judgePolicy(publicTarget).verdict, "ok");
  const all = judgePolicy(anyTarget);
  assert.equal(all.verdict, "warn");
  assert.match(all.detail, /this machine itself, the metadata service/);
  const some = judgePolicy(publicTargetOr([parseCidr("10.0.0.0/8")!]));
  assert.equal(some.detail, "clients reach private networks");
});

test("judgeUsers() warns of time that is over, and of too many trials", () => {
  const users = Array.from({ length: 101 }, (_, i) => ({
    name: `u${i}`,
    masterKey: new Uint8Array(32),
  }));
  const now = 1_000;
  assert.equal(judgeUsers(users.slice(1), AES, now).verdict, "ok");
  assert.match(judgeUsers(users, AES, now).detail, /tries every key/);
  const method = findMethod("2022-blake3-aes-128-gcm");
  assert.equal(judgeUsers(users, method, now).verdict, "ok");
  const ended = users.slice(0, 7).map((user) => ({
    ...user,
    limits: { expiresUnixMs: now },
  }));
  assert.match(
    judgeUsers(ended, AES, now).detail,
    /over: u0, u1, u2, u3, u4 and 2 more$/,
  );
  const disabled = ended.map((user) => ({ ...user, disabled: true }));
  assert.equal(judgeUsers(disabled, AES, now).verdict, "ok");
});

test("judgeDns() tells the slow from the missing", () => {
  const verdict = (
    host: string,
    tookMs: number,
    addresses: string[],
  ): string => judgeDns(host, tookMs, addresses, undefined).verdict;
  assert.equal(verdict("192.0.2.1", 0, ["192.0.2.1"]), "ok");
  assert.equal(verdict("a.example", 20, ["192.0.2.1"]), "ok");
  assert.equal(verdict("a.example", 1_500, ["192.0.2.1"]), "warn");
  assert.equal(verdict("a.example", 20, []), "fail");
});

test("listeners() finds the sockets of a port, in the system's table", () => {
  const table = [
    "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode",
    "   0: 0100007F:20C4 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4711 1 0",
    "   1: 0100007F:20C4 0100007F:9C40 01 00000000:00000000 00:00000000 00000000     0        0 4712 1 0",
    "   2: 00000000:20C5 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4713 1 0",
    "   3: 00000000:20C4 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 4714 2 0",
    "",
  ].join("\n");
  assert.deepEqual(listeners(table, 8388), ["4711", "4714"]);
  assert.deepEqual(listeners(table, 1), []);
});
