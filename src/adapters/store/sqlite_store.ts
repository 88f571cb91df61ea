/**
 * Users and counts in one SQLite file, with the `node:sqlite` of Deno and Bun.
 *
 * Secrets: passwords are stored as plain text, because a Shadowsocks password
 * is the key itself. Only the owner may access the file (mode 0600; SQLite
 * gives its `-wal` and `-shm` files the same mode), and the same must apply to
 * every copy.
 *
 * Losses: a change is on the disk when its method returns (write-ahead log,
 * `synchronous=FULL`). Neither kill -9 nor a power loss reverts it, provided
 * the disk flushes its cache. Data that was not yet passed to the store, such
 * as the counts since the caller's last `add`, may be lost.
 *
 * Damage: the file is checked when it is opened, and before a change if another
 * process has written to it. Beside it are `FILE-copy`, the last intact copy,
 * and `FILE-count`, the number of users.
 *
 * Sharing: any number of processes of one machine; not over a network file
 * system. Calls block the process: a write takes about a millisecond and the
 * flush of the disk, and at most {@link BUSY_MS} more while other processes
 * write.
 *
 * @module
 */
import {
  type BigIntStats,
  chmodSync,
  closeSync,
  openSync,
  statSync,
} from "node:fs";
import { resolve } from "node:path";
import process from "node:process";
import type { DatabaseSync, SQLInputValue } from "node:sqlite";
import {
  type KeptCounts,
  STANDINGS,
  type StoredUser,
  type UserCounts,
  type UserLimits,
  type UserStore,
} from "../../users.ts";
import type { Minute, MinuteStore } from "../../minutes.ts";
import { type Clock, systemClock } from "../../clock.ts";
import { ConfigError, messageOf, StoreError } from "../../errors.ts";
import type { MemoryPage, NodeMemory } from "../../fleet.ts";
import { STORE_COPY_MS, STORE_COUNTS_COPY_MS } from "../../limits.ts";
import type { Logger } from "../../observe.ts";
import {
  copyOf,
  countUsers,
  findLoss,
  keepUserCount,
  restoreAdvice,
  writeCopy,
} from "./_sqlite_copy.ts";
import {
  isBusy,
  isDamage,
  toOpenError,
  toStoreError,
} from "./_sqlite_errors.ts";
import { prepareSchema } from "./_sqlite_schema.ts";

/** Milliseconds to wait for another process that writes. */
const BUSY_MS = 2_000;

/** Milliseconds between attempts where SQLite itself does not wait. */
const RETRY_MS = 10;

/** The owner may read and write. */
const MODE = 0o600;

/** The options of a store. */
export interface StoreOptions {
  /** Logs that no copy can be kept; default: no log. */
  readonly logger?: Logger | undefined;
  /** Default: the system's clock. */
  readonly clock?: Clock | undefined;
}

/**
 * Opens the store, or creates it.
 *
 * `node:sqlite` is loaded at the first call. Deno needs `--allow-read` and
 * `--allow-write` for the file, its `-copy` and its `-count`, but not for its
 * `-wal` and `-shm`.
 *
 * @param path The file; its folder must exist and be writable.
 * @throws {ConfigError} `ERR_CONFIG_STORE` if the file cannot be opened, is of
 * another program or a newer version, is damaged, or has lost users.
 */
export function openSqliteStore(
  path: string,
  options: StoreOptions = {},
): UserStore & MinuteStore & NodeMemory {
  // An absolute path, so that ":memory:" and "file:" URLs have no special
  // meaning.
  const file = resolve(path);
  try {
    createPrivately(file);
    const database = open(file);
    try {
      transaction(database, () => {
        prepareSchema(database);
        const loss = findLoss(database, file);
        if (loss !== undefined) throw lossAtStart(loss, file);
      });
      // The file is now known to be a store, and may be changed.
      useWriteAheadLog(database);
      database.prepare("PRAGMA synchronous = FULL").run();
      restrict(file);
    } catch (error) {
      database.close();
      throw error;
    }
    return new SqliteStore(database, file, options);
  } catch (error) {
    const wasOurs = isDamage(error) && statOf(copyOf(file)) !== undefined;
    throw toOpenError(
      wasOurs ? lossAtStart("it is damaged or overwritten", file) : error,
      file,
    );
  }
}

function open(file: string): DatabaseSync {
  const sqlite = process.getBuiltinModule("node:sqlite");
  return new sqlite.DatabaseSync(file, { timeout: BUSY_MS });
}

function lossAtStart(loss: string, file: string): ConfigError {
  return new ConfigError(
    "ERR_CONFIG_STORE",
    `${loss}; ${restoreAdvice(file)}`,
  );
}

/**
 * Creates the file for the owner only; SQLite would make it readable for
 * everyone.
 */
function createPrivately(file: string): void {
  closeSync(openSync(file, "a", MODE));
}

/**
 * Restricts the file. SQLite gives its other files the mode of the first file
 * at their creation.
 */
function restrict(file: string): void {
  if (process.platform === "win32") return;
  for (const path of [file, `${file}-wal`, `${file}-shm`]) {
    const found = statSync(path, { throwIfNoEntry: false });
    if (found && (found.mode & 0o777) !== MODE) chmodSync(path, MODE);
  }
}

/**
 * Turns on the write-ahead log, with retries: SQLite does not wait if two
 * processes do this with a new file at the same time.
 */
function useWriteAheadLog(database: DatabaseSync): void {
  const pause = new Int32Array(new SharedArrayBuffer(4));
  for (let left = BUSY_MS / RETRY_MS;; left--) {
    try {
      database.prepare("PRAGMA journal_mode = WAL").get();
      return;
    } catch (error) {
      if (left <= 0 || !isBusy(error)) throw error;
      Atomics.wait(pause, 0, 0, RETRY_MS);
    }
  }
}

/**
 * Runs an action completely or not at all. A write takes the lock first, so
 * that it cannot fail late. `DEFERRED` is sufficient to read, and does not
 * block writers.
 */
function transaction<T>(
  database: DatabaseSync,
  action: () => T,
  kind: "IMMEDIATE" | "DEFERRED" = "IMMEDIATE",
): T {
  database.prepare(`BEGIN ${kind}`).run();
  try {
    const result = action();
    database.prepare("COMMIT").run();
    return result;
  } catch (error) {
    // SQLite has already rolled back after a full disk.
    if (database.isTransaction) database.prepare("ROLLBACK").run();
    throw error;
  }
}

type Row = Record<string, string | number | null>;

/** Column of each limit. The type makes the compiler report a missing one. */
const LIMITS: Readonly<Record<keyof UserLimits, string>> = {
  quotaBytes: "quota_bytes",
  bytesPerSecond: "bytes_per_second",
  maxConnections: "max_connections",
  maxHosts: "max_hosts",
  expiresUnixMs: "expires_unix_ms",
};

/** Column of each count. */
const COUNTS: Readonly<Record<keyof UserCounts, string>> = {
  bytesUp: "bytes_up",
  bytesDown: "bytes_down",
  packetsUp: "packets_up",
  packetsDown: "packets_down",
  connections: "connections",
  associations: "associations",
  lastSeenUnixMs: "last_seen_unix_ms",
};

const LIMIT_KEYS = Object.keys(LIMITS) as (keyof UserLimits)[];
const COUNT_KEYS = Object.keys(COUNTS) as (keyof UserCounts)[];

const USER_COLUMNS = [
  ...["password", "disabled", "standing"],
  ...Object.values(LIMITS),
];
const PUT = `INSERT INTO users (server, name, ${USER_COLUMNS.join(", ")}) ` +
  `VALUES (?, ?${", ?".repeat(USER_COLUMNS.length)}) ` +
  "ON CONFLICT (server, name) DO UPDATE SET " +
  USER_COLUMNS.map((column) => `${column} = excluded.${column}`).join(", ");

const COUNT_COLUMNS = Object.values(COUNTS);
const ADD = `INSERT INTO counts (server, name, ${COUNT_COLUMNS.join(", ")}) ` +
  `VALUES (?, ?${", ?".repeat(COUNT_COLUMNS.length)}) ` +
  "ON CONFLICT (server, name) DO UPDATE SET " +
  COUNT_COLUMNS.map((column) => `${column} = ${sum(column)}`).join(", ") +
  " RETURNING *";

function sum(column: string): string {
  return column === COUNTS.lastSeenUnixMs
    ? `max(${column}, excluded.${column})`
    : `${column} + excluded.${column}`;
}

class SqliteStore implements UserStore, MinuteStore, NodeMemory {
  readonly #database: DatabaseSync;
  readonly #file: string;
  readonly #logger: Logger | undefined;
  readonly #clock: Clock;
  /** Inodes of file and log, to detect that they were replaced. */
  readonly #inodes: string;
  /** The state of the file when it was last known to be intact. */
  #look: string;
  #cancelCopy: (() => void) | undefined;
  #copyAtMs = Infinity;

  constructor(
    database: DatabaseSync,
    file: string,
    { logger, clock = systemClock }: StoreOptions,
  ) {
    this.#database = database;
    this.#file = file;
    this.#logger = logger;
    this.#clock = clock;
    // Reading creates the log.
    const hasUsers = countUsers(database) > 0;
    this.#inodes = inodesOf(file);
    this.#look = lookOf(file);
    if (hasUsers && statOf(copyOf(file)) === undefined) {
      this.#copyWithin(STORE_COPY_MS);
    }
  }

  users(): StoredUser[] {
    return this.#run(
      "read users",
      () => this.#all("SELECT * FROM users ORDER BY id").map(toUser),
    );
  }

  put({ server, name, standing = "made", ...user }: StoredUser): void {
    const { password, limits, disabled } = user;
    const values = LIMIT_KEYS.map((key) => limits[key] ?? null);
    this.#changeUsers("keep a user", () => {
      this.#all(
        PUT,
        ...[server, name, password, disabled ? 1 : 0, standing],
        ...values,
      );
    });
  }

  remove(server: string, name: string): void {
    this.#changeUsers("forget a user", () => {
      for (const table of ["users", "counts"]) {
        this.#forget(table, server, name);
      }
    });
  }

  counts(server?: string, name?: string): KeptCounts[] {
    const given = { server, name };
    const wanted = Object.entries(given).filter(([, one]) => one !== undefined);
    const where = wanted.map(([column]) => `${column} = ?`).join(" AND ");
    return this.#run("read counts", () =>
      this.#all(
        `SELECT * FROM counts${where && ` WHERE ${where}`}`,
        ...wanted.map(([, one]) => one!),
      ).map(toCounts));
  }

  minutes(count: number): Minute[] {
    return this.#run(
      "read minutes",
      () =>
        this.#all("SELECT * FROM minutes ORDER BY id DESC LIMIT ?", count)
          .reverse().map(toMinute),
    );
  }

  addMinute(minute: Minute, count: number): void {
    const { unixMs, bytesUp, bytesDown, open, refusals } = minute;
    this.#write("keep a minute", () => {
      this.#all(
        "INSERT INTO minutes (unix_ms, bytes_up, bytes_down, open, refusals) " +
          "VALUES (?, ?, ?, ?, ?)",
        ...[unixMs, bytesUp, bytesDown, open, JSON.stringify(refusals)],
      );
      this.#all(
        "DELETE FROM minutes WHERE id <= (SELECT max(id) FROM minutes) - ?",
        count,
      );
    });
  }

  add(differences: readonly KeptCounts[]): KeptCounts[] {
    if (differences.length === 0) return [];
    const sums = this.#write("add to counts", () => {
      const statement = this.#database.prepare(ADD);
      return differences.map(({ server, name, counts }) => {
        const values = COUNT_KEYS.map((key) => counts[key]);
        return toCounts(statement.get(server, name, ...values) as Row);
      });
    });
    this.#copyWithin(STORE_COUNTS_COPY_MS);
    return sums;
  }

  clear(server: string, name?: string): void {
    this.#write("clear counts", () => {
      if (name === undefined) {
        this.#all("DELETE FROM counts WHERE server = ?", server);
      } else {
        this.#forget("counts", server, name);
      }
    });
  }

  entries(prefix: string, page?: MemoryPage): [key: string, value: string][] {
    return this.#run("read the state of the node", () =>
      this.#all(
        "SELECT key, value FROM node_memory WHERE key > ? AND " +
          "substr(key, 1, ?) = ? ORDER BY key LIMIT ?",
        page?.after ?? "",
        [...prefix].length,
        prefix,
        page?.count ?? -1,
      ).map(({ key, value }) => [key as string, value as string]));
  }

  write(changes: Iterable<readonly [string, string | undefined]>): void {
    this.#write("keep the state of the node", () => {
      const put = this.#database.prepare(
        "INSERT INTO node_memory (key, value) VALUES (?, ?) " +
          "ON CONFLICT (key) DO UPDATE SET value = excluded.value",
      );
      const remove = this.#database.prepare(
        "DELETE FROM node_memory WHERE key = ?",
      );
      for (const [key, value] of changes) {
        if (value === undefined) remove.run(key);
        else put.run(key, value);
      }
    });
  }

  /** Idempotent. The last process to close removes the log. */
  [Symbol.dispose](): void {
    if (this.#cancelCopy !== undefined) this.#copy();
    // Another process is making a copy.
    this.#cancelCopy?.();
    this.#cancelCopy = undefined;
    if (this.#database.isOpen) this.#database.close();
  }

  /**
   * Changes users so that the written number is never higher than the number of
   * users, even after a kill.
   */
  #changeUsers(what: string, action: () => void): void {
    this.#write(what, () => {
      const before = countUsers(this.#database);
      action();
      const after = countUsers(this.#database);
      keepUserCount(this.#file, Math.min(before, after));
    });
    this.#copyWithin(STORE_COPY_MS);
  }

  #copyWithin(delayMs: number): void {
    const atMs = this.#clock.monotonicMs() + delayMs;
    if (atMs >= this.#copyAtMs) return;
    this.#cancelCopy?.();
    this.#copyAtMs = atMs;
    this.#cancelCopy = this.#clock.schedule(() => this.#copy(), delayMs);
  }

  #copy(): void {
    this.#cancelCopy?.();
    this.#cancelCopy = undefined;
    this.#copyAtMs = Infinity;
    try {
      this.#checkInodes("keep a copy");
      const isDone = this.#examine(
        "keep a copy",
        (database) => writeCopy(database, this.#file, open),
      );
      if (!isDone) this.#copyWithin(STORE_COPY_MS);
      transaction(this.#database, () => {
        keepUserCount(this.#file, countUsers(this.#database));
      });
    } catch (error) {
      this.#logger?.log("error", "cannot keep a copy of the store", {
        reason: messageOf(error),
      });
    }
  }

  #write<T>(what: string, action: () => T): T {
    this.#checkInodes(what);
    const look = lookOf(this.#file);
    if (look !== this.#look) {
      this.#examine(what, () => {});
      this.#look = look;
    }
    return this.#run(what, () => transaction(this.#database, action));
  }

  /**
   * Checks that the file still has its name: SQLite would continue to write to
   * a deleted file.
   */
  #checkInodes(what: string): void {
    if (inodesOf(this.#file) === this.#inodes) return;
    throw new StoreError(
      "ERR_STORE_GONE",
      `Cannot ${what} in ${this.#file}: the file was deleted or replaced; restore ` +
        "it, or start without it",
    );
  }

  /**
   * Examines the content on the disk; the open connection would read from its
   * memory.
   *
   * @throws {StoreError} `ERR_STORE_DAMAGED` if something is lost.
   */
  #examine<T>(what: string, action: (database: DatabaseSync) => T): T {
    type Examined = { readonly loss: string } | { readonly result: T };
    const examined = this.#run(what, (): Examined => {
      // SQLite would treat an empty file as new, and wait for its lock.
      if (statOf(this.#file)?.size === 0n) return { loss: "it is empty" };
      const database = open(this.#file);
      try {
        const examine = (): Examined => {
          const loss = findLoss(database, this.#file);
          return loss === undefined ? { result: action(database) } : { loss };
        };
        const seen = transaction(database, examine, "DEFERRED");
        // Another process may have changed number and users between the two
        // reads.
        return "loss" in seen ? transaction(database, examine) : seen;
      } finally {
        database.close();
      }
    });
    if (!("loss" in examined)) return examined.result;
    throw new StoreError(
      "ERR_STORE_DAMAGED",
      `Cannot ${what} in ${this.#file}: ${examined.loss}; stop, ` +
        restoreAdvice(this.#file),
    );
  }

  #run<T>(what: string, action: () => T): T {
    try {
      return action();
    } catch (error) {
      throw toStoreError(error, what, this.#file);
    }
  }

  #forget(table: string, server: string, name: string): void {
    const sql = `DELETE FROM ${table} WHERE server = ? AND name = ?`;
    this.#all(sql, server, name);
  }

  #all(sql: string, ...values: SQLInputValue[]): Row[] {
    return this.#database.prepare(sql).all(...values) as Row[];
  }
}

function statOf(file: string): BigIntStats | undefined {
  return statSync(file, { throwIfNoEntry: false, bigint: true });
}

function inodesOf(file: string): string {
  return [file, `${file}-wal`].map((path) => statOf(path)?.ino).join();
}

/**
 * Returns the state of a file. Checkpoints of SQLite, in any process, change it
 * as well.
 */
function lookOf(file: string): string {
  const { ctimeNs, size } = statOf(file) ?? {};
  return `${ctimeNs} ${size}`;
}

function toUser(row: Row): StoredUser {
  const limits = LIMIT_KEYS.flatMap((key) => {
    const value = row[LIMITS[key]];
    return value === null ? [] : [[key, value]];
  });
  return {
    server: row.server as string,
    name: row.name as string,
    password: row.password as string,
    limits: Object.fromEntries(limits) as UserLimits,
    disabled: row.disabled === 1,
    ...row.standing !== "made" && {
      standing: STANDINGS.find((one) => one === row.standing)!,
    },
  };
}

function toMinute(row: Row): Minute {
  return {
    unixMs: row["unix_ms"] as number,
    bytesUp: row["bytes_up"] as number,
    bytesDown: row["bytes_down"] as number,
    open: row.open as number,
    refusals: JSON.parse(row.refusals as string),
  };
}

function toCounts(row: Row): KeptCounts {
  const counts = COUNT_KEYS.map((key) => [key, row[COUNTS[key]]]);
  return {
    server: row.server as string,
    name: row.name as string,
    counts: Object.fromEntries(counts) as unknown as UserCounts,
  };
}
