/**
 * DNS messages that resolvers and owners of zones make up: what is accepted is
 * passed on byte for byte but for id and times to live, and nothing grows.
 *
 * @module
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  agedAnswer,
  type DnsQuery,
  readDnsAnswer,
  readDnsQuery,
  sameQuestion,
  truncatedAnswer,
} from "../../src/codec/dns_message.ts";
import { concat, equalBytes } from "../../src/bytes.ts";
import { readFakeIps, writeFakeIps } from "../../src/cli/dns/fake_ip_file.ts";
import { UmbraError } from "../../src/errors.ts";
import { parseCidr } from "../../src/security/target_policy.ts";
import { talkOver } from "../../src/service/dns/dns_talk.ts";
import { frameMessage } from "../../src/service/dns/dns_tcp.ts";
import { FakeIps } from "../../src/service/dns/fake_ips.ts";
import {
  addressesIn,
  ownAnswer,
  readQuestion,
} from "../../src/codec/dns_records.ts";
import { MAX_ANSWER_ADDRESSES } from "../../src/limits.ts";
import { hex, utf8 } from "../support/bytes.ts";
import { FUZZ_BUDGET_MS, MUTATIONS, mutations } from "../support/mutate.ts";

const QUESTION = "056b6e6f776e0474657374000001" + "0001";
const ADDRESS = "c00c000100010000003c0004c000024d";
const OPT = "00002904d000008000000c000a00080011223344556677";

const QUERIES = [
  `123401000001000000000000${QUESTION}`,
  `123401000001000000000001${QUESTION}${OPT}`,
].map(hex);

const ANSWERS = [
  `123481800001000100000000${QUESTION}${ADDRESS}`,
  `1234818000010003000000010${QUESTION.slice(1)}` + ADDRESS.repeat(2) +
  "c00c002c000100000e100004fffe0102" + "0000290200000000000000",
  `123481800001000100010000${QUESTION}${ADDRESS}` +
  "c012000600010000000a0016" + "c012c01200000001000000020000000300000004" +
  "00000005",
  `123481800001000400000000${QUESTION}` +
  "c00c000f00010000003c0004000ac00c".repeat(4),
  `123483800001000000000000${QUESTION}`,
].map(hex);

/** Types, classes, pointers, lengths at their edges. */
const SPICE = hex("00010229" + "0c0a3f40" + "41617fff" + "c0c1800f");

/** Bytes of the OPT record that a cut answer gets. */
const OPT_LENGTH = 11;

const ASKED: readonly DnsQuery[] = QUERIES.map((wire) => readDnsQuery(wire)!);

test(`readDnsAnswer() passes on what it accepts, of ${MUTATIONS} mutations`, () => {
  const outcomes = { refused: 0, cut: 0, passed: 0, kept: 0 };
  const startMs = performance.now();
  for (const message of mutations(ANSWERS, SPICE, options(MUTATIONS))) {
    const before = message.slice();
    const answer = readDnsAnswer(message);
    if (answer === undefined) {
      outcomes.refused++;
      continue;
    }
    const { question, ttlSeconds } = answer;
    outcomes[ttlSeconds > 0 ? "kept" : answer.truncated ? "cut" : "passed"]++;
    for (const asked of ASKED) {
      const query = { ...asked, id: answer.id, question };
      const cut = truncatedAnswer(message, query);
      assert.ok(cut.length <= 12 + question.length + OPT_LENGTH);
      const again = readDnsAnswer(cut);
      assert.ok(again?.truncated && again.id === answer.id, cut.toHex());
      assert.deepEqual(again.question, question);
      if (ttlSeconds > 0) checkAged(message, query, ttlSeconds);
    }
    assert.ok(equalBytes(message, before), "it was changed");
  }
  for (const [outcome, count] of Object.entries(outcomes)) {
    assert.ok(count > MUTATIONS / 1_000, `${outcome}: ${count}`);
  }
  assert.ok(performance.now() - startMs < FUZZ_BUDGET_MS);
});

test(`readDnsQuery() survives ${MUTATIONS} mutations, and tells questions apart`, () => {
  const outcomes = { refused: 0, other: 0, same: 0 };
  const startMs = performance.now();
  for (const message of mutations(QUERIES, SPICE, options(MUTATIONS))) {
    const before = message.slice();
    const query = readDnsQuery(message);
    assert.ok(equalBytes(message, before), "it was changed");
    if (query === undefined) {
      outcomes.refused++;
      continue;
    }
    assert.ok(query.maxBytes >= 512 && query.maxBytes <= 65_507);
    assert.ok(query.key.length <= message.length);
    const same = sameQuestion(query.question, ASKED[0]!.question);
    const sameKey = ASKED.some(({ key }) => key === query.key);
    assert.ok(same || !sameKey, message.toHex());
    outcomes[same ? "same" : "other"]++;
  }
  for (const [outcome, count] of Object.entries(outcomes)) {
    assert.ok(count > MUTATIONS / 1_000, `${outcome}: ${count}`);
  }
  assert.ok(performance.now() - startMs < FUZZ_BUDGET_MS);
});

test(`addressesIn() takes whole addresses of the message, of ${MUTATIONS} mutations`, () => {
  const outcomes = { refused: 0, none: 0, some: 0 };
  const startMs = performance.now();
  for (const message of mutations(ANSWERS, SPICE, options(MUTATIONS))) {
    const before = message.slice();
    const answer = readDnsAnswer(message);
    if (answer === undefined) {
      outcomes.refused++;
      continue;
    }
    const { addresses, ttlSeconds } = addressesIn(message, answer.question);
    assert.ok(addresses.length <= MAX_ANSWER_ADDRESSES);
    assert.ok(ttlSeconds >= 0 && ttlSeconds < 2 ** 31);
    for (const { length } of addresses) {
      assert.ok(length === 4 || length === 16);
    }
    outcomes[addresses.length > 0 ? "some" : "none"]++;
    assert.ok(equalBytes(message, before), "it was changed");
  }
  for (const [outcome, count] of Object.entries(outcomes)) {
    assert.ok(count > MUTATIONS / 1_000, `${outcome}: ${count}`);
  }
  assert.ok(performance.now() - startMs < FUZZ_BUDGET_MS);
});

test(`readQuestion() names hosts alone, of ${MUTATIONS} mutations`, () => {
  const outcomes = { none: 0, host: 0 };
  const startMs = performance.now();
  for (const message of mutations(QUERIES, SPICE, options(MUTATIONS))) {
    const query = readDnsQuery(message);
    if (query === undefined) continue;
    const { name } = readQuestion(query.question);
    outcomes[name === undefined ? "none" : "host"]++;
    if (name !== undefined) assert.match(name, /^[a-z0-9_-]+(\.[a-z0-9_-]+)*$/);
    const read = readDnsAnswer(ownAnswer(message, query, {}));
    assert.deepEqual(read?.question, query.question);
  }
  for (const [outcome, count] of Object.entries(outcomes)) {
    assert.ok(count > MUTATIONS / 1_000, `${outcome}: ${count}`);
  }
  assert.ok(performance.now() - startMs < FUZZ_BUDGET_MS);
});

for (const protocol of ["tls", "https"] as const) {
  test(`a talk over ${protocol} ends with an answer or an error of ours, of ${MUTATIONS} mutations`, async () => {
    const resolver = { host: "192.0.2.53", port: 853, protocol };
    const bodies = ANSWERS.map((answer) => answer.slice());
    const wires = bodies.flatMap((body) =>
      protocol === "tls" ? [frameMessage(body)] : [
        concat(
          utf8(`HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n`),
          body,
        ),
        concat(
          utf8("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"),
          utf8(`${body.length.toString(16)}\r\n`),
          body,
          utf8("\r\n0\r\n\r\n"),
        ),
      ]
    );
    const outcomes = { answer: 0, error: 0 };
    const startMs = performance.now();
    for (const wire of mutations(wires, SPICE, options(MUTATIONS))) {
      const half = wire.length >> 1;
      const parts = [wire.subarray(0, half), wire.subarray(half)]
        .filter(({ length }) => length > 0);
      const talk = talkOver({
        read: () => Promise.resolve(parts.shift()),
        write: () => Promise.resolve(),
        close: () => {},
      }, resolver);
      try {
        const bytes = await talk.ask(QUERIES[0]!, NEVER);
        assert.ok(bytes.length <= 65_535);
        outcomes.answer++;
      } catch (error) {
        assert.ok(error instanceof UmbraError, String(error));
        outcomes.error++;
      }
    }
    for (const [outcome, count] of Object.entries(outcomes)) {
      assert.ok(count > MUTATIONS / 1_000, `${outcome}: ${count}`);
    }
    assert.ok(performance.now() - startMs < FUZZ_BUDGET_MS);
  });
}

test(`readFakeIps() reads names and numbers alone, of ${MUTATIONS} mutations`, () => {
  const ranges = {
    ipv4: parseCidr("198.18.0.0/15")!,
    ipv6: parseCidr("fdfe:dcba:9876::/64")!,
  };
  const text = utf8(writeFakeIps(ranges, [["a.test", 0], ["b_-.test", 77]]));
  const outcomes = { none: 0, some: 0 };
  const startMs = performance.now();
  for (const wire of mutations([text], utf8(" \n0.a"), options(MUTATIONS))) {
    const entries = readFakeIps(ranges, new TextDecoder().decode(wire));
    outcomes[entries.length > 0 ? "some" : "none"]++;
    for (const [name, index] of entries) {
      assert.match(name, /^[a-z0-9_.-]{1,255}$/);
      assert.ok(Number.isSafeInteger(index) && index >= 0);
    }
    const fake = new FakeIps(ranges, entries);
    assert.ok([...fake.entries].length <= entries.length);
  }
  for (const [outcome, count] of Object.entries(outcomes)) {
    assert.ok(count > MUTATIONS / 1_000, `${outcome}: ${count}`);
  }
  assert.ok(performance.now() - startMs < FUZZ_BUDGET_MS);
});

const NEVER = new AbortController().signal;

/** Nothing but ids and times to live may be different. */
function checkAged(
  message: Uint8Array,
  query: DnsQuery,
  ttlSeconds: number,
): void {
  assert.ok(equalBytes(agedAnswer(message, query, 0), message));
  const aged = agedAnswer(message, { ...query, id: 0x5678 }, 1);
  assert.equal(aged.length, message.length);
  const read = readDnsAnswer(aged);
  assert.equal(read?.id, 0x5678);
  assert.deepEqual(read.question, query.question);
  assert.equal(read.ttlSeconds, ttlSeconds - 1);
  assert.ok(equalBytes(agedAnswer(aged, query, -1), message));
}

function options(count: number): { count: number; seed: number } {
  return { count, seed: 1_035 };
}
