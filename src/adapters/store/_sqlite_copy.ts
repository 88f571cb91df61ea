/**
 * The files beside a store: the last intact copy, and the number of users. They
 * detect a loss: SQLite treats a damaged log as its end, without an error.
 *
 * @module
 */
import {
  closeSync,
  constants,
  fsyncSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from "node:fs";
import type { DatabaseSync, SQLInputValue } from "node:sqlite";
import { isDamage } from "./_sqlite_errors.ts";
import { prepareSchema } from "./_sqlite_schema.ts";

const { O_CREAT, O_RDWR } = constants;

/** Number of digits of the number of users. */
const DIGITS = 15;

/** The owner may read and write. */
const MODE = 0o600;

/**
 * Age in milliseconds at which the unfinished copy of another process is
 * replaced.
 */
const STALE_MS = 60_000;

/** Returns the path of the last intact copy. */
export function copyOf(file: string): string {
  return `${file}-copy`;
}

/**
 * Writes the minimum number of users. It must be called inside a transaction.
 * Only a lower number must be on the disk before the users are, so other writes
 * are not flushed: other processes wait for the lock meanwhile.
 */
export function keepUserCount(file: string, count: number): void {
  const kept = keptUserCount(file);
  if (kept === count) return;
  const descriptor = openSync(countOf(file), O_RDWR | O_CREAT, MODE);
  try {
    // The length is fixed, so that a reader never sees a part of the number.
    writeSync(descriptor, `${String(count).padStart(DIGITS, "0")}\n`, 0);
    if (kept === undefined || count < kept) fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

/**
 * Counts the users in the table itself: a damaged index may give another
 * number.
 */
export function countUsers(database: DatabaseSync): number {
  const row = database.prepare("SELECT count(*) AS n FROM users NOT INDEXED")
    .get();
  return row!["n"] as number;
}

/**
 * Reads the whole database. It must be called inside a transaction; only a
 * writing transaction guarantees that number and users belong together.
 *
 * @returns The loss, for a message; `undefined` if there is none.
 */
export function findLoss(
  database: DatabaseSync,
  file: string,
): string | undefined {
  const kept = keptUserCount(file);
  const of = kept === undefined ? "" : ` of ${kept}`;
  try {
    const tables = database.prepare(
      "SELECT name FROM sqlite_schema WHERE name IN ('users', 'counts')",
    ).all();
    if (tables.length < 2) return "its tables are gone";
    const found = database.prepare("PRAGMA integrity_check(1)").get()!;
    const users = countUsers(database);
    if (found["integrity_check"] !== "ok") {
      return `it is damaged, ${users}${of} users can be read`;
    }
    if (kept === undefined || users >= kept) return undefined;
    return `only ${users}${of} users are left (to go on with them, remove ` +
      `${countOf(file)} alone)`;
  } catch (error) {
    if (!isDamage(error)) throw error;
    return "it is damaged, and its users cannot be read";
  }
}

/** Returns advice to the operator about a loss. */
export function restoreAdvice(file: string): string {
  const copy = statSync(copyOf(file), { throwIfNoEntry: false });
  const without = `remove ${file}-wal, ${file}-shm and ${countOf(file)}`;
  return copy === undefined
    ? `restore a backup and ${without}`
    : `move ${copyOf(file)} of ${copy.mtime.toISOString()} to ${file} and ` +
      without;
}

/**
 * Replaces the copy of an intact database.
 *
 * @param open Opens a database.
 * @returns False if another process is making a copy.
 */
export function writeCopy(
  from: DatabaseSync,
  file: string,
  open: (path: string) => DatabaseSync,
): boolean {
  const next = `${copyOf(file)}-next`;
  if (!reserve(next)) return false;
  try {
    const into = open(next);
    try {
      into.prepare("BEGIN").run();
      prepareSchema(into);
      for (const table of ["users", "counts"]) copyTable(table, from, into);
      into.prepare("COMMIT").run();
    } finally {
      into.close();
    }
    renameSync(next, copyOf(file));
    return true;
  } catch (error) {
    for (const end of ["", "-journal"]) rmSync(next + end, { force: true });
    throw error;
  }
}

function copyTable(
  table: string,
  from: DatabaseSync,
  into: DatabaseSync,
): void {
  const rows = from.prepare(`SELECT * FROM ${table}`).all();
  const columns = Object.keys(rows[0] ?? {});
  if (columns.length === 0) return;
  const insert = into.prepare(
    `INSERT INTO ${table} (${columns.join(", ")}) ` +
      `VALUES (${columns.map(() => "?").join(", ")})`,
  );
  for (const row of rows) {
    insert.run(...columns.map((column) => row[column] as SQLInputValue));
  }
}

/** Creates the file. A killed process may have left it. */
function reserve(path: string): boolean {
  const found = statSync(path, { throwIfNoEntry: false });
  if (found && Date.now() - found.mtimeMs < STALE_MS) return false;
  for (const end of ["", "-journal"]) rmSync(path + end, { force: true });
  try {
    closeSync(openSync(path, "wx", MODE));
    return true;
  } catch (error) {
    if ((error as { code?: unknown }).code === "EEXIST") return false;
    throw error;
  }
}

function countOf(file: string): string {
  return `${file}-count`;
}

/**
 * Returns the number of users; `undefined` for a store of an earlier version,
 * or a file of another program.
 */
function keptUserCount(file: string): number | undefined {
  const path = countOf(file);
  if (statSync(path, { throwIfNoEntry: false }) === undefined) return undefined;
  const text = /^(\d{15})\n$/.exec(readFileSync(path, "utf8"))?.[1];
  return text === undefined ? undefined : Number(text);
}
