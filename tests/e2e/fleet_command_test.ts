/**
 * Tests `umbra fleet` with a real redis-server: the creation of a fleet, its
 * users, and the copies from a store and back.
 *
 * @module
 */
import assert from "node:assert/strict";
import {
  existsSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { openSqliteStore } from "../../src/adapters/store/sqlite_store.ts";
import { NO_COUNTS } from "../../src/users.ts";
import { runToEnd } from "../support/process.ts";
import { programCommand } from "../support/program_command.ts";
import { REDIS_SKIP, RedisServer } from "../support/redis_server.ts";
import { ROOT } from "../support/runtimes.ts";
import { OURS } from "./chain.ts";

const METHOD = "2022-blake3-aes-128-gcm";
const KEY = "4OHi4+Tl5ufo6err7O3u7w==";

const folder = mkdtempSync(join(tmpdir(), "umbra-fleet-command-"));
after(() => rmSync(folder, { recursive: true, force: true }));

describe("umbra fleet", { skip: REDIS_SKIP }, () => {
  let server: RedisServer;
  before(async () => {
    server = await RedisServer.start();
  });
  after(() => server[Symbol.asyncDispose]());

  for (const runtime of OURS) {
    test(`begins a fleet and moves users, on ${runtime}`, async () => {
      const url = `${server.url}?fleet=${runtime}`;
      const keyFile = join(folder, `${runtime}.key`);
      const config = join(folder, `${runtime}.json`);
      const run = async (...words: string[]) =>
        await runToEnd(
          [...programCommand(runtime), "fleet", ...words],
          20_000,
          { cwd: ROOT },
        );
      const umbra = async (...words: string[]): Promise<string> => {
        const { code, output } = await run(...words, "-c", config);
        assert.equal(code, 0, output);
        return output;
      };
      const begin = ["init", "--fleet", url, "--fleet-key", keyFile];
      const begun = await run(...begin);
      assert.equal(begun.code, 0, begun.output);
      assert.match(begun.output, /ACL SETUSER umbra .*~umbra:\w+:\*/);
      assert.equal(statSync(keyFile).mode & 0o777, 0o600);
      const again = await run(...begin);
      assert.equal(again.code, 2);
      assert.match(again.output, /There is a fleet \w+ at unix:\S+ already/);

      const settings = {
        ["server_port"]: 8388,
        ["fleet_key"]: keyFile,
        method: METHOD,
        password: KEY,
        fleet: url,
        node: "one",
      };
      writeFileSync(config, JSON.stringify(settings), { mode: 0o600 });
      assert.match(await umbra("user", "add", "ann"), /^[\w+/]{22}==\n/);
      const unknown = await run("user", "show", "bob", "-c", config);
      assert.equal(unknown.code, 2);

      const path = join(folder, `${runtime}.db`);
      {
        using store = openSqliteStore(path);
        const limits = { quotaBytes: 5_000, maxHosts: 2 };
        store.put({
          ...{ server: "8388", name: "bob", password: KEY, limits },
          disabled: true,
        });
        const counts = { ...NO_COUNTS, bytesUp: 100, bytesDown: 2_000 };
        store.add([{ server: "8388", name: "bob", counts }]);
      }
      // The second import changes nothing.
      for (let i = 0; i < 2; i++) {
        assert.match(await umbra("import", path), /in the fleet now: 1\n/);
      }
      const [ann, bob] = JSON.parse(await umbra("user", "list", "--json"));
      assert.deepEqual([ann.name, ann.usedBytes, ann.limits], ["ann", 0, {}]);
      assert.deepEqual(
        [bob.name, bob.usedBytes, bob.bytesUp, bob.bytesDown, bob.disabled],
        ["bob", 2_100, 100, 2_000, true],
      );
      const exported = join(folder, `${runtime}-out.db`);
      await umbra("export", exported);
      using store = openSqliteStore(exported);
      assert.deepEqual(store.users().map(({ name }) => name), ["ann", "bob"]);
      assert.deepEqual(store.users()[1]!.limits, {
        quotaBytes: 5_000,
        maxHosts: 2,
      });
      assert.equal(store.users()[1]!.password, KEY);
      assert.equal(store.counts("8388", "bob")[0]!.counts.bytesDown, 2_000);

      // One runtime for each step is enough.
      if (runtime === "deno") {
        // The key is replaced in three runs.
        const keyOf = (path: string): string[] =>
          readFileSync(path, "utf8").trim().split(" ");
        const [first] = keyOf(keyFile);
        const rekey = ["rekey", "--fleet-key", keyFile];
        assert.match(await umbra(...rekey), /now contains a second key/);
        const [, second] = keyOf(keyFile);
        assert.match(await umbra(...rekey), /the keys of 2 users/);
        assert.deepEqual(keyOf(keyFile), [second, first]);
        assert.match(await umbra(...rekey), /now contains only the new key/);
        assert.deepEqual(keyOf(keyFile), [second]);
        assert.equal(statSync(keyFile).mode & 0o777, 0o600);
        assert.equal(
          JSON.parse(await umbra("user", "list", "--json")).length,
          2,
        );
        return;
      }

      // Another server joins with one line.
      const line = (await umbra("token")).trim();
      const made = join(folder, `${runtime}-two`);
      const joins = (input: string, ...words: string[]) =>
        run("join", input, made, ...words);
      const joined = await joins(line, "--node", "two");
      assert.equal(joined.code, 0, joined.output);
      assert.match(joined.output, /The engine answers after .*clocks agree/);
      const config2 = JSON.parse(
        readFileSync(join(made, "server.json"), "utf8"),
      );
      assert.deepEqual(
        [config2.node, config2.server_port, config2.method, config2.fleet],
        ["two", 8388, METHOD, url],
      );
      assert.notEqual(config2.password, KEY);
      assert.equal(statSync(join(made, "fleet.key")).mode & 0o777, 0o600);
      const listed = await run(
        ...["user", "list", "--json", "-c", join(made, "server.json")],
      );
      assert.equal(JSON.parse(listed.output).length, 2, listed.output);
      const taken = await joins(line, "--node", "two");
      assert.equal(taken.code, 2);
      assert.match(taken.output, /server\.json exists already/);
      const cut = await run("join", line.slice(0, -9), join(folder, "none"));
      assert.equal(cut.code, 2);
      assert.equal(existsSync(join(folder, "none")), false);
    });
  }
});
