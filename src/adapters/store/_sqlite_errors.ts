/**
 * Converts errors of the file system and of SQLite to Umbra's errors, each with
 * advice.
 *
 * @module
 */
import { ConfigError, StoreError, type StoreErrorCode } from "../../errors.ts";

/** SQLite's primary result codes (sqlite3.h). */
const BUSY = 5;
const LOCKED = 6;
const READONLY = 8;
const CORRUPT = 11;
const FULL = 13;
const CANTOPEN = 14;
const NOTADB = 26;

/** The fields that the errors of both runtimes have. */
interface Failure {
  readonly code?: unknown;
  /** Extended result code of SQLite; Deno does not always set it. */
  readonly errcode?: unknown;
  readonly name: string;
  readonly message: string;
}

/** True if another process has locked the database. */
export function isBusy(error: unknown): boolean {
  const code = resultCode(error);
  return code === BUSY || code === LOCKED;
}

/** True if the file does not have the content that SQLite wrote. */
export function isDamage(error: unknown): boolean {
  const code = resultCode(error);
  return code === CORRUPT || code === NOTADB;
}

/** Returns why the store could not be opened. */
export function toOpenError(error: unknown, file: string): ConfigError {
  const reason = error instanceof ConfigError
    ? error.message
    : openFailure(error);
  return new ConfigError(
    "ERR_CONFIG_STORE",
    `Cannot open the store ${file}: ${reason}`,
    { cause: error },
  );
}

/**
 * Returns why an open store failed.
 *
 * @param what The failed action, for the message: `Cannot ${what}: …`.
 */
export function toStoreError(
  error: unknown,
  what: string,
  file: string,
): StoreError {
  const isFull = (error as Failure).code === "ENOSPC";
  const [code, reason] = RUNNING.get(isFull ? FULL : resultCode(error)) ??
    ["ERR_STORE_OTHER", describe(error)] as const;
  return new StoreError(code, `Cannot ${what} in ${file}: ${reason}`, {
    cause: error,
  });
}

const RUNNING: ReadonlyMap<number, readonly [StoreErrorCode, string]> = new Map(
  [
    [BUSY, ["ERR_STORE_BUSY", "another process keeps it locked"]],
    [LOCKED, ["ERR_STORE_BUSY", "another process keeps it locked"]],
    [FULL, ["ERR_STORE_FULL", "the disk is full; make room"]],
    [CORRUPT, [
      "ERR_STORE_DAMAGED",
      "the file is damaged; stop, and restore the copy beside it",
    ]],
    [NOTADB, [
      "ERR_STORE_DAMAGED",
      "the file was overwritten; stop, and restore the copy beside it",
    ]],
  ],
);

function openFailure(error: unknown): string {
  const { code, name } = error as Failure;
  switch (name === "NotCapable" ? name : code) {
    case "NotCapable":
      return "Deno was not granted it; run with --allow-read and " +
        "--allow-write for this file";
    case "ENOENT":
      return "the folder does not exist; create it first";
    case "EISDIR":
      return "the path is a folder; give a file in it";
    case "EACCES":
    case "EPERM":
      return "permission denied; file and folder must belong to the user who runs " +
        "this";
    case "EROFS":
      return "the file system is read-only; give another file";
    case "ENOSPC":
      return "the disk is full; make room";
  }
  switch (resultCode(error)) {
    case NOTADB:
      return "the file is not a database; give another file";
    case CORRUPT:
      return "the file is damaged; restore a copy, or give another file";
    case FULL:
      return "the disk is full; make room";
    case CANTOPEN:
    case READONLY:
      return "file and folder must be writable";
    case BUSY:
    case LOCKED:
      return "another process keeps it locked";
  }
  return describe(error);
}

/** SQLite's messages: Deno gives errors of opening and of `exec` no code. */
const BY_MESSAGE: readonly (readonly [prefix: string, code: number])[] = [
  ["database is locked", BUSY],
  ["unable to open database file", CANTOPEN],
  ["attempt to write a readonly database", READONLY],
  ["database disk image is malformed", CORRUPT],
  ["database or disk is full", FULL],
  ["file is not a database", NOTADB],
];

function resultCode(error: unknown): number {
  const { errcode, message } = error as Failure;
  if (typeof errcode === "number") return errcode & 0xff;
  return BY_MESSAGE.find(([prefix]) => message.startsWith(prefix))?.[1] ?? 0;
}

function describe(error: unknown): string {
  const { message, errcode } = error as Failure;
  return typeof errcode === "number" ? `${message} (${errcode})` : message;
}
