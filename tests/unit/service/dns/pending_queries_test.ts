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

const WIRE = hex("c0ffee");

function queryOf(id: number, question = QUESTION): PendingQuery {
  const query = { id, question, key: "", maxBytes: 512, ednsFlags: undefined };
  return { client: CLIENT, query, message: question };
}

function answerOf(id: number, question = QUESTION): DnsAnswer {
  return { id, question, truncated: false, ttlSeconds: 60 };
}

describe("PendingQueries", () => {
  test("settle() finds a query once, by its client, id and question", async () => {
    const pending = new PendingQueries(new FakeClock());
    const waiting = pending.wait(queryOf(1));
    const elsewhere = { ...CLIENT, port: 4_001 };
    assert.equal(pending.settle(elsewhere, answerOf(1), WIRE), false);
    assert.equal(pending.settle(CLIENT, answerOf(2), WIRE), false);
    const other = hex("0162000001" + "0001");
    assert.equal(pending.settle(CLIENT, answerOf(1, other), WIRE), false);
    assert.equal(pending.settle(CLIENT, answerOf(1), WIRE), true);
    assert.equal(await waiting, WIRE);
    assert.equal(pending.settle(CLIENT, answerOf(1), WIRE), false);
  });

  test("tells what waits in vain, once, and no later for being asked again", async () => {
    const clock = new FakeClock();
    const pending = new PendingQueries(clock);
    let outcome: unknown;
    pending.wait(queryOf(1)).then((told) => outcome = told);
    await clock.advance(DNS_UDP_TIMEOUT_MS - 1);
    assert.equal(await pending.wait(queryOf(1)), undefined);
    assert.equal(outcome, undefined);
    await clock.advance(1);
    assert.equal(outcome, "late");
    assert.equal(clock.pending, 0);
  });

  test("waits for the latest of the queries of one id", async () => {
    const clock = new FakeClock();
    const pending = new PendingQueries(clock);
    const first = pending.wait(queryOf(1));
    await clock.advance(1);
    const mixed = hex("0141000001" + "0001");
    const second = pending.wait(queryOf(1, mixed));
    assert.equal(await first, undefined);
    assert.equal(clock.pending, 1);
    assert.equal(pending.settle(CLIENT, answerOf(1), WIRE), true);
    assert.equal(await second, WIRE);
  });

  test("forgets the first query and its timer, when there is one too many", async () => {
    const clock = new FakeClock();
    const pending = new PendingQueries(clock);
    const waiting = Array.from(
      { length: MAX_PENDING_QUERIES },
      (_, id) => pending.wait(queryOf(id)),
    );
    assert.equal(clock.pending, MAX_PENDING_QUERIES);
    waiting.push(pending.wait(queryOf(MAX_PENDING_QUERIES)));
    assert.equal(clock.pending, MAX_PENDING_QUERIES);
    assert.equal(await waiting[0], undefined);
    assert.equal(pending.settle(CLIENT, answerOf(0), WIRE), false);
    assert.equal(pending.settle(CLIENT, answerOf(1), WIRE), true);
    pending.clear();
    assert.equal(clock.pending, 0);
    assert.deepEqual(
      await Promise.all(waiting.slice(1, 3)),
      [WIRE, undefined],
    );
  });
});
