import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { MAX_LISTED_HOSTS, RATE_BURST_MS } from "../../../../src/limits.ts";
import { Account } from "../../../../src/service/server/account.ts";
import { NO_COUNTS, type UserLimits } from "../../../../src/users.ts";
import { FakeClock } from "../../../support/fake_clock.ts";

function accountOf(
  limits: UserLimits = {},
): { account: Account; clock: FakeClock } {
  const clock = new FakeClock();
  return { account: new Account({ name: "alice", limits }, clock), clock };
}

describe("Account", () => {
  test("count() lets what came after a pause pass at once, and no byte more", async () => {
    const bytesPerSecond = 10_000;
    const burst = bytesPerSecond * RATE_BURST_MS / 1_000;
    const { account, clock } = accountOf({ bytesPerSecond });
    await clock.advance(RATE_BURST_MS);
    const visit = account.connect("10.0.0.1", "tcp");
    assert.equal(visit.count("up", burst), 0);
    assert.equal(visit.count("down", burst), 0);
    assert.equal(visit.count("up", bytesPerSecond / 1_000), 1);
  });

  test("count() lets a quota be used to its last byte, and no byte more", () => {
    const { account } = accountOf({ quotaBytes: 100 });
    const visit = account.connect("10.0.0.1", "tcp");
    visit.count("up", 99);
    assert.throws(() => visit.count("down", 2), {
      code: "ERR_POLICY_USER_QUOTA",
    });
    visit.count("down", 1);
    assert.throws(() => visit.count("up", 1), {
      code: "ERR_POLICY_USER_QUOTA",
    });
    const { bytesUp, bytesDown } = account.usage();
    assert.deepEqual([bytesUp, bytesDown], [99, 1]);
  });

  test("usage() tells that a quota is spent, until it is cleared or another", () => {
    const { account } = accountOf({ quotaBytes: 100 });
    const visit = account.connect("10.0.0.1", "tcp");
    visit.count("down", 91);
    assert.equal(account.usage().quotaSpent, undefined);
    assert.throws(() => visit.count("down", 10));
    assert.equal(account.usage().quotaSpent, true);
    account.set({ name: "alice", limits: { quotaBytes: 200 } });
    assert.equal(account.usage().quotaSpent, undefined);
    assert.throws(() => visit.count("down", 200));
    assert.equal(account.usage().quotaSpent, true);
    account.restore(NO_COUNTS);
    assert.equal(account.usage().quotaSpent, undefined);
  });

  test("connect() refuses who has expired, from that millisecond on", async () => {
    const { account, clock } = accountOf({
      expiresUnixMs: new FakeClock().unixMs() + 10,
    });
    await clock.advance(9);
    account.connect("10.0.0.1", "udp")[Symbol.dispose]();
    await clock.advance(1);
    assert.throws(() => account.connect("10.0.0.1", "udp"), {
      code: "ERR_POLICY_USER_EXPIRED",
    });
  });

  test("usage() lists the addresses that came last, and no more than so many", () => {
    const { account } = accountOf();
    for (let i = 0; i <= MAX_LISTED_HOSTS; i++) account.connect(`${i}`, "tcp");
    const { hosts, open } = account.usage();
    assert.equal(open, MAX_LISTED_HOSTS + 1);
    assert.equal(hosts.length, MAX_LISTED_HOSTS);
    assert.equal(hosts[0], "1");
  });
});
