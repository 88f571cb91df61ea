/**
 * Errors of the file system and of SQLite → ours, each with what to do.
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

/** The fields on which the errors of both runtimes agree. */
interface Failure {
  readonly code?: unknown;
  /** Extended result code of SQLite; Deno leaves it out here and there. */
  readonly errcode?: unknown;
  readonly name: string;
  readonly message: string;
}

/** True if another process has the database. */
export function isBusy(error: unknown): boolean {
  const code = resultCode(error);
  return code === BUSY || code === LOCKED;
}

/** True if the file is not what SQLite wrote. */
export function isDamage(error: unknown): boolean {
  const code = resultCode(error);
  return code === CORRUPT || code === NOTADB;
}

/** Why the store could not be opened. */
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
 * Why an open store did not do it.
 *
 * @param what What failed, for the message: `Cannot ${what}: …`.
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
      return "there is no such folder; make it first";
    case "EISDIR":
      return "it is a folder; name a file in it";
    case "EACCES":
    case "EPERM":
      return "permission denied; file and folder must be the user's who runs " +
        "this";
    case "EROFS":
      return "the file system is read-only; name a file elsewhere";
    case "ENOSPC":
      return "the disk is full; make room";
  }
  switch (resultCode(error)) {
    case NOTADB:
      return "it is no database; name another file";
    case CORRUPT:
      return "it is damaged; restore a copy, or name another file";
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

/** Deno gives errors of opening and of `exec` no number, only SQLite's text. */
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
