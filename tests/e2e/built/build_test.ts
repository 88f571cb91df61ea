/**
 * The executables: built here by both compilers, run in an empty environment.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { after, before, test } from "node:test";
import {
  COMPILER_SKIP,
  COMPILER_VERSION,
} from "../../support/deno_compiler.ts";
import {
  buildCommand,
  buildExecutables,
  COMPILERS,
} from "../../support/executables.ts";
import { runToEnd } from "../../support/process.ts";
import { announceSkip } from "../../support/report.ts";
import { ROOT } from "../../support/runtimes.ts";
import {
  command,
  digestOf,
  MIB,
  patternDigest,
  patternParts,
  Target,
} from "../../support/target.ts";
import { SocksUdp, UdpEcho } from "../../support/udp.ts";
import { Chain, startServer } from "../chain.ts";

const LENGTH = 64 * MIB;
const NAMES = ["umbra", "ss-local", "ss-server", "ss-tunnel", "ss-redir"];

const folder = mkdtempSync(join(tmpdir(), "umbra-dist-"));
after(() => rmSync(folder, { recursive: true, force: true }));

if (COMPILER_SKIP) announceSkip(COMPILER_SKIP);

// A build that runs beside another one would see a change in the sources.
const gitSkip = !existsSync(join(ROOT, ".git")) && "not a clone of git";
test(
  "git ignores what Bun writes during a build",
  { skip: gitSkip },
  async () => {
    const { code } = await runToEnd(
      [
        "git",
        "-C",
        ROOT,
        "check-ignore",
        ".6483f46de5194e76-00000000.bun-build",
      ],
      10_000,
    );
    assert.equal(code, 0);
  },
);

for (const compiler of COMPILERS) {
  const skip = compiler === "deno" && COMPILER_SKIP;
  const dist = join(folder, compiler);
  const built = { local: compiler, server: compiler } as const;
  const title = (what: string): string => `built by ${compiler}: ${what}`;

  before(() => {
    if (!skip) buildExecutables(compiler, dist);
  });

  for (const name of NAMES) {
    test(title(`${name} says who it is`), { skip }, async () => {
      const path = join(dist, name);
      const version = await runToEnd([path, "--version"], 10_000, { env: {} });
      assert.equal(version.code, 0, version.output);
      const runtime = compiler === "deno" ? COMPILER_VERSION : "";
      assert.match(version.output, /^umbra \d+\.\d+\.\d+ /);
      assert.ok(version.output.includes(`(${compiler} ${runtime}`));
      assert.match(version.output, /build ([0-9a-f]{7,}|unknown)/);
      const help = await runToEnd([path, "--help"], 10_000, { env: {} });
      assert.equal(help.code, 0, help.output);
      assert.match(help.output, new RegExp(`Usage: ${name}\\b`));
    });
  }

  test(title("a man page and completions are beside it"), { skip }, () => {
    for (const name of ["umbra.1", "umbra.bash", "_umbra", "umbra.fish"]) {
      assert.match(readFileSync(join(dist, name), "utf8"), /umbra/);
    }
  });

  test(title("the same bytes come of the same sources"), { skip }, () => {
    const again = join(folder, `${compiler}-again`);
    buildExecutables(compiler, again);
    assert.equal(hashOf(join(again, "umbra")), hashOf(join(dist, "umbra")));
    rmSync(again, { recursive: true });
  });

  test(title("init names it in what it makes"), { skip }, async () => {
    const path = join(dist, "umbra");
    const made = join(dist, "made");
    const words = [path, "init", "--yes", "--dir", made];
    const { code, output } = await runToEnd(words, 10_000, { env: {} });
    assert.equal(code, 0, output);
    assert.match(
      output,
      new RegExp(`^  ${path} server -c ${made}/server`, "m"),
    );
  });

  test(title("64 MiB are moved each way"), { skip }, async () => {
    await using target = await Target.start();
    await using chain = await Chain.start(built, { dist });
    const want = patternDigest(LENGTH);
    using down = await chain.connect(target.address);
    await down.write(command(`down ${LENGTH}`));
    assert.equal(await digestOf(down), want);
    using up = await chain.connect(target.address);
    await up.write(command(`up ${LENGTH}`));
    for (const part of patternParts(LENGTH)) await up.write(part);
    assert.equal(Buffer.from(await up.readAll()).toString(), want);
  });

  test(title("a half-closed connection is kept"), { skip }, async () => {
    await using target = await Target.start();
    await using chain = await Chain.start(built, { dist });
    using stream = await chain.connect(target.address);
    await stream.write(command(`late ${8 * MIB}`));
    stream.end();
    assert.equal(await digestOf(stream), patternDigest(8 * MIB));
  });

  test(title("UDP is relayed"), { skip }, async () => {
    using echo = await UdpEcho.start();
    await using chain = await Chain.start(built, { dist, flags: ["-u"] });
    using client = await SocksUdp.start(chain.local.address);
    const target = { host: "127.0.0.1", port: echo.port };
    for (const text of ["hello", "", "x".repeat(9_000)]) {
      await client.send(Buffer.from(text), target);
      const { payload, from } = await client.receive();
      assert.equal(Buffer.from(payload).toString(), text);
      assert.deepEqual(from, target);
    }
  });

  test(title("two workers serve one port"), { skip }, async () => {
    await using server = await startServer(compiler, {
      dist,
      flags: ["--workers", "2"],
    });
    await server.program.waitForOutput(/worker=2/, 10_000);
    assert.deepEqual(await server.program.stop(), { code: 0, signal: null });
  });

  test(title("the soft descriptor limit is raised"), { skip }, async () => {
    await using server = await startServer(compiler, {
      dist,
      under: ["/usr/bin/prlimit", "--nofile=256:4096"],
    });
    const limits = readFileSync(`/proc/${server.program.pid}/limits`, "utf8");
    assert.match(limits, /^Max open files +4096 +4096 /m);
  });

  test(title("SIGTERM ends it with 0"), { skip }, async () => {
    await using server = await startServer(compiler, { dist });
    assert.deepEqual(await server.program.stop(), { code: 0, signal: null });
  });
}

test(
  "built by Deno before 2.9: an operator's port on a unix socket is refused",
  {
    skip: COMPILER_SKIP,
  },
  async () => {
    const path = join(folder, "admin.sock");
    const { code, output } = await runToEnd(
      [
        ...[join(folder, "deno", "ss-server"), "-s", "127.0.0.1:0", "-k", "x"],
        ...["-m", "aes-256-gcm", "--admin", `unix:${path}`],
      ],
      10_000,
      { env: {} },
    );
    assert.equal(code, 1, output);
    assert.match(
      output,
      /admin\.sock: HTTP on unix sockets needs Deno 2\.9/,
    );
  },
);

test("build.ts compiles with this Deno, but for the base executable", async () => {
  announceSkip(
    "running what this Deno compiles: its base executable (denort) comes from " +
      "dl.deno.land; `deno task build --runtime deno` uses it",
  );
  // Any ELF file will do to resolve and embed.
  const { code, output } = await build(
    { DENORT_BIN: "/bin/true" },
    "--runtime=deno",
    `--outdir=${join(folder, "this")}`,
  );
  assert.equal(code, 0, output);
  for (const part of ["main.js", "worker.js"]) {
    assert.ok(output.includes(part), output);
  }
  assert.doesNotMatch(output, /node_modules|\.ts\b.*KB/);
});

test("build.ts refuses, when the target or the runtime is unknown", async () => {
  const target = await build({}, "--target=mars");
  assert.equal(target.code, 2);
  assert.match(target.output, /Unknown target mars: use linux-x64, /);
  const runtime = await build({}, "--runtime=node");
  assert.equal(runtime.code, 2);
  assert.match(runtime.output, /Unknown runtime node: use deno or bun/);
});

function build(
  env: Record<string, string>,
  ...args: string[]
): ReturnType<typeof runToEnd> {
  const { words } = buildCommand("bun", folder);
  return runToEnd([...words.slice(0, 4), ...args], 120_000, {
    env: { ...process.env, ...env },
  });
}

function hashOf(path: string): string {
  return createHash("sha256").update(readFileSync(path)).digest("hex");
}
