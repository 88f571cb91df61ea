import assert from "node:assert/strict";
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { DatabaseSync } from "node:sqlite";
import { after, test } from "node:test";
import { openSqliteStore } from "../../../../src/adapters/store/sqlite_store.ts";
import { ConfigError, StoreError } from "../../../../src/errors.ts";
import { STORE_COPY_MS, STORE_COUNTS_COPY_MS } from "../../../../src/limits.ts";
import {
  type KeptCounts,
  NO_COUNTS,
  type StoredUser,
  type UserCounts,
  type UserStore,
} from "../../../../src/users.ts";
import { FakeClock } from "../../../support/fake_clock.ts";

const folder = mkdtempSync(join(tmpdir(), "umbra-store-"));
after(() => rmSync(folder, { recursive: true, force: true }));
let made = 0;

const ALICE: StoredUser = {
  server: "8388",
  name: "alice",
  password: "open 'sesame'; --",
  limits: {},
  disabled: false,
};
test("minutes() returns the last ones that addMinute() took, also after it is opened again", () => {
  const path = newPath();
  const minutes = [1, 2, 3, 4].map((n) => ({
    ...{
      unixMs: 1_800_000_000_000 + n * 60_000,
      bytesUp: n,
      bytesDown: 2 ** 45,
    },
    ...{ open: n, refusals: n === 3 ? { ERR_SS_REPLAY: 2 } : {} },
  }));
  {
    using store = openSqliteStore(path);
    assert.deepEqual(store.minutes(9), []);
    for (const minute of minutes) store.addMinute(minute, 3);
    assert.deepEqual(store.minutes(9), minutes.slice(1));
  }
  using store = openSqliteStore(path);
  assert.deepEqual(store.minutes(2), minutes.slice(2));
  assert.deepEqual(store.users(), []);
});

test("users() gives back what put() took, in the order they were made", () => {
  const path = newPath();
  const bob: StoredUser = {
    ...ALICE,
    name: "bob",
    limits: {
      quotaBytes: 50 * 2 ** 40,
      bytesPerSecond: 1,
      maxConnections: 2,
      maxHosts: 3,
      expiresUnixMs: 1_800_000_000_123,
    },
    disabled: true,
  };
  const elsewhere = { ...ALICE, server: "8389" };
  {
    using store = openSqliteStore(path);
    for (const user of [bob, ALICE, elsewhere]) store.put(user);
    assert.deepEqual(store.users(), [bob, ALICE, elsewhere]);
  }
  using store = openSqliteStore(path);
  assert.deepEqual(store.users(), [bob, ALICE, elsewhere]);
});

test("put() replaces everything in the old place, when the name is known", () => {
  using store = openSqliteStore(newPath());
  store.put({ ...ALICE, limits: { quotaBytes: 1 }, disabled: true });
  store.put({ ...ALICE, name: "bob" });
  const changed = { ...ALICE, password: "new", limits: { maxHosts: 2 } };
  store.put(changed);
  assert.deepEqual(store.users(), [changed, { ...ALICE, name: "bob" }]);
});

test("remove() forgets the user and its counts, and no other user's", () => {
  using store = openSqliteStore(newPath());
  store.put(ALICE);
  store.put({ ...ALICE, server: "8389" });
  store.add([counted("8388", "alice"), counted("8389", "alice")]);
  store.remove("8388", "alice");
  store.remove("8388", "nobody");
  assert.deepEqual(store.users().map(({ server }) => server), ["8389"]);
  assert.deepEqual(store.counts(), [counted("8389", "alice")]);
});

test("add() sums every count, and keeps the later time", () => {
  const path = newPath();
  const first: UserCounts = {
    bytesUp: 5_000_000_000_000,
    bytesDown: 2,
    packetsUp: 3,
    packetsDown: 4,
    connections: 5,
    associations: 6,
    lastSeenUnixMs: 1_800_000_000_000,
  };
  const second = { ...first, lastSeenUnixMs: 7 };
  const want: UserCounts = {
    bytesUp: 10_000_000_000_000,
    bytesDown: 4,
    packetsUp: 6,
    packetsDown: 8,
    connections: 10,
    associations: 12,
    lastSeenUnixMs: 1_800_000_000_000,
  };
  const alice = { server: "8388", name: "alice" };
  const all = { server: "8388", name: "" };
  {
    using store = openSqliteStore(path);
    assert.deepEqual(store.add([]), []);
    store.add([{ ...alice, counts: first }]);
    assert.deepEqual(
      store.add([{ ...all, counts: first }, { ...alice, counts: second }]),
      [{ ...all, counts: first }, { ...alice, counts: want }],
    );
  }
  using store = openSqliteStore(path);
  assert.deepEqual(store.counts(), [
    { ...all, counts: first },
    { ...alice, counts: want },
  ]);
});

test("add() adds nothing, when one of the differences is impossible", () => {
  using store = openSqliteStore(newPath());
  const bad = counted("8388", "bob", { bytesUp: 0.5 });
  assert.throws(
    () => store.add([counted("8388", "alice"), bad]),
    (error) =>
      error instanceof StoreError && error.code === "ERR_STORE_OTHER" &&
      /^Cannot add to counts in .*store-/.test(error.message),
  );
  assert.deepEqual(store.counts(), []);
  assert.equal(store.add([counted("8388", "alice")]).length, 1);
});

test("clear() forgets the counts of one user, or of a server", () => {
  using store = openSqliteStore(newPath());
  const everybody = [
    counted("1", "a"),
    counted("1", "b"),
    counted("1", "c"),
    counted("2", "a"),
  ];
  store.put({ ...ALICE, server: "1", name: "a" });
  store.add(everybody);
  store.clear("1", "a");
  assert.deepEqual(store.counts(), everybody.slice(1));
  store.clear("1");
  assert.deepEqual(store.counts(), everybody.slice(3));
  assert.equal(store.users().length, 1);
});

test("two stores of one file see and add to the same counts", () => {
  const path = newPath();
  using one = openSqliteStore(path);
  using two = openSqliteStore(path);
  one.put(ALICE);
  assert.deepEqual(two.users(), [ALICE]);
  one.add([counted("8388", "alice", { bytesUp: 3 })]);
  const [sum] = two.add([counted("8388", "alice", { bytesUp: 4 })]);
  assert.equal(sum!.counts.bytesUp, 7);
});

test("a store is for its owner alone, also one that was not", () => {
  if (process.platform === "win32") return;
  const path = newPath();
  const modes = (): number[] =>
    ["", "-wal", "-shm"].map((end) => statSync(path + end).mode & 0o777);
  const mask = process.umask(0);
  try {
    using store = openSqliteStore(path);
    store.put(ALICE);
    assert.deepEqual(modes(), [0o600, 0o600, 0o600]);
  } finally {
    process.umask(mask);
  }
  chmodSync(path, 0o644);
  using store = openSqliteStore(path);
  store.put(ALICE);
  assert.deepEqual(modes(), [0o600, 0o600, 0o600]);
});

test("dispose is idempotent and leaves one file", () => {
  const path = newPath();
  const store = openSqliteStore(path);
  store.put(ALICE);
  store[Symbol.dispose]();
  store[Symbol.dispose]();
  assert.ok(!existsSync(`${path}-wal`));
  assert.throws(() => store.users(), StoreError);
});

test("add() says busy and changes nothing, when another keeps the lock", () => {
  const path = newPath();
  using store = openSqliteStore(path);
  const other = new DatabaseSync(path);
  try {
    other.exec("BEGIN IMMEDIATE");
    assert.throws(
      () => store.add([counted("8388", "alice")]),
      (error) => error instanceof StoreError && error.code === "ERR_STORE_BUSY",
    );
    other.exec("ROLLBACK");
  } finally {
    other.close();
  }
  assert.deepEqual(store.counts(), []);
  assert.equal(store.add([counted("8388", "alice")]).length, 1);
});

test("openSqliteStore() refuses a newer version, and leaves it as it is", () => {
  const path = newPath();
  openSqliteStore(path)[Symbol.dispose]();
  const database = new DatabaseSync(path);
  database.exec("PRAGMA user_version = 99");
  database.close();
  const before = readFileSync(path);
  refuses(path, /newer version \(schema 99, known up to \d+\)/);
  assert.deepEqual(readFileSync(path), before);
});

test("openSqliteStore() refuses the database of another program, and leaves it as it is", () => {
  const path = newPath();
  const database = new DatabaseSync(path);
  database.exec("CREATE TABLE users (name TEXT)");
  database.close();
  chmodSync(path, 0o644);
  const before = readFileSync(path);
  refuses(path, /another program; give another file/);
  assert.deepEqual(readFileSync(path), before);
  assert.equal(statSync(path).mode & 0o777, 0o644);
});

test("openSqliteStore() refuses what is no database, and leaves it as it is", () => {
  const path = newPath();
  const text = '{ "server_port": 8388 }\n'.repeat(100);
  writeFileSync(path, text);
  refuses(path, /is not a database; give another file/);
  assert.equal(readFileSync(path, "utf8"), text);
});

test("openSqliteStore() says what to do, when the place is wrong", () => {
  const path = newPath();
  refuses(join(path, "store"), /the folder does not exist; create it first/);
  mkdirSync(path);
  refuses(path, /the path is a folder; give a file in it/);
});

test("a store says so, when its file is deleted or replaced", () => {
  const path = newPath();
  using store = openSqliteStore(path);
  store.put(ALICE);
  const isGone = { code: "ERR_STORE_GONE", name: "StoreError" };
  renameSync(path, `${path}-elsewhere`);
  assert.throws(() => store.put({ ...ALICE, name: "bob" }), isGone);
  assert.throws(() => store.add([counted("8388", "alice")]), isGone);
  writeFileSync(path, "");
  assert.throws(() => store.remove("8388", "alice"), isGone);
  renameSync(`${path}-elsewhere`, path);
  store.put({ ...ALICE, name: "carol" });
  assert.deepEqual(store.users().map(({ name }) => name), ["alice", "carol"]);
});

test("openSqliteStore() says how many users are lost, and restores them as it says", () => {
  const path = newPath();
  {
    using store = openSqliteStore(path);
    putUsers(store, 60);
  }
  const small = newPath();
  {
    using store = openSqliteStore(small);
    putUsers(store, 27);
  }
  copyFileSync(small, path);
  refuses(path, /only 27 of 60 users are left .*; move .*-copy of \d{4}-/);
  restore(path);
  using store = openSqliteStore(path);
  assert.equal(store.users().length, 60);
});

test("openSqliteStore() goes on with the users that are left, when the count is removed", () => {
  const path = newPath();
  {
    using store = openSqliteStore(path);
    putUsers(store, 3);
  }
  writeFileSync(path, "");
  refuses(
    path,
    /only 0 of 3 users are left \(to go on with them, remove .*-count alone\); /,
  );
  rmSync(`${path}-count`);
  using store = openSqliteStore(path);
  assert.deepEqual(store.users(), []);
});

test("openSqliteStore() says so, when a part of its log is lost", () => {
  const path = newPath();
  const stopped = newPath();
  {
    using store = openSqliteStore(path);
    putUsers(store, 60);
    // As kill -9 leaves it, and a disk that lost half.
    copyFileSync(path, stopped);
    copyFileSync(`${path}-count`, `${stopped}-count`);
    const log = readFileSync(`${path}-wal`);
    log.fill(0, log.length >>> 1);
    writeFileSync(`${stopped}-wal`, log);
  }
  refuses(
    stopped,
    /only [1-5]?\d of (59|60) users are left .*; restore a backup/,
  );
});

test("openSqliteStore() says so, when any page is damaged, and restores it as it says", () => {
  const whole = newPath();
  {
    using store = openSqliteStore(whole);
    putUsers(store, 60);
  }
  const bytes = readFileSync(whole);
  assert.ok(bytes.length >= 8 * 4_096);
  for (let start = 0; start < bytes.length; start += 4_096) {
    const path = newPath();
    for (const end of ["-copy", "-count"]) {
      copyFileSync(whole + end, path + end);
    }
    writeFileSync(
      path,
      bytes.map((byte, i) => i >>> 12 === start >>> 12 ? 0 : byte),
    );
    refuses(path, /(damaged|users are left|tables).*; move .*-copy of /);
    restore(path);
    using store = openSqliteStore(path);
    assert.equal(store.users().length, 60, `page at ${start}`);
  }
});

test("openSqliteStore() loses no count, however often users come and go", () => {
  const path = newPath();
  for (let round = 0; round < 3; round++) {
    using one = openSqliteStore(path);
    using two = openSqliteStore(path);
    putUsers(one, 5);
    for (let i = 0; i < 4; i++) two.remove("8388", `user-${i}`);
    one.put({ ...ALICE, name: "user-4", disabled: true });
  }
  using store = openSqliteStore(path);
  assert.equal(store.users().length, 1);
});

for (
  const [what, overwrite] of [
    ["garbage", (path: string) => writeFileSync(path, "x".repeat(20_000))],
    ["nothing", (path: string) => writeFileSync(path, "")],
    ["its beginning", (path: string) => truncateSync(path, 8_192)],
    ["another store", (path: string) => {
      const other = newPath();
      openSqliteStore(other)[Symbol.dispose]();
      copyFileSync(other, path);
    }],
  ] as const
) {
  test(`a store changes nothing more, when its file was overwritten with ${what}`, async () => {
    const path = newPath();
    const clock = new FakeClock();
    {
      using store = openSqliteStore(path);
      putUsers(store, 60);
    }
    const lines: string[] = [];
    {
      using store = openSqliteStore(path, {
        clock,
        logger: { enabled: () => true, log: (_, line) => lines.push(line) },
      });
      store.put(ALICE);
      overwrite(path);
      const isDamaged = { code: "ERR_STORE_DAMAGED", name: "StoreError" };
      for (let i = 0; i < 2; i++) {
        assert.throws(() => store.put({ ...ALICE, name: "bob" }), isDamaged);
        assert.throws(() => store.add([counted("8388", "alice")]), isDamaged);
      }
      await clock.advance(STORE_COPY_MS);
      assert.deepEqual(lines, ["cannot keep a copy of the store"]);
    }
    restore(path);
    using store = openSqliteStore(path);
    assert.equal(store.users().length, 60, "the good copy was kept");
  });
}

test("a store goes on, when another process has moved its log into the file", () => {
  const path = newPath();
  using store = openSqliteStore(path);
  putUsers(store, 3);
  const other = new DatabaseSync(path);
  other.exec("PRAGMA wal_checkpoint(RESTART)");
  other.close();
  store.put(ALICE);
  assert.equal(store.users().length, 4);
});

test("a store is copied some time after a change, for its owner alone", async () => {
  const path = newPath();
  const clock = new FakeClock();
  using store = openSqliteStore(path, { clock });
  store.put(ALICE);
  await clock.advance(STORE_COPY_MS / 2);
  store.put({ ...ALICE, name: "bob" });
  assert.ok(!existsSync(`${path}-copy`));
  await clock.advance(STORE_COPY_MS / 2);
  const before = statSync(`${path}-copy`);
  assert.equal(before.mode & 0o777, 0o600);
  assert.equal(usersIn(`${path}-copy`), 2);
  store.add([counted("8388", "alice")]);
  await clock.advance(STORE_COPY_MS);
  assert.equal(statSync(`${path}-copy`).ino, before.ino);
  await clock.advance(STORE_COUNTS_COPY_MS);
  assert.notEqual(statSync(`${path}-copy`).ino, before.ino);
  assert.ok(!existsSync(`${path}-copy-next`));
});

test("openSqliteStore() takes a path for a path, when SQLite would not", () => {
  const before = process.cwd();
  process.chdir(folder);
  try {
    openSqliteStore(":memory:")[Symbol.dispose]();
  } finally {
    process.chdir(before);
  }
  assert.ok(existsSync(join(folder, ":memory:")));
});

function newPath(): string {
  return join(folder, `store-${made++}`);
}

function putUsers(store: UserStore, count: number): void {
  for (let i = 0; i < count; i++) {
    const password = "x".repeat(200);
    store.put({ ...ALICE, name: `user-${i}`, password });
  }
}

/** What the message tells the operator to do. */
function restore(path: string): void {
  renameSync(`${path}-copy`, path);
  for (const end of ["-wal", "-shm", "-count"]) {
    rmSync(path + end, { force: true });
  }
}

function usersIn(path: string): number {
  const database = new DatabaseSync(path);
  try {
    return database.prepare("SELECT * FROM users").all().length;
  } finally {
    database.close();
  }
}

function counted(
  server: string,
  name: string,
  counts: Partial<UserCounts> = { bytesUp: 1 },
): KeptCounts {
  return { server, name, counts: { ...NO_COUNTS, ...counts } };
}

function refuses(path: string, reason: RegExp): void {
  assert.throws(() => openSqliteStore(path), (error) => {
    assert.ok(error instanceof ConfigError, String(error));
    assert.equal(error.code, "ERR_CONFIG_STORE");
    assert.ok(error.message.startsWith(`Cannot open the store ${path}: `));
    assert.match(error.message, reason);
    return true;
  });
}

test("write() keeps entries all or none, and entries() finds them by prefix", () => {
  const file = newPath();
  {
    using store = openSqliteStore(file);
    store.write([["a/2", "two"], ["a/1", "one"], ["b/1", "other"], ["%", "x"]]);
    store.write([["a/1", "changed"], ["a/2", undefined], ["a/3", "three"]]);
    const failing = (function* (): Generator<[string, string]> {
      yield ["a/4", "four"];
      throw new Error("no more");
    })();
    assert.throws(() => store.write(failing));
  }
  using store = openSqliteStore(file);
  assert.deepEqual(store.entries("a/"), [["a/1", "changed"], ["a/3", "three"]]);
  assert.deepEqual(store.entries("%"), [["%", "x"]]);
  assert.equal(store.entries("").length, 4);
  assert.deepEqual(store.users(), []);
});
