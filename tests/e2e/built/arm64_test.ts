/**
 * What Bun compiles for Linux on arm64, run by qemu: the layouts of structures
 * of Umbra's own sockets differ from x86-64.
 *
 * @module
 */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { Buffer } from "node:buffer";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { after, test } from "node:test";
import { buildCommand } from "../../support/executables.ts";
import { runToEnd } from "../../support/process.ts";
import { announceSkip } from "../../support/report.ts";
import {
  command,
  digestOf,
  MIB,
  patternDigest,
  Target,
} from "../../support/target.ts";
import { SocksUdp, UdpEcho } from "../../support/udp.ts";
import { Chain } from "../chain.ts";

const QEMU = "/usr/bin/qemu-aarch64-static";
/** Debian's C library for arm64, beside that of this machine. */
const LIBRARIES = "/usr/aarch64-linux-gnu/lib";

const folder = mkdtempSync(join(tmpdir(), "umbra-arm64-"));
after(() => rmSync(folder, { recursive: true, force: true }));

/** The roles as scripts, which start the executable in qemu. */
const dist = join(folder, "scripts");
/** qemu looks here first for every file that the program opens. */
const root = join(folder, "root");

const skip = build();
if (skip) announceSkip(skip);

test("arm64: own sockets pass their self-test", { skip }, async () => {
  const words = [join(dist, "umbra"), "check", "transport"];
  const { code, output } = await runToEnd(words, 20_000);
  assert.equal(code, 0, output);
  assert.match(output, /^linux +passed its self-test/m);
});

test("arm64: streams and datagrams by own sockets", { skip }, async () => {
  await using target = await Target.start();
  using echo = await UdpEcho.start();
  await using chain = await Chain.start({ local: "bun", server: "bun" }, {
    dist,
    flags: ["-u", "--transport", "linux"],
  });
  using stream = await chain.connect(target.address);
  await stream.write(command(`late ${MIB}`));
  stream.end();
  assert.equal(await digestOf(stream), patternDigest(MIB));
  using client = await SocksUdp.start(chain.local.address);
  const to = { host: "127.0.0.1", port: echo.port };
  for (const text of ["hello", "", "x".repeat(9_000)]) {
    await client.send(Buffer.from(text), to);
    const { payload, from } = await client.receive(20_000);
    assert.equal(Buffer.from(payload).toString(), text);
    assert.deepEqual(from, to);
  }
});

/** Returns what is missing; false if all is built. */
function build(): string | false {
  if (
    process.platform !== "linux" || process.arch !== "x64" ||
    !existsSync(QEMU) || !existsSync(LIBRARIES)
  ) {
    return "arm64: needs qemu-user-static and libc6-arm64-cross, on Linux on x64";
  }
  const { words: [program, ...words], env } = buildCommand("bun", folder);
  const { status, stdout, stderr } = spawnSync(
    program!,
    [...words, "--target=linux-arm64"],
    { env, encoding: "utf8" },
  );
  const [missing] = stderr.match(/^Failed to download .*/m) ?? [];
  if (missing !== undefined) return `arm64: ${missing}`;
  assert.equal(status, 0, stdout + stderr);
  mkdirSync(join(root, "lib"), { recursive: true });
  for (const name of readdirSync(LIBRARIES)) {
    symlinkSync(join(LIBRARIES, name), join(root, "lib", name));
  }
  symlinkSync(LIBRARIES, join(root, "lib", "aarch64-linux-gnu"));
  mkdirSync(dist);
  for (const name of ["umbra", "ss-local", "ss-server"]) {
    const words = `${QEMU} -L ${root} ${join(folder, name)} "$@"`;
    writeFileSync(join(dist, name), `#!/bin/sh\nexec ${words}\n`, {
      mode: 0o755,
    });
  }
  return false;
}
