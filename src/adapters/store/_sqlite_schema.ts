/**
 * The tables of the store, and the steps from each version to the next.
 *
 * @module
 */
import type { DatabaseSync } from "node:sqlite";
import { ConfigError } from "../../errors.ts";

/** "Umbr": tells our files from those of other programs. */
const APPLICATION_ID = 0x556d_6272;

/**
 * Statements that lead from the version of their place to the next one. Never
 * edited once released: a change is a further step.
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
  // What the program did, for who asks after a restart. Refusals are JSON.
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
  // What a node of a fleet keeps over restarts.
  [
    `CREATE TABLE node_memory (
      key TEXT PRIMARY KEY,
      value TEXT NOT NULL
    ) STRICT, WITHOUT ROWID`,
  ],
];

/**
 * Brings a database to the present version. Call it inside a transaction.
 *
 * @throws {ConfigError} `ERR_CONFIG_STORE` when the database is of another
 * program, or of a later version.
 */
export function prepareSchema(database: DatabaseSync): void {
  const number = (sql: string): number =>
    Object.values(database.prepare(sql).get()!)[0] as number;
  const version = number("PRAGMA user_version");
  const isEmpty = number("SELECT count(*) FROM sqlite_schema") === 0;
  if (!isEmpty && number("PRAGMA application_id") !== APPLICATION_ID) {
    throw refusal(
      "it is a database of another program; name another file",
    );
  }
  if (version > STEPS.length) {
    throw refusal(
      `it was made by a newer version (schema ${version}, known up to ` +
        `${STEPS.length}); run that version, or name another file`,
    );
  }
  if (version === STEPS.length) return;
  for (const sql of STEPS.slice(version).flat()) database.prepare(sql).run();
  database.prepare(`PRAGMA user_version = ${STEPS.length}`).run();
}

function refusal(reason: string): ConfigError {
  return new ConfigError("ERR_CONFIG_STORE", reason);
}
