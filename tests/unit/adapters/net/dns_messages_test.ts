import assert from "node:assert/strict";
import { test } from "node:test";
import {
  agedAnswer,
  readAnswer,
  readQuery,
  truncatedAnswer,
} from "../../../../src/adapters/net/dns_messages.ts";
import { flipBit, hex, seededBytes } from "../../../support/bytes.ts";

/** `dig known.test A`, id 0x1234, without EDNS. */
const QUERY = "123401000001000000000000" + "056b6e6f776e0474657374000001" +
  "0001";

/** The same with an OPT record: 1,232 bytes, DNSSEC wanted. */
const EDNS_QUERY = "123401000001000000000001" +
  "054b6e6f776e0454455354000001" + "0001" + "0000290" + "4d000008000" + "0000";

/** Its answer: 192.0.2.77 for 60 seconds. */
const ANSWER = "123481800001000100000000" + "056b6e6f776e0474657374000001" +
  "0001" + "c00c000100010000003c0004c000024d";

test("readQuery() tells id, question and what the client takes", () => {
  assert.deepEqual(readQuery(hex(QUERY)), {
    id: 0x1234,
    key: "known.test A IN true false ",
    maxBytes: 512,
  });
  assert.deepEqual(readQuery(hex(EDNS_QUERY)), {
    id: 0x1234,
    key: "known.test A IN true false true",
    maxBytes: 1_232,
  });
});

test("readAnswer() tells id, question, time to live and truncation", () => {
  const answer = {
    id: 0x1234,
    question: "known.test A IN",
    truncated: false,
    ttlSeconds: 60,
  };
  assert.deepEqual(readAnswer(hex(ANSWER)), answer);
  // No such name; cut.
  const kept = (flags: string): unknown =>
    readAnswer(hex(ANSWER.replace("8180", flags)))?.ttlSeconds;
  assert.equal(kept("8183"), 0);
  assert.equal(kept("8380"), 0);
  assert.equal(
    readAnswer(hex(ANSWER.replace("8180", "8380")))?.truncated,
    true,
  );
});

test("agedAnswer() has the new id and less time to live", () => {
  const aged = agedAnswer(hex(ANSWER), 7, 20);
  assert.equal(readAnswer(aged)?.id, 7);
  assert.equal(readAnswer(aged)?.ttlSeconds, 40);
  assert.ok(aged.toHex().endsWith("c000024d"));
  assert.equal(readAnswer(agedAnswer(hex(ANSWER), 7, 99))?.ttlSeconds, 0);
});

test("truncatedAnswer() keeps the question alone, and says that it is cut", () => {
  const cut = truncatedAnswer(hex(ANSWER));
  assert.ok(cut.length < ANSWER.length / 2);
  assert.equal(readAnswer(cut)?.question, "known.test A IN");
  assert.equal(readAnswer(cut)?.truncated, true);
});

test("readQuery() and readAnswer() take nothing for what it is not", () => {
  assert.equal(readQuery(hex(ANSWER)), undefined);
  assert.equal(readAnswer(hex(QUERY)), undefined);
  for (let length = 0; length < 12; length++) {
    assert.equal(readQuery(hex(QUERY).subarray(0, length)), undefined);
    assert.equal(readAnswer(seededBytes(length)), undefined);
  }
  const bits = hex(ANSWER).length * 8;
  for (let bit = 0; bit < bits; bit++) {
    readQuery(flipBit(hex(ANSWER), bit));
    readAnswer(flipBit(hex(ANSWER), bit));
  }
});
