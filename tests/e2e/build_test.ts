/**
 * The executables: built here with Bun, run in an empty environment. Deno's
 * compile is followed as far as the machine allows.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { after, before, test } from "node:test";
import { runToEnd } from "../support/process.ts";
import { announceSkip } from "../support/report.ts";
import { denoPath, ROOT } from "../support/runtimes.ts";
import {
  command,
  digestOf,
  MIB,
  patternDigest,
  patternParts,
  Target,
} from "../support/target.ts";
import { SocksUdp, UdpEcho } from "../support/udp.ts";
import { Chain, startServer } from "./chain.ts";

const LENGTH = 64 * MIB;
const NAMES = ["umbra", "ss-local", "ss-server", "ss-tunnel"];
/** Built executables run on Bun. */
const BUILT = { local: "bun", server: "bun" } as const;

/** Made only when a test is to run. */
let dist = "";

before(async () => {
  dist = mkdtempSync(join(tmpdir(), "umbra-dist-"));
  const { code, output } = await build({}, "--runtime=bun", `--outdir=${dist}`);
  assert.equal(code, 0, output);
});
after(() => rmSync(dist, { recursive: true, force: true }));

for (const name of NAMES) {
  test(`${name} says who it is, when its environment is empty`, async () => {
    const path = join(dist, name);
    const version = await runToEnd([path, "--version"], 10_000, { env: {} });
    assert.equal(version.code, 0, version.output);
    assert.match(version.output, /\d+\.\d+\.\d+.*[Bb]un/s);
    assert.match(version.output, /[0-9a-f]{7,}|unknown/);
    const help = await runToEnd([path, "--help"], 10_000, { env: {} });
    assert.equal(help.code, 0, help.output);
    assert.match(help.output, new RegExp(`Usage: ${name}\\b`));
  });
}

test("build.ts puts a man page and completions beside the executables", () => {
  for (const name of ["umbra.1", "umbra.bash", "_umbra", "umbra.fish"]) {
    assert.match(readFileSync(join(dist, name), "utf8"), /umbra/);
  }
});

test("the built umbra init names itself in what it makes", async () => {
  const path = join(dist, "umbra");
  const folder = join(dist, "made");
  const words = [path, "init", "--yes", "--dir", folder];
  const { code, output } = await runToEnd(words, 10_000, { env: {} });
  assert.equal(code, 0, output);
  assert.match(
    output,
    new RegExp(`^  ${path} server -c ${folder}/server`, "m"),
  );
});

test("the built ss-local and ss-server move 64 MiB each way", async () => {
  await using target = await Target.start();
  await using chain = await Chain.start(BUILT, { dist });
  const want = patternDigest(LENGTH);
  using down = await chain.connect(target.address);
  await down.write(command(`down ${LENGTH}`));
  assert.equal(await digestOf(down), want);
  using up = await chain.connect(target.address);
  await up.write(command(`up ${LENGTH}`));
  for (const part of patternParts(LENGTH)) await up.write(part);
  assert.equal(Buffer.from(await up.readAll()).toString(), want);
});

test("the built ss-local and ss-server keep a half-closed connection", async () => {
  await using target = await Target.start();
  await using chain = await Chain.start(BUILT, { dist });
  using stream = await chain.connect(target.address);
  await stream.write(command(`late ${8 * MIB}`));
  stream.end();
  assert.equal(await digestOf(stream), patternDigest(8 * MIB));
});

test("the built ss-local and ss-server relay UDP", async () => {
  using echo = await UdpEcho.start();
  await using chain = await Chain.start(BUILT, { dist, flags: ["-u"] });
  using client = await SocksUdp.start(chain.local.address);
  const target = { host: "127.0.0.1", port: echo.port };
  for (const text of ["hello", "", "x".repeat(9_000)]) {
    await client.send(Buffer.from(text), target);
    const { payload, from } = await client.receive();
    assert.equal(Buffer.from(payload).toString(), text);
    assert.deepEqual(from, target);
  }
});

test("the built ss-server exits 0, when SIGTERM comes", async () => {
  await using server = await startServer("bun", { dist });
  assert.deepEqual(await server.program.stop(), { code: 0, signal: null });
});

test("build.ts compiles with Deno, as far as this machine allows", async () => {
  announceSkip(
    "running what Deno compiled: its base executable (denort) comes from " +
      "dl.deno.land; `deno task build --runtime deno` uses it",
  );
  // Any ELF file will do to type-check, resolve and embed.
  const { code, output } = await build(
    { DENORT_BIN: "/bin/true" },
    "--runtime=deno",
    `--outdir=${join(dist, "deno")}`,
  );
  assert.equal(code, 0, output);
  for (const name of NAMES) {
    assert.match(output, new RegExp(`Compile .*/${name}$`, "m"));
  }
  for (const part of ["main.ts", "@noble", "std_cli", "adapters"]) {
    assert.ok(output.includes(part), output);
  }
  assert.doesNotMatch(output, /bun-linux/);
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
  return runToEnd(
    [denoPath()!, "run", "-A", join(ROOT, "build.ts"), ...args],
    120_000,
    { env: { ...process.env, ...env } },
  );
}
