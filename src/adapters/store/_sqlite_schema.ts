/**
 * The tables of the store, and the steps from each version to the next.
 *
 * @module
 */
import type { DatabaseSync } from "node:sqlite";
import { ConfigError } from "../../errors.ts";

/** "Umbr": distinguishes stores from files of other programs. */
const APPLICATION_ID = 0x556d_6272;

/**
 * The statements of each step: step i leads from version i to i + 1. A released
 * step is never edited; a change is a further step.
 */
const STEPS: readonly (readonly string[])[] = [
  [
    `CREATE TABLE users (
      id INTEGER PRIMARY KEY,
      server TEXT NOT NULL,
      name TEXT NOT NULL,
      password TEXT NOT NULL,
      disabled INTEGER NOT NULL,
      quota_bytes INTEGER,
      bytes_per_second INTEGER,
      max_connections INTEGER,
      max_hosts INTEGER,
      expires_unix_ms INTEGER,
      UNIQUE (server, name)
    ) STRICT`,
    `CREATE TABLE counts (
      server TEXT NOT NULL,
      name TEXT NOT NULL,
      bytes_up INTEGER NOT NULL,
      bytes_down INTEGER NOT NULL,
      packets_up INTEGER NOT NULL,
      packets_down INTEGER NOT NULL,
      connections INTEGER NOT NULL,
      associations INTEGER NOT NULL,
      last_seen_unix_ms INTEGER NOT NULL,
      PRIMARY KEY (server, name)
    ) STRICT, WITHOUT ROWID`,
    `PRAGMA application_id = ${APPLICATION_ID}`,
  ],
  // Users of the configuration that were changed or removed at run time.
  ["ALTER TABLE users ADD COLUMN standing TEXT NOT NULL DEFAULT 'made'"],
  // The history of minutes, for reports after a restart. Refusals are JSON.
  [
    `CREATE TABLE minutes (
      id INTEGER PRIMARY KEY,
      unix_ms INTEGER NOT NULL,
      bytes_up INTEGER NOT NULL,
      bytes_down INTEGER NOT NULL,
      open INTEGER NOT NULL,
      refusals TEXT NOT NULL
    ) STRICT`,
  ],
  // State of a fleet node that survives a restart.
  [
    `CREATE TABLE node_memory (
      key TEXT PRIMARY KEY,
      value TEXT NOT NULL
    ) STRICT, WITHOUT ROWID`,
  ],
];

/**
 * Upgrades a database to the present version. It must be called inside a
 * transaction.
 *
 * @throws {ConfigError} `ERR_CONFIG_STORE` if the database is of another
 * program or of a later version.
 */
export function prepareSchema(database: DatabaseSync): void {
  const number = (sql: string): number =>
    Object.values(database.prepare(sql).get()!)[0] as number;
  const version = number("PRAGMA user_version");
  const isEmpty = number("SELECT count(*) FROM sqlite_schema") === 0;
  if (!isEmpty && number("PRAGMA application_id") !== APPLICATION_ID) {
    throw refusal(
      "the database is of another program; give another file",
    );
  }
  if (version > STEPS.length) {
    throw refusal(
      `the file was made by a newer version (schema ${version}, known up to ` +
        `${STEPS.length}); run that version, or give another file`,
    );
  }
  if (version === STEPS.length) return;
  for (const sql of STEPS.slice(version).flat()) database.prepare(sql).run();
  database.prepare(`PRAGMA user_version = ${STEPS.length}`).run();
}

function refusal(reason: string): ConfigError {
  return new ConfigError("ERR_CONFIG_STORE", reason);
}
