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
 * Sharing: any number of processes of one machine; not over a network file
 * system. Calls block the process: a write takes about a millisecond and the
 * disk's flush, and at most {@link BUSY_MS} more while others write.
 *
 * @module
 */
import { chmodSync, closeSync, openSync, statSync } from "node:fs";
import { resolve } from "node:path";
import process from "node:process";
import type { DatabaseSync, SQLInputValue } from "node:sqlite";
import type {
  KeptCounts,
  StoredUser,
  UserCounts,
  UserLimits,
  UserStore,
} from "../../users.ts";
import { StoreError } from "../../errors.ts";
import { isBusy, toOpenError, toStoreError } from "./_sqlite_errors.ts";
import { prepareSchema } from "./_sqlite_schema.ts";

/** Milliseconds to wait for another process that writes. */
const BUSY_MS = 2_000;

/** Milliseconds between attempts where SQLite itself does not wait. */
const RETRY_MS = 10;

/** Owner may read and write. */
const MODE = 0o600;

/**
 * Opens the store, or makes it.
 *
 * `node:sqlite` is loaded here and not before. Under Deno the file wants
 * `--allow-read` and `--allow-write`; its `-wal` and `-shm` are not asked for.
 *
 * @param path The file; its folder must exist and be writable.
 * @throws {ConfigError} `ERR_CONFIG_STORE` when it cannot be opened, is no
 * store of ours, or was made by a newer version.
 */
export function openSqliteStore(path: string): UserStore {
  // Neither ":memory:" nor a "file:" URL has a meaning of its own.
  const file = resolve(path);
  try {
    createPrivately(file);
    const sqlite = process.getBuiltinModule("node:sqlite");
    const database = new sqlite.DatabaseSync(file, { timeout: BUSY_MS });
    try {
      transaction(database, () => prepareSchema(database));
      // Only now is it known to be ours, and may be changed.
      useWriteAheadLog(database);
      database.prepare("PRAGMA synchronous = FULL").run();
      restrict(file);
    } catch (error) {
      database.close();
      throw error;
    }
    return new SqliteStore(database, file);
  } catch (error) {
    throw toOpenError(error, file);
  }
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

/** All or nothing; the lock for writing is taken first, so it cannot fail late. */
function transaction<T>(database: DatabaseSync, action: () => T): T {
  database.prepare("BEGIN IMMEDIATE").run();
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

const USER_COLUMNS = ["password", "disabled", ...Object.values(LIMITS)];
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

class SqliteStore implements UserStore {
  readonly #database: DatabaseSync;
  readonly #file: string;
  /** Tells the file from another one of its name. */
  readonly #inode: number | undefined;

  constructor(database: DatabaseSync, file: string) {
    this.#database = database;
    this.#file = file;
    this.#inode = inodeOf(file);
  }

  users(): StoredUser[] {
    return this.#run(
      "read users",
      () => this.#all("SELECT * FROM users ORDER BY id").map(toUser),
    );
  }

  put({ server, name, password, limits, disabled }: StoredUser): void {
    const values = LIMIT_KEYS.map((key) => limits[key] ?? null);
    this.#write("keep a user", () => {
      this.#all(PUT, server, name, password, disabled ? 1 : 0, ...values);
    });
  }

  remove(server: string, name: string): void {
    this.#write("forget a user", () => {
      for (const table of ["users", "counts"]) {
        this.#all(
          `DELETE FROM ${table} WHERE server = ? AND name = ?`,
          server,
          name,
        );
      }
    });
  }

  counts(): KeptCounts[] {
    return this.#run(
      "read counts",
      () => this.#all("SELECT * FROM counts").map(toCounts),
    );
  }

  add(differences: readonly KeptCounts[]): KeptCounts[] {
    if (differences.length === 0) return [];
    return this.#write("add to counts", () => {
      const statement = this.#database.prepare(ADD);
      return differences.map(({ server, name, counts }) => {
        const values = COUNT_KEYS.map((key) => counts[key]);
        return toCounts(statement.get(server, name, ...values) as Row);
      });
    });
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

  /** Idempotent. The last process to close tidies the log away. */
  [Symbol.dispose](): void {
    if (this.#database.isOpen) this.#database.close();
  }

  #write<T>(what: string, action: () => T): T {
    this.#checkPlace(what);
    return this.#run(what, () => transaction(this.#database, action));
  }

  /** SQLite would go on writing to a file that nobody can open any more. */
  #checkPlace(what: string): void {
    if (inodeOf(this.#file) === this.#inode) return;
    throw new StoreError(
      "ERR_STORE_GONE",
      `Cannot ${what} in ${this.#file}: the file was deleted or replaced; put ` +
        "it back, or start anew",
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

function inodeOf(file: string): number | undefined {
  return statSync(file, { throwIfNoEntry: false })?.ino;
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
