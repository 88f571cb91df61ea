/**
 * Makes the files of a release: for each target an archive of the program, and
 * for Linux a Debian package; a bill of materials; and the hashes of all files.
 * Two runs on one commit give the same bytes.
 *
 * Usage: `deno task package [--runtime deno|bun] [--target NAME]… [--all]
 * [--outdir DIR] [--deno PROGRAM]`. Without `--target` it packages for this
 * machine; with `--all` for every target, which needs Bun's compiler. The rest
 * is as in `build.ts`.
 *
 * @module
 */
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import process from "node:process";
import { parseArgs } from "node:util";
import { gzipSync } from "node:zlib";
import denoJson from "../deno.json" with { type: "json" };
import { sourceTime, TARGETS } from "../build.ts";
import { completions } from "../src/cli/completions/completions.ts";
import { manPage } from "../src/cli/options/man.ts";
import { ROOT } from "../tests/support/runtimes.ts";
import { type Entry, tar } from "./archive.ts";
import { deb } from "./deb.ts";
import { bill, type Lock } from "./sbom.ts";

const { version } = denoJson;

/** Debian's names of the supported architectures. */
const ARCHITECTURES: Readonly<Record<string, string>> = {
  "linux-x64": "amd64",
  "linux-arm64": "arm64",
};

const TEXTS = ["README.md", "CHANGELOG.md", "SECURITY.md", "LICENSE"];

if (import.meta.main) main(process.argv.slice(2));

function main(args: string[]): void {
  const { values } = parseArgs({
    args,
    options: {
      runtime: { type: "string" },
      target: { type: "string", multiple: true },
      all: { type: "boolean", default: false },
      outdir: { type: "string", default: "dist/packages" },
      deno: { type: "string" },
    },
  });
  const targets = values.all
    ? Object.keys(TARGETS)
    : values.target ?? [ownTarget()];
  const outdir = resolve(values.outdir);
  rmSync(outdir, { recursive: true, force: true });
  mkdirSync(outdir, { recursive: true });
  const time = sourceTime();
  const put = (name: string, content: Uint8Array | string): void => {
    writeFileSync(join(outdir, name), content);
  };
  for (const target of targets) {
    const folder = mkdtempSync(join(tmpdir(), "umbra-package-"));
    try {
      build(folder, {
        runtime: values.runtime,
        // If the target is not named, Deno looks for a base of its own.
        target: target === ownTarget() ? undefined : target,
        deno: values.deno,
      });
      const name = `umbra-${version}-${target}`;
      const files = archiveEntries(name, folder);
      put(`${name}.tar.gz`, gzipSync(tar(files, time), { level: 6 }));
      const architecture = ARCHITECTURES[target];
      if (architecture === undefined) continue;
      put(
        `umbra_${version}_${architecture}.deb`,
        debOf(folder, architecture, time),
      );
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  }
  put(`umbra-${version}.cdx.json`, billOfThis(time));
  put("SHA256SUMS", hashesIn(outdir));
  process.stdout.write(
    `Packed in ${outdir}:\n  ${readdirSync(outdir).sort().join("\n  ")}\n`,
  );
}

function ownTarget(): string {
  const system = process.platform === "win32" ? "windows" : process.platform;
  return `${system}-${process.arch}`;
}

/** Runs `build.ts`, which reports mistakes to the operator. */
function build(
  outdir: string,
  options: Readonly<Record<string, string | undefined>>,
): void {
  const flags = Object.entries({ ...options, outdir }).flatMap((
    [name, value],
  ) => value === undefined ? [] : [`--${name}=${value}`]);
  const { status } = spawnSync(
    process.execPath,
    ["run", "-A", join(ROOT, "build.ts"), ...flags],
    { stdio: ["ignore", "inherit", "inherit"] },
  );
  if (status !== 0) process.exit(status ?? 1);
}

/** Returns all built files, and the texts; one file has several names. */
function archiveEntries(name: string, folder: string): Entry[] {
  const files = readdirSync(folder).sort();
  const program = files.find((file) => /^umbra(\.exe)?$/.test(file))!;
  const isWindows = program.endsWith(".exe");
  // Windows unpacks no links, so the archive has one program.
  const wanted = files.filter((file) => !isWindows || !file.startsWith("ss-"));
  const built = wanted.map((file): Entry => {
    const path = `${name}/${file}`;
    if (file.startsWith("ss-")) return { path, link: program };
    const content = readFileSync(join(folder, file));
    return { path, content, ...isProgram(file) && { mode: 0o755 } };
  });
  const texts = TEXTS.map((file) => ({
    path: `${name}/${file}`,
    content: readFileSync(join(ROOT, file)),
  }));
  return [{ path: `${name}/` }, ...built, ...texts];
}

function isProgram(file: string): boolean {
  return /^(umbra|ss-\w+)(\.exe)?$/.test(file);
}

function debOf(
  folder: string,
  architecture: string,
  time: number,
): Uint8Array {
  const read = (path: string): string => readFileSync(join(ROOT, path), "utf8");
  const units = readdirSync(join(ROOT, "deploy", "systemd")).sort();
  return deb({
    version,
    architecture,
    time,
    program: readFileSync(join(folder, "umbra")),
    units: new Map(units.map((name) => [name, read(`deploy/systemd/${name}`)])),
    manPage: manPage(),
    completions: {
      bash: completions("bash"),
      zsh: completions("zsh"),
      fish: completions("fish"),
    },
    license: read("LICENSE"),
    changelog: read("CHANGELOG.md"),
  });
}

function billOfThis(time: number): string {
  const lock = JSON.parse(readFileSync(join(ROOT, "deno.lock"), "utf8"));
  return bill({
    version,
    time,
    imports: importedPackages(),
    lock: lock as Lock,
    license(name, version): string | undefined {
      const store = `${name.replace("/", "+")}@${version}`;
      const path = join(
        ...[ROOT, "node_modules", ".deno", store, "node_modules", name],
        "package.json",
      );
      return JSON.parse(readFileSync(path, "utf8")).license;
    },
  });
}

/** Returns the packages that `deno.json` names and a source imports. */
function importedPackages(): string[] {
  const source = join(ROOT, "src");
  const texts = readdirSync(source, { recursive: true }).map(String)
    .filter((path) => path.endsWith(".ts"))
    .map((path) => readFileSync(join(source, path), "utf8"));
  return Object.entries(denoJson.imports)
    .filter(([name, target]) =>
      target.startsWith("npm:") &&
      texts.some((text) =>
        text.includes(`from "${name}"`) || text.includes(`from "${name}/`)
      )
    )
    .map(([name]) => name);
}

/** Formats hashes like `sha256sum`. */
function hashesIn(folder: string): string {
  return readdirSync(folder).sort().map((name) => {
    const content = readFileSync(join(folder, name));
    return `${createHash("sha256").update(content).digest("hex")}  ${name}\n`;
  }).join("");
}
