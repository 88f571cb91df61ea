import assert from "node:assert/strict";
import { test } from "node:test";
import {
  type Evidence,
  judgeServer,
  judgeUdp,
  judgeUnreachable,
  judgeUnsent,
} from "../../../src/cli/doctor/judge_server.ts";
import type { Reaction } from "../../../src/cli/doctor/probe_server.ts";
import { findMethod } from "../../../src/crypto/method.ts";
import { utf8 } from "../../support/bytes.ts";

const METHOD = findMethod("aes-256-gcm");
const METHOD_2022 = findMethod("2022-blake3-aes-128-gcm");
const TARGET = { host: "example.com", port: 80 };

const ANSWER: Reaction = {
  kind: "answer",
  payload: utf8("HTTP/1.1 200 OK\r\n"),
  afterMs: 41.7,
};
const SILENT: Reaction = { kind: "silent" };
const CLOSED: Reaction = { kind: "closed", afterMs: 3 };
const GIBBERISH: Reaction = {
  kind: "foreign",
  bytes: Uint8Array.of(200, 1, 77),
  code: "ERR_SS_AUTHENTICATION",
};

/** Verdict of each check, and all that is said. */
function judge(
  answer: Reaction,
  nowhere?: Reaction,
  garbage?: Reaction,
  method: Evidence["method"] = METHOD,
  clocksTried = false,
): { verdicts: Record<string, string>; text: string } {
  const findings = judgeServer({
    ...{ method, target: TARGET, answer, waitMs: 5_000, clocksTried },
    ...(nowhere && garbage && { controls: { nowhere, garbage } }),
  });
  return {
    verdicts: Object.fromEntries(
      findings.map(({ check, verdict }) => [check, verdict]),
    ),
    text: findings.map(({ detail, advice }) => `${detail} ${advice}`).join(" "),
  };
}

test("judgeServer() finds all well, when the target answers", () => {
  const { verdicts, text } = judge(ANSWER);
  assert.deepEqual(verdicts, { key: "ok", target: "ok" });
  assert.match(text, /example\.com:80 answered through the server in 42 ms/);
});

test("judgeServer() blames the target, when the server tells nowhere from garbage", () => {
  const closed = judge(CLOSED, CLOSED, SILENT);
  assert.deepEqual(closed.verdicts, { key: "ok", target: "fail" });
  assert.match(closed.text, /could not reach example\.com:80, or may not/);
  assert.match(closed.text, /user may be disabled, expired or over its quota/);
  const silent = judge(SILENT, CLOSED, SILENT);
  assert.deepEqual(silent.verdicts, { key: "ok", target: "fail" });
  assert.match(silent.text, /said nothing through the server in 5 s/);
});

test("judgeServer() blames the key, when everything meets silence", () => {
  const { verdicts, text } = judge(SILENT, SILENT, SILENT);
  assert.deepEqual(verdicts, { key: "fail" });
  assert.match(text, /silent.*wrong password or method/);
  assert.doesNotMatch(text, /clock/);
});

test("judgeServer() rules the clocks out, when other time stamps met silence as well", () => {
  const { verdicts, text } = judge(SILENT, SILENT, SILENT, METHOD_2022, true);
  assert.deepEqual(verdicts, { key: "fail" });
  assert.match(text, /time stamps of other clocks: wrong password or method/);
  assert.match(text, /--clock-url .* wrong by days/);
});

test("judgeUnsent() is as strict as the configuration, and says what to do", () => {
  const said = (["ERR_NET_PERMISSION", "ERR_NET_UNREACHABLE"] as const)
    .map((code) => judgeUnsent(TARGET, code, true));
  for (const { check, verdict } of said) {
    assert.deepEqual([check, verdict], ["udp", "fail"]);
  }
  assert.match(said[0]!.advice!, /firewall/);
  assert.match(said[1]!.detail, /example\.com:80 have no route$/);
  assert.equal(judgeUnsent(TARGET, "ERR_NET_OTHER", false).verdict, "warn");
});

test("judgeServer() knows that the key is right, when only the stamp is not", () => {
  const { verdicts, text } = judge({
    kind: "foreign",
    bytes: new Uint8Array(60),
    code: "ERR_SS_TIMESTAMP",
  });
  assert.deepEqual(verdicts, { key: "fail" });
  assert.match(text, /are right, but the clocks differ/);
});

test("judgeServer() doubts that it is Shadowsocks, when all is closed alike", () => {
  const { verdicts, text } = judge(CLOSED, CLOSED, CLOSED);
  assert.deepEqual(verdicts, { key: "fail" });
  assert.match(text, /hangs up .* alike: no Shadowsocks server/);
});

test("judgeServer() names what else it is, when that speaks", () => {
  const said = (text: string): Reaction => ({
    kind: "foreign",
    bytes: utf8(text),
  });
  for (
    const [text, name] of [
      ["HTTP/1.1 400 Bad Request\r\n", "HTTP"],
      ["SSH-2.0-OpenSSH_9.2\r\n", "SSH"],
      ["\x15\x03\x01\x00\x02", "TLS"],
      ["220 mail.example ESMTP", "mail or FTP"],
      ["\x05\x00", "SOCKS5"],
      ["?", "something else"],
    ] as const
  ) {
    const { verdicts, text: found } = judge(SILENT, SILENT, said(text));
    assert.deepEqual(verdicts, { key: "fail" });
    assert.ok(found.includes(`speaks ${name}, not Shadowsocks`), found);
  }
  assert.match(judge(GIBBERISH).text, /not sealed with this password/);
});

test("judgeUnreachable() says what to do for each reason", () => {
  const codes = [
    "ERR_NET_REFUSED",
    "ERR_NET_TIMEOUT",
    "ERR_NET_UNREACHABLE",
    "ERR_NET_HOST_UNREACHABLE",
    "ERR_NET_PERMISSION",
    "ERR_NET_OTHER",
  ] as const;
  const said = new Set<string>();
  for (const code of codes) {
    const finding = judgeUnreachable(TARGET, code);
    assert.equal(finding.verdict, "fail");
    assert.match(finding.detail, /^example\.com:80 /);
    said.add(`${finding.detail} ${finding.advice}`);
  }
  assert.equal(said.size, codes.length);
});

test("judgeUdp() is as strict as the configuration", () => {
  const verdict = (
    ...[reaction, wanted, key]: [
      Parameters<typeof judgeUdp>[0],
      boolean,
      boolean,
    ]
  ): string => judgeUdp(reaction, TARGET, wanted, key).verdict;
  assert.equal(verdict({ kind: "answer", afterMs: 1 }, true, true), "ok");
  assert.equal(verdict({ kind: "silent" }, true, true), "fail");
  assert.equal(verdict({ kind: "silent" }, false, true), "warn");
  assert.equal(verdict({ kind: "silent" }, true, false), "skip");
});
