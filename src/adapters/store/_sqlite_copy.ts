/**
 * What lies beside a store: a copy that was whole, and how many users there
 * were. SQLite by itself takes a damaged log for its end and says nothing.
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

/** Characters of the number of users. */
const DIGITS = 15;

/** Owner may read and write. */
const MODE = 0o600;

/** Milliseconds after which a copy that another process began is given up. */
const STALE_MS = 60_000;

/** The last copy that was whole. */
export function copyOf(file: string): string {
  return `${file}-copy`;
}

/**
 * Keeps how many users there are at least. Call it inside a transaction. Only a
 * lower number must be on the disk before the users are: others wait for the
 * lock meanwhile.
 */
export function keepUserCount(file: string, count: number): void {
  const kept = keptUserCount(file);
  if (kept === count) return;
  const descriptor = openSync(countOf(file), O_RDWR | O_CREAT, MODE);
  try {
    // Of one length, so that no moment sees a part of it.
    writeSync(descriptor, `${String(count).padStart(DIGITS, "0")}\n`, 0);
    if (kept === undefined || count < kept) fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

/** Users in the table itself: an index may know others. */
export function countUsers(database: DatabaseSync): number {
  const row = database.prepare("SELECT count(*) AS n FROM users NOT INDEXED")
    .get();
  return row!["n"] as number;
}

/**
 * Reads the whole database. Call it inside a transaction; only one that writes
 * makes sure that number and users belong together.
 *
 * @returns What is lost, as the end of "the store …"; `undefined` for nothing.
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

/** Advice to the operator about a loss. */
export function restoreAdvice(file: string): string {
  const copy = statSync(copyOf(file), { throwIfNoEntry: false });
  const without = `remove ${file}-wal, ${file}-shm and ${countOf(file)}`;
  return copy === undefined
    ? `restore a backup and ${without}`
    : `move ${copyOf(file)} of ${copy.mtime.toISOString()} to ${file} and ` +
      without;
}

/**
 * Puts a copy of a whole database beside it, in the place of the last one.
 *
 * @param open Opens a database.
 * @returns `false` when another process is at it.
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

/** Makes the file; a process that was killed may have left it. */
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

/** `undefined` for a store of an earlier version, or a file that is none of ours. */
function keptUserCount(file: string): number | undefined {
  const path = countOf(file);
  if (statSync(path, { throwIfNoEntry: false }) === undefined) return undefined;
  const text = /^(\d{15})\n$/.exec(readFileSync(path, "utf8"))?.[1];
  return text === undefined ? undefined : Number(text);
}
