/**
 * `umbra user` on a server whose configuration has one user: while it does not
 * run, while it runs, and after a restart.
 */
import assert from "node:assert/strict";
import {
  chmodSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { freePort, Program, runToEnd } from "../support/process.ts";
import { programCommand } from "../support/program_command.ts";
import { ROOT } from "../support/runtimes.ts";
import { command, Target } from "../support/target.ts";
import { socksConnect } from "../support/tcp.ts";

const SERVER_KEY = "wMHCw8TFxsfIycrLzM3Ozw==";
const ANN_KEY = "4OHi4+Tl5ufo6err7O3u7w==";

const folder = mkdtempSync(join(tmpdir(), "umbra-user-"));
after(() => rmSync(folder, { recursive: true, force: true }));

for (const runtime of ["deno", "bun"] as const) {
  test(`umbra user manages every user of a server, on ${runtime}`, async () => {
    const config = join(folder, `${runtime}.json`);
    const port = await freePort();
    const text = JSON.stringify({
      server: "127.0.0.1",
      ["server_port"]: port,
      method: "2022-blake3-aes-128-gcm",
      password: SERVER_KEY,
      users: [{ name: "ann", password: ANN_KEY }],
      admin: `127.0.0.1:${await freePort()}`,
      store: `${runtime}.db`,
      ["allow_private"]: "127.0.0.1",
    });
    writeFileSync(config, text);
    chmodSync(config, 0o600);
    const umbra = async (...words: string[]): Promise<string> => {
      const { code, output } = await runToEnd(
        [...programCommand(runtime), "user", ...words, "-c", config],
        20_000,
        { cwd: ROOT },
      );
      assert.equal(code, 0, output);
      return output;
    };
    const listed = async (): Promise<string[]> =>
      JSON.parse(await umbra("list", "--json"))
        .map(({ name, origin, disabled, limits }: {
          readonly name: string;
          readonly origin: string;
          readonly disabled: boolean;
          readonly limits: { readonly quotaBytes?: number };
        }) => `${name} ${origin} ${disabled} ${limits.quotaBytes}`);

    // Nothing runs: the store is what is changed.
    const added = await umbra("add", "bob", "--quota", "1 GB");
    assert.match(added, /^ss:\/\/\S+#bob\n/);
    assert.match(added, /kept in .*\.db; takes effect when the server starts/);
    assert.deepEqual(await listed(), [
      "ann file false undefined",
      "bob api false 1000000000",
    ]);
    const start = (): Promise<Program> =>
      Program.start(
        [...programCommand(runtime), "server", "-c", config],
        { ready: /operator's port on/, cwd: ROOT },
      );
    {
      await using _running = await start();
      const [link = "", invitation = ""] = (await umbra("link", "bob"))
        .split("\n");
      assert.match(invitation, /^http:\/\/127\.0\.0\.1:\d+\/invite\/\S+$/);
      assert.ok(added.startsWith(`${link}\n${invitation}\n`), "as before");
      await using target = await Target.start();
      const local = await freePort();
      await using _local = await Program.start(
        [...programCommand(runtime), "local", link, "-l", `${local}`],
        { ready: /listening on/, cwd: ROOT },
      );
      using stream = await socksConnect(
        { host: "127.0.0.1", port: local },
        target.address,
      );
      await stream.write(command("echo\nping"));
      assert.equal((await stream.readExactly(4)).length, 4);
      await umbra("set", "ann", "--quota", "5 GB");
      await umbra("set", "bob", "--quota", "none");
      await umbra("disable", "bob");
      assert.match(await umbra("show", "bob"), /^state +disabled$/m);
      await stream.readAll().catch(() => {});
      assert.deepEqual(await listed(), [
        "ann changed false 5000000000",
        "bob api true undefined",
      ]);
      await umbra("enable", "bob");
      await umbra("remove", "ann");
    }
    {
      await using _running = await start();
      assert.deepEqual(await listed(), ["bob api false undefined"]);
    }
    assert.equal(readFileSync(config, "utf8"), text, "the file is the seed");
    const wrong = await runToEnd(
      [...programCommand(runtime), "user", "set", "eve", "-c", config],
      20_000,
      { cwd: ROOT },
    );
    assert.equal(wrong.code, 2);
    assert.match(wrong.output, /The user does not exist; `umbra user list`/);
  });
}
