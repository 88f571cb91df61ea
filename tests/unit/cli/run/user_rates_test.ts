import assert from "node:assert/strict";
import { test } from "node:test";
import { NO_RATE } from "../../../../src/admin/operator.ts";
import { UserRates } from "../../../../src/cli/run/user_rates.ts";
import { MIN_RATE_MS } from "../../../../src/limits.ts";
import { Accounts } from "../../../../src/service/server/accounts.ts";
import { FakeClock } from "../../../support/fake_clock.ts";

test("UserRates divides by the time since the last look, however many look", async () => {
  const clock = new FakeClock();
  const accounts = new Accounts([{ name: "alice" }, { name: "bob" }], clock);
  const rates = new UserRates(accounts, clock);
  using alice = accounts.connect("alice", "192.0.2.1");
  rates.look();
  assert.equal(rates.of("alice"), NO_RATE);
  alice.count("up", 500);
  alice.count("down", 4_000);
  await clock.advance(MIN_RATE_MS - 1);
  rates.look();
  assert.equal(rates.of("alice"), NO_RATE);
  await clock.advance(2_000 - MIN_RATE_MS + 1);
  rates.look();
  assert.deepEqual(rates.of("alice"), { up: 250, down: 2_000 });
  assert.equal(rates.of("bob"), NO_RATE);
  await clock.advance(1_000);
  rates.look();
  assert.equal(rates.of("alice"), NO_RATE);
});

test("UserRates knows no negative rate, when counts were cleared", async () => {
  const clock = new FakeClock();
  const accounts = new Accounts([{ name: "alice" }], clock);
  const rates = new UserRates(accounts, clock);
  using alice = accounts.connect("alice", "192.0.2.1");
  alice.count("up", 500);
  rates.look();
  accounts.clear("alice");
  alice.count("up", 100);
  await clock.advance(1_000);
  rates.look();
  assert.deepEqual(rates.of("alice"), { up: 0, down: 0 });
});
