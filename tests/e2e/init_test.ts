/**
 * `umbra init` as a new user has it: the commands it prints are run as they
 * are printed, and a page is fetched through what they start.
 *
 * @module
 */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import {
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { HttpTarget } from "../support/http_target.ts";
import { freePort, Program, runToEnd } from "../support/process.ts";
import { announceSkip } from "../support/report.ts";
import { ROOT } from "../support/runtimes.ts";
import { programCommand } from "../support/program_command.ts";
import { CURL_SKIP } from "./chain.ts";

const TEXT = "fetched through what init made";

/** Milliseconds from nothing to a page: "well under a minute". */
const PATIENCE_MS = 30_000;

const scratch = mkdtempSync(join(tmpdir(), "umbra-init-"));
after(() => rmSync(scratch, { recursive: true, force: true }));

const noSystemd = spawnSync("systemd-analyze", ["--version"]).error &&
  "systemd-analyze not found: apt-get install -y systemd";
if (noSystemd) announceSkip(noSystemd);

function init(
  runtime: "deno" | "bun",
  ...flags: string[]
): ReturnType<typeof runToEnd> {
  const command = [...programCommand(runtime), "init", ...flags];
  return runToEnd(command, 20_000, { cwd: ROOT });
}

for (const runtime of ["deno", "bun"] as const) {
  test(`umbra init leads to a page through server and local, on ${runtime}`, {
    skip: CURL_SKIP,
  }, async () => {
    const start = performance.now();
    await using target = await HttpTarget.start(TEXT, "127.0.0.1");
    const folder = join(scratch, runtime);
    const flags = ["--yes", "--host", "127.0.0.1", "--dir", folder];
    const { code, output } = await init(runtime, ...flags);
    assert.equal(code, 0, output);
    const [server, local, curl] = [...output.matchAll(/^ {2}(\/.*|curl .*)$/gm)]
      .map(([, line]) => line!.split(" "));

    const ready = /listening on/;
    const port = await freePort();
    // What differs from the printed lines: the page is on loopback, and the
    // usual port may be taken.
    await using serving = await Program.start(
      [
        ...[...server!, "-v", "--allow-private", "127.0.0.1"],
        // Others may have the usual one.
        ...["--admin", `127.0.0.1:${await freePort()}`],
      ],
      { ready, cwd: scratch },
    );
    await using proxy = await Program.start(
      [...local!, "-l", `${port}`],
      { ready, cwd: scratch },
    );
    const fetched = await runToEnd([
      ...["/usr/bin/env", "-i", curl![0]!, "-sS", "-m", "10", curl![1]!],
      `socks5h://127.0.0.1:${port}`,
      `http://127.0.0.1:${target.address.port}/`,
    ], 15_000);
    const context = `${serving.describe()}\n${proxy.describe()}`;
    assert.equal(fetched.output, TEXT, context);
    await serving.waitForOutput(/user=me/, 5_000);
    assert.ok(performance.now() - start < PATIENCE_MS);

    // Secrets are in files that only their owner reads, and in the URI.
    const names = ["local-me.json", "server.json", "umbra.service"];
    assert.deepEqual(
      readdirSync(folder).filter((name) => !name.startsWith("umbra.db")).sort(),
      names,
    );
    // And the output says how to continue.
    assert.match(output, /^ {2}\S.* user add NAME -c \S+server\.json$/m);
    assert.match(output, /^ {2}ssh -L (\d+):127\.0\.0\.1:\1 127\.0\.0\.1$/m);
    const modes = names.map((name) =>
      statSync(join(folder, name)).mode & 0o777
    );
    assert.deepEqual(modes, [0o600, 0o600, 0o644]);
    const text = (name: string): string =>
      readFileSync(join(folder, name), "utf8");
    const keys = text("server.json").match(/[\w+/]{43}=/g)!;
    assert.equal(keys.length, 2);
    const shown = output.replace(/^ {2}ss:.*$/m, "") + text("umbra.service");
    for (const key of keys) {
      assert.ok(text("local-me.json").includes(key));
      assert.ok(!shown.includes(key));
      assert.ok(!shown.includes(encodeURIComponent(key)));
    }
  });

  test(`umbra init overwrites nothing unless forced, on ${runtime}`, async () => {
    const folder = join(scratch, `twice-${runtime}`);
    const flags = ["--yes", "--dir", folder];
    assert.equal((await init(runtime, ...flags)).code, 0);
    const before = readFileSync(join(folder, "server.json"), "utf8");
    const again = await init(runtime, ...flags);
    assert.equal(again.code, 2);
    assert.match(again.output, /server\.json exists.*--force/);
    assert.equal(readFileSync(join(folder, "server.json"), "utf8"), before);
    const forced = await init(runtime, ...flags, "--force", "--qr");
    assert.equal(forced.code, 0);
    assert.match(forced.output, /█▀▀▀▀▀█/);
    assert.notEqual(readFileSync(join(folder, "server.json"), "utf8"), before);
  });

  test(`umbra init says where it cannot write, and why, on ${runtime}`, async () => {
    const file = join(scratch, `file-${runtime}`);
    writeFileSync(file, "");
    for (
      const [folder, why] of [
        // Deno wants all permissions there, for whatever it is.
        ...runtime === "bun"
          ? [["/proc/nothing", "the folder cannot be created"] as const]
          : [],
        [file, "a part of the path is a file, not a directory"],
        [join(file, "below"), "a part of the path is a file, not a directory"],
      ] as const
    ) {
      const { code, output } = await init(runtime, "--yes", "--dir", folder);
      assert.equal(
        output,
        `umbra: Cannot create files in ${folder}: ${why}; ` +
          "give --dir DIR for another folder\n",
      );
      assert.equal(code, 2);
    }
  });

  test(`umbra init looks at its folder before it asks, on ${runtime}`, async () => {
    // Without --yes, and without a terminal.
    const file = join(scratch, `before-${runtime}`);
    writeFileSync(file, "");
    const { code, output } = await init(runtime, "--dir", file);
    assert.match(output, /a part of the path is a file, not a directory/);
    assert.equal(code, 2);
    assert.match(
      (await init(runtime, "--help")).output,
      /default:\s+\/etc\/umbra as root, else\s+umbra-server/,
    );
  });

  test(`umbra init without a terminal names what is missing, on ${runtime}`, async () => {
    const folder = join(scratch, `silent-${runtime}`);
    const { code, output } = await init(runtime, "--dir", folder);
    assert.equal(code, 2);
    assert.match(
      output,
      /give --host HOST, --port PORT, --method METHOD, --user NAME, or --yes/,
    );
  });

  test(`umbra init asks at a terminal, on ${runtime}`, () => {
    const folder = join(scratch, `asked-${runtime}`);
    const words = [...programCommand(runtime), "init", "--dir", folder];
    const { stdout, status } = spawnSync("script", [
      ...["-qec", words.map((word) => `'${word}'`).join(" "), "/dev/null"],
    ], {
      cwd: ROOT,
      input: "vpn.example\nnine\n20123\n\nalice bob\n",
      encoding: "utf8",
      timeout: 20_000,
    });
    assert.equal(status, 0, stdout);
    assert.match(stdout, /Expected a port from 1 to 65535/);
    assert.match(stdout, /@vpn\.example:20123#alice/);
    assert.match(stdout, /█▀▀▀▀▀█/);
    assert.ok(readdirSync(folder).includes("local-bob.json"));
  });
}

test("systemd has nothing to say of the unit", {
  skip: noSystemd || false,
}, async () => {
  const folder = join(scratch, "unit");
  assert.equal((await init("bun", "--yes", "--dir", folder)).code, 0);
  const { status, stderr } = spawnSync("systemd-analyze", [
    "verify",
    join(folder, "umbra.service"),
  ], { encoding: "utf8" });
  assert.equal(status, 0, stderr);
  // It reads other units, too, and may have something to say of those.
  assert.doesNotMatch(stderr, /umbra/);
});
