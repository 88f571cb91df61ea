/**
 * What `deno task package` makes: right bytes, the same bytes twice, and a
 * Debian package that can be installed, upgraded, removed and purged.
 *
 * @module
 */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { after, before, test } from "node:test";
import denoJson from "../../../deno.json" with { type: "json" };
import { deb } from "../../../deploy/deb.ts";
import { BARE_ROOT_SKIP } from "../../support/bare_root.ts";
import { freePort, runToEnd } from "../../support/process.ts";
import { announceSkip } from "../../support/report.ts";
import { denoPath, ROOT } from "../../support/runtimes.ts";

const { version } = denoJson;
const ARCHIVE = `umbra-${version}-linux-x64.tar.gz`;
const PACKAGE = `umbra_${version}_amd64.deb`;
const BILL = `umbra-${version}.cdx.json`;

/** Packed on Linux for x64 by Bun, wherever the tests run. */
const folder = mkdtempSync(join(tmpdir(), "umbra-packages-"));
const packages = join(folder, "first");
after(() => rmSync(folder, { recursive: true, force: true }));

const skip = BARE_ROOT_SKIP ||
  (spawnSync("dpkg", ["--version"]).error
    ? "installing a package: needs dpkg"
    : process.arch === "x64"
    ? false
    : "installing a package: it is made for amd64");
if (skip) announceSkip(skip);

before(() => pack(packages));

test("every file is in SHA256SUMS, and is what it says", () => {
  const lines = text("SHA256SUMS").trim().split("\n");
  const named = lines.map((line) => line.split("  ") as [string, string]);
  assert.deepEqual(named.map(([, name]) => name), [ARCHIVE, BILL, PACKAGE]);
  for (const [hash, name] of named) {
    const content = readFileSync(join(packages, name));
    assert.equal(createHash("sha256").update(content).digest("hex"), hash);
  }
});

test("two runs on one commit make the same bytes", async () => {
  await pack(join(folder, "second"));
  const again = readFileSync(join(folder, "second", "SHA256SUMS"), "utf8");
  assert.equal(again, text("SHA256SUMS"));
});

test("the archive is unpacked by tar, and its programs run", async () => {
  const unpacked = spawnSync("tar", ["-xzf", join(packages, ARCHIVE)], {
    cwd: folder,
    encoding: "utf8",
  });
  assert.equal(unpacked.status, 0, unpacked.stderr);
  const root = join(folder, ARCHIVE.replace(".tar.gz", ""));
  for (
    const name of ["umbra", "ss-local", "ss-server", "ss-tunnel", "ss-redir"]
  ) {
    const path = join(root, name);
    const { output } = await runToEnd([path, "--help"], 10_000, { env: {} });
    assert.match(output, new RegExp(`^Usage: ${name}\\b`));
  }
  for (const name of ["LICENSE", "README.md", "umbra.1", "umbra.bash"]) {
    assert.notEqual(readFileSync(join(root, name)).length, 0);
  }
});

test("the bill has every package of the program, and no other", () => {
  const { components, dependencies, specVersion } = JSON.parse(text(BILL)) as {
    specVersion: string;
    components: {
      name: string;
      purl: string;
      hashes: { alg: string; content: string }[];
      licenses?: { expression: string }[];
    }[];
    dependencies: { ref: string; dependsOn: string[] }[];
  };
  assert.equal(specVersion, "1.6");
  const names = components.map(({ name }) => name);
  for (const name of ["@noble/ciphers", "minimist", "uplot", "bintrees"]) {
    assert.ok(names.includes(name), name);
  }
  for (const name of ["bun", "socks", "undici", "@valibot/to-json-schema"]) {
    assert.ok(!names.includes(name), name);
  }
  const known = new Set(components.map(({ purl }) => purl));
  for (const { dependsOn } of dependencies) {
    for (const ref of dependsOn) assert.ok(known.has(ref), ref);
  }
  for (const { name, hashes, licenses } of components) {
    assert.match(hashes[0]!.content, /^[0-9a-f]{128}$/, name);
    assert.match(licenses![0]!.expression, /MIT|Apache-2\.0/, name);
  }
});

test("the package is installed, upgraded, removed and purged", {
  skip,
}, async () => {
  const newer = join(folder, "umbra_99.0.0_amd64.deb");
  writeFileSync(newer, laterVersion());
  const { code, output } = await runToEnd([
    ...["sh", join(ROOT, "tests", "e2e", "built", "install.sh")],
    ...[join(packages, PACKAGE), newer, `${await freePort()}`, denoPath()!],
  ], 300_000);
  assert.equal(code, 0, output);
  const facts = output.split("\n").filter((line) => line.startsWith("== "))
    .map((line) => line.slice(3));
  const units = "units are right";
  assert.match(facts.find((line) => line.startsWith("umbra "))!, /\(bun /);
  assert.deepEqual(
    facts.filter((line) => !line.startsWith("umbra ") && line !== units),
    [
      `installed ${version} install ok installed`,
      facts.find((line) =>
        /^user \d+ \/var\/lib\/umbra:\S*nologin$/.test(line)
      ),
      "folder root:umbra 750",
      "owned by root root",
      "name Usage: ss-local [OPTIONS] [ss://URI... | ssr://URI... | https://LIST]",
      "name Usage: ss-server [OPTIONS]",
      "name Usage: ss-tunnel [OPTIONS] [ss://URI... | ssr://URI... | https://LIST]",
      "name Usage: ss-redir [OPTIONS] [rules] [ss://URI... | ssr://URI... | https://LIST]",
      "sums right",
      "served READY=1, then 0",
      "upgraded 99.0.0 install ok installed",
      "kept root:umbra 640",
      "served again READY=1, then 0",
      // The folder has a configuration in it: dpkg leaves both.
      facts.find((line) => line.startsWith("removed ")),
      "program gone",
      "purged: nothing left",
      "user gone",
    ],
    output,
  );
  if (!spawnSync("systemd-analyze", ["--version"]).error) {
    assert.ok(facts.includes(units), output);
  }
});

/** The same program under a later version. */
function laterVersion(): Uint8Array {
  const unit = "umbra-server@.service";
  const root = join(folder, ARCHIVE.replace(".tar.gz", ""));
  const path = join(ROOT, "deploy", "systemd", unit);
  return deb({
    version: "99.0.0",
    architecture: "amd64",
    time: 0,
    program: readFileSync(join(root, "umbra")),
    units: new Map([[unit, readFileSync(path, "utf8")]]),
    manPage: "",
    completions: { bash: "", zsh: "", fish: "" },
    license: "MIT License\n\ntext\n",
    changelog: "",
  });
}

async function pack(outdir: string): Promise<void> {
  const script = join(ROOT, "deploy", "package.ts");
  const flags = ["--runtime=bun", "--target=linux-x64", `--outdir=${outdir}`];
  const { code, output } = await runToEnd(
    [denoPath()!, "run", "-A", script, ...flags],
    300_000,
  );
  assert.equal(code, 0, output);
}

function text(name: string): string {
  return readFileSync(join(packages, name), "utf8");
}
