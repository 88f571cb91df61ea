import assert from "node:assert/strict";
import { test } from "node:test";
import { Ledger } from "../../../../src/cli/run/ledger.ts";
import { silentLogger } from "../../../../src/observe.ts";
import { Accounts } from "../../../../src/service/server/accounts.ts";
import {
  type KeptCounts,
  NO_COUNTS,
  type UserStore,
} from "../../../../src/users.ts";
import { FakeClock } from "../../../support/fake_clock.ts";

/** Counts in memory; tells what it was asked. */
class MemoryCounts {
  readonly rows: KeptCounts[] = [];
  readonly added: string[][] = [];
  fails = false;

  counts(server?: string, name?: string): KeptCounts[] {
    return this.rows.filter((row) =>
      row.server === server && (name === undefined || row.name === name)
    );
  }

  add(differences: readonly KeptCounts[]): KeptCounts[] {
    this.added.push(differences.map(({ name }) => name).sort());
    if (this.fails) throw new Error("disk full");
    return differences.map(({ server, name, counts }) => {
      const [row] = this.counts(server, name);
      const bytesUp = (row?.counts.bytesUp ?? 0) + counts.bytesUp;
      const sum = { server, name, counts: { ...counts, bytesUp } };
      if (row !== undefined) this.rows.splice(this.rows.indexOf(row), 1);
      this.rows.push(sum);
      return sum;
    });
  }
}

function scene(names: readonly string[]): {
  readonly store: MemoryCounts;
  readonly accounts: Accounts;
  readonly ledger: Ledger;
} {
  const store = new MemoryCounts();
  const users = names.map((name) => ({ name }));
  const accounts = new Accounts(users, new FakeClock());
  const ledger = new Ledger(store as unknown as UserStore, silentLogger);
  return { store, accounts, ledger };
}

test("flush() writes the counts of those who moved, and of no others", () => {
  const { store, accounts, ledger } = scene(["alice", "bob", "carol"]);
  ledger.attach("1", accounts);
  using alice = accounts.connect("alice", "192.0.2.1");
  alice.count("up", 5);
  ledger.flush();
  ledger.flush();
  using bob = accounts.connect("bob", "192.0.2.1");
  bob.count("up", 7);
  ledger.flush();
  assert.deepEqual(store.added, [["", "alice"], ["", "bob"]]);
  assert.equal(store.counts("1", "alice")[0]!.counts.bytesUp, 5);
  assert.equal(store.counts("1", "")[0]!.counts.bytesUp, 12);
});

test("flush() keeps for the next time what the store did not take", () => {
  const { store, accounts, ledger } = scene(["alice"]);
  ledger.attach("1", accounts);
  using alice = accounts.connect("alice", "192.0.2.1");
  alice.count("up", 5);
  store.fails = true;
  ledger.flush();
  store.fails = false;
  ledger.flush();
  assert.equal(store.counts("1", "alice")[0]!.counts.bytesUp, 5);
});

test("attachUser() gives back what a user had before, once", () => {
  const { store, accounts, ledger } = scene([]);
  const counts = { ...NO_COUNTS, bytesUp: 40 };
  store.rows.push({ server: "1", name: "alice", counts });
  ledger.attach("1", accounts);
  accounts.put({ name: "alice" });
  ledger.attachUser("1", "alice");
  ledger.attachUser("1", "alice");
  ledger.attach("1", accounts);
  assert.equal(accounts.usage("alice").bytesUp, 40);
  using alice = accounts.connect("alice", "192.0.2.1");
  alice.count("up", 2);
  ledger.flush();
  assert.equal(store.counts("1", "alice")[0]!.counts.bytesUp, 42);
});
