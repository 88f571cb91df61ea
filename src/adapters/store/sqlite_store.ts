/**
 * Users and counts in one SQLite file, by the `node:sqlite` that Deno and Bun
 * both have.
 *
 * Secrets: passwords are stored as they are, since a Shadowsocks password is
 * the key itself. The file is for its owner alone (mode 0600; SQLite gives its
 * `-wal` and `-shm` files the same), and so must be every copy of it.
 *
 * Losses: what a method has changed is on the disk when it returns
 * (write-ahead log, `synchronous=FULL`): neither kill -9 nor a power loss
 * takes it back, as far as the disk tells the truth about its cache. What was
 * not handed over yet, such as the counts since the caller's last `add`, is
 * the caller's to lose.
 *
 * Damage: the file is checked when it is opened, and before a change when
 * something else than this store has written to it. Beside it lie `FILE-copy`,
 * the last copy that was whole, and `FILE-count`, how many users there are.
 *
 * Sharing: any number of processes of one machine; not over a network file
 * system. Calls block the process: a write takes about a millisecond and the
 * disk's flush, and at most {@link BUSY_MS} more while others write.
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
import type { NodeMemory } from "../../fleet.ts";
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

/** Owner may read and write. */
const MODE = 0o600;

/** What a store works with. */
export interface StoreOptions {
  /** Told when no copy can be kept; default: nothing is told. */
  readonly logger?: Logger | undefined;
  /** Default: the system's. */
  readonly clock?: Clock | undefined;
}

/**
 * Opens the store, or makes it.
 *
 * `node:sqlite` is loaded here and not before. Under Deno the file wants
 * `--allow-read` and `--allow-write`; its `-wal` and `-shm` are not asked for,
 * its `-copy` and `-count` are.
 *
 * @param path The file; its folder must exist and be writable.
 * @throws {ConfigError} `ERR_CONFIG_STORE` when it cannot be opened, is no
 * store of ours, was made by a newer version, is damaged, or has lost users.
 */
export function openSqliteStore(
  path: string,
  options: StoreOptions = {},
): UserStore & MinuteStore & NodeMemory {
  // Neither ":memory:" nor a "file:" URL has a meaning of its own.
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
      // Only now is it known to be ours, and may be changed.
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

/** SQLite would make the file readable for all. */
function createPrivately(file: string): void {
  closeSync(openSync(file, "a", MODE));
}

/** SQLite gives its other files the mode that the first had at that time. */
function restrict(file: string): void {
  if (process.platform === "win32") return;
  for (const path of [file, `${file}-wal`, `${file}-shm`]) {
    const found = statSync(path, { throwIfNoEntry: false });
    if (found && (found.mode & 0o777) !== MODE) chmodSync(path, MODE);
  }
}

/** SQLite does not wait when two processes turn a new file to WAL at once. */
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
 * All or nothing. To write, the lock is taken first, so it cannot fail late;
 * `DEFERRED` is enough to read, and keeps no other from writing.
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
    // A full disk has already rolled it back.
    if (database.isTransaction) database.prepare("ROLLBACK").run();
    throw error;
  }
}

type Row = Record<string, string | number | null>;

/** Column of each limit; the compiler misses one that is forgotten. */
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
  /** Tell file and log from others of their names. */
  readonly #inodes: string;
  /** How the file looked when it was known to be whole. */
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
    // Reading makes the log.
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
        this.#all(
          `DELETE FROM ${table} WHERE server = ? AND name = ?`,
          server,
          name,
        );
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
        this.#all(
          "DELETE FROM counts WHERE server = ? AND name = ?",
          server,
          name,
        );
      }
    });
  }

  entries(prefix: string): [key: string, value: string][] {
    return this.#run("read what the node keeps", () =>
      this.#all(
        "SELECT key, value FROM node_memory WHERE substr(key, 1, ?) = ? " +
          "ORDER BY key",
        [...prefix].length,
        prefix,
      ).map(({ key, value }) => [key as string, value as string]));
  }

  write(changes: Iterable<readonly [string, string | undefined]>): void {
    this.#write("keep what the node needs", () => {
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

  /** Idempotent. The last process to close tidies the log away. */
  [Symbol.dispose](): void {
    if (this.#cancelCopy !== undefined) this.#copy();
    // Another process was at it.
    this.#cancelCopy?.();
    this.#cancelCopy = undefined;
    if (this.#database.isOpen) this.#database.close();
  }

  /** The number kept is never above that of the users, whenever it is killed. */
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

  /** SQLite would go on writing to a file that nobody can open any more. */
  #checkInodes(what: string): void {
    if (inodesOf(this.#file) === this.#inodes) return;
    throw new StoreError(
      "ERR_STORE_GONE",
      `Cannot ${what} in ${this.#file}: the file was deleted or replaced; put ` +
        "it back, or start anew",
    );
  }

  /**
   * Reads what is on the disk, which our own connection would take from its
   * memory.
   *
   * @throws {StoreError} `ERR_STORE_DAMAGED` when something is lost.
   */
  #examine<T>(what: string, action: (database: DatabaseSync) => T): T {
    type Examined = { readonly loss: string } | { readonly result: T };
    const examined = this.#run(what, (): Examined => {
      // SQLite would take it for a new one, and wait for its lock.
      if (statOf(this.#file)?.size === 0n) return { loss: "it is empty" };
      const database = open(this.#file);
      try {
        const examine = (): Examined => {
          const loss = findLoss(database, this.#file);
          return loss === undefined ? { result: action(database) } : { loss };
        };
        const seen = transaction(database, examine, "DEFERRED");
        // Others may have changed number and users between the two reads.
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

/** Checkpoints of SQLite change it too, of this process or another. */
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
