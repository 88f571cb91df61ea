import assert from "node:assert/strict";
import { test } from "node:test";
import type { LimitedUser } from "../../../../src/service/server/account.ts";
import { Accounts } from "../../../../src/service/server/accounts.ts";
import { NO_COUNTS, NO_USAGE } from "../../../../src/users.ts";
import { FakeClock } from "../../../support/fake_clock.ts";

const USERS: readonly LimitedUser[] = [{ name: "alice" }, { name: "bob" }, {
  name: "carol",
}];

test("follow() tells each follower whose numbers have changed, once", () => {
  const accounts = new Accounts(USERS, new FakeClock());
  const [one, other] = [accounts.follow(), accounts.follow()];
  using alice = accounts.connect("alice", "192.0.2.1");
  assert.deepEqual([...one.take()].sort(), ["", "alice"]);
  assert.deepEqual([...one.take()], []);
  alice.count("up", 5);
  alice.count("down", 5);
  assert.deepEqual([...one.take()].sort(), ["", "alice"]);
  using _bob = accounts.connect("bob", "192.0.2.2", "udp");
  assert.deepEqual([...other.take()].sort(), ["", "alice", "bob"]);
  assert.deepEqual([...one.take()].sort(), ["", "bob"]);
});

test("a datagram without payload changes numbers too", () => {
  const accounts = new Accounts(USERS, new FakeClock());
  const follower = accounts.follow();
  using alice = accounts.connect("alice", "192.0.2.1", "udp");
  follower.take();
  alice.count("up", 0);
  assert.deepEqual([...follower.take()].sort(), ["", "alice"]);
  assert.equal(accounts.usage("alice").packetsUp, 1);
});

test("put() and remove() change one user and leave the others alone", () => {
  const accounts = new Accounts(USERS, new FakeClock());
  using alice = accounts.connect("alice", "192.0.2.1");
  using bob = accounts.connect("bob", "192.0.2.2");
  accounts.put({ name: "alice", limits: { quotaBytes: 5 } });
  accounts.put({ name: "dave" });
  assert.deepEqual([...accounts.users].map(({ name }) => name), [
    ...["alice", "bob", "carol", "dave"],
  ]);
  assert.throws(() => alice.count("up", 6), { code: "ERR_POLICY_USER_QUOTA" });
  accounts.remove("alice");
  assert.equal(alice.signal!.aborted, true);
  assert.equal(bob.signal!.aborted, false);
  assert.equal(accounts.size, 3);
  assert.equal(accounts.user("alice"), undefined);
  assert.throws(() => accounts.connect("alice", "192.0.2.1"), {
    code: "ERR_POLICY_USER_DISABLED",
  });
});

test("usage() of who was never here is nothing, and costs nothing", () => {
  const accounts = new Accounts(USERS, new FakeClock());
  assert.equal(accounts.usage("alice"), NO_USAGE);
  accounts.restore("alice", { ...NO_COUNTS, bytesUp: 7 });
  assert.equal(accounts.usage("alice").bytesUp, 7);
  accounts.clearAll();
  assert.equal(accounts.usage("alice").bytesUp, 0);
});
