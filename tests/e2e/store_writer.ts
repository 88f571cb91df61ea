/**
 * Adds one byte to counts for each command, and confirms each one; see
 * store_test.ts. Arguments: the store, the user, how often.
 */
import { writeSync } from "node:fs";
import process from "node:process";
import { openSqliteStore } from "../../src/adapters/store/sqlite_store.ts";
import { UmbraError } from "../../src/errors.ts";

const [path, name, times] = process.argv.slice(2);
const counts = {
  bytesUp: 1,
  bytesDown: 2,
  packetsUp: 0,
  packetsDown: 0,
  connections: 0,
  associations: 0,
  lastSeenUnixMs: 0,
};
try {
  using store = openSqliteStore(path!);
  for (let done = 1; done <= Number(times); done++) {
    store.put({
      server: "1",
      name: `${name}-${done}`,
      password: "x".repeat(1_000),
      limits: {},
      disabled: false,
    });
    // Both users in one transaction: their sums may never differ.
    store.add(
      ["", name!].map((name) => ({ server: "1", name, counts })),
    );
    writeSync(1, `${done}\n`);
  }
} catch (error) {
  if (!(error instanceof UmbraError)) throw error;
  writeSync(1, `${error.code} ${error.message}\n`);
}
