import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  DNS_UDP_TIMEOUT_MS,
  MAX_PENDING_QUERIES,
} from "../../../../src/limits.ts";
import {
  PendingQueries,
  type PendingQuery,
} from "../../../../src/service/dns/pending_queries.ts";
import type { DnsAnswer } from "../../../../src/codec/dns_message.ts";
import { hex } from "../../../support/bytes.ts";
import { FakeClock } from "../../../support/fake_clock.ts";

const CLIENT = { host: "127.0.0.1", port: 4_000 };

const QUESTION = hex("0161000001" + "0001");

function queryOf(id: number, question = QUESTION): PendingQuery {
  const query = { id, question, key: "", maxBytes: 512, ednsFlags: undefined };
  return { client: CLIENT, query, message: question };
}

function answerOf(id: number, question = QUESTION): DnsAnswer {
  return { id, question, truncated: false, ttlSeconds: 60 };
}

describe("PendingQueries", () => {
  test("take() finds a query once, by its client, id and question", () => {
    const pending = new PendingQueries(new FakeClock(), () => {});
    pending.add(queryOf(1));
    const elsewhere = { ...CLIENT, port: 4_001 };
    assert.equal(pending.take(elsewhere, answerOf(1)), undefined);
    assert.equal(pending.take(CLIENT, answerOf(2)), undefined);
    const other = hex("0162000001" + "0001");
    assert.equal(pending.take(CLIENT, answerOf(1, other)), undefined);
    assert.equal(pending.take(CLIENT, answerOf(1))?.query.id, 1);
    assert.equal(pending.take(CLIENT, answerOf(1)), undefined);
  });

  test("hands on what waits in vain, once, and no longer for being asked again", async () => {
    const clock = new FakeClock();
    const late: number[] = [];
    const pending = new PendingQueries(
      clock,
      ({ query }) => void late.push(query.id),
    );
    pending.add(queryOf(1));
    await clock.advance(DNS_UDP_TIMEOUT_MS - 1);
    pending.add(queryOf(1));
    assert.deepEqual(late, []);
    await clock.advance(1);
    assert.deepEqual(late, [1]);
    assert.equal(clock.pending, 0);
  });

  test("waits for the latest of the queries of one id", async () => {
    const clock = new FakeClock();
    const pending = new PendingQueries(clock, () => {});
    pending.add(queryOf(1));
    await clock.advance(1);
    const mixed = hex("0141000001" + "0001");
    pending.add(queryOf(1, mixed));
    assert.equal(clock.pending, 1);
    assert.equal(pending.take(CLIENT, answerOf(1))?.query.question, mixed);
  });

  test("forgets the first query and its timer, when there is one too many", () => {
    const clock = new FakeClock();
    const pending = new PendingQueries(clock, () => {});
    for (let id = 0; id < MAX_PENDING_QUERIES; id++) pending.add(queryOf(id));
    assert.equal(clock.pending, MAX_PENDING_QUERIES);
    pending.add(queryOf(MAX_PENDING_QUERIES));
    assert.equal(clock.pending, MAX_PENDING_QUERIES);
    assert.equal(pending.take(CLIENT, answerOf(0)), undefined);
    assert.ok(pending.take(CLIENT, answerOf(1)));
    assert.ok(pending.take(CLIENT, answerOf(MAX_PENDING_QUERIES)));
    pending.clear();
    assert.equal(clock.pending, 0);
  });
});
