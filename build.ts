/**
 * Builds the executables `umbra`, `ss-local`, `ss-server`, `ss-tunnel` and
 * `ss-redir`, with a man page and completions. Each executable is
 * self-contained; all are one program that derives its role from its name.
 *
 * Usage: `deno task build [--runtime deno|bun] [--target NAME] [--outdir DIR]
 * [--deno PROGRAM]`. Without `--runtime` Deno compiles, or Bun if Deno's base
 * executable is not available. `--deno` names the Deno that compiles, 2.7 or
 * later; default: the one that runs this script.
 *
 * Deno compiles the output of Bun's bundler: see docs/decisions/0068. The build
 * id replaces `process.env.UMBRA_BUILD` in both.
 *
 * @module
 */
import { spawnSync } from "node:child_process";
import {
  copyFileSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import process from "node:process";
import { parseArgs } from "node:util";
import { LIBRARIES } from "./src/adapters/crypto/openssl.ts";
import { C_LIBRARIES } from "./src/adapters/system/_libc.ts";
import { SHELL } from "./src/adapters/system/programs.ts";
import { completions } from "./src/cli/completions/completions.ts";
import { manPage } from "./src/cli/options/man.ts";
import { bunPath, ROOT } from "./tests/support/runtimes.ts";

/** The names of the executables. */
const NAMES = ["umbra", "ss-local", "ss-server", "ss-tunnel", "ss-redir"];

/** The files beside the executables, for packages. */
const COMPANIONS: Readonly<Record<string, () => string>> = {
  "umbra.1": manPage,
  "umbra.bash": () => completions("bash"),
  "_umbra": () => completions("zsh"),
  "umbra.fish": () => completions("fish"),
};

/**
 * The permissions of a compiled Deno program: open sockets, also unix ones,
 * read and write files (those of `umbra init`, the store, kept lists), read the
 * environment, the system's limits, this machine's addresses and its own user,
 * and start plugins through a shell; a program without plugins drops that
 * permission. It may not load libraries except OpenSSL's and C's. Addresses,
 * paths and the variables that contain passwords are chosen by the operator and
 * unknown here; run from source to restrict them further.
 */
export const PERMISSIONS: readonly string[] = [
  "--no-prompt",
  "--allow-net",
  "--allow-read",
  "--allow-write",
  "--allow-sys=networkInterfaces,uid",
  "--allow-env",
  `--allow-run=${SHELL}`,
  `--allow-ffi=${
    [...LIBRARIES, ...C_LIBRARIES].filter((path) => path.startsWith("/"))
      .join(",")
  }`,
];

/**
 * Settings of V8. The young generation gets 4 MiB instead of up to 32: most
 * objects are short-lived, and its memory is not returned to the system. See
 * docs/decisions/0055. Before Deno 2.9 the collector can be called only if it
 * is exposed here. The last two let V8 compile earlier (decision 0158).
 */
export const V8_FLAGS: string =
  "--v8-flags=--max-semi-space-size=4,--expose-gc," +
  "--no-lazy-feedback-allocation,--invocation-count-for-turbofan=1000";

/**
 * Settings with which Deno compiles. Without the first flag the program would
 * at its start open a file with a known name in /tmp, regardless of its owner,
 * and run its content. The other settings exclude everything that was not
 * bundled.
 */
export const DENO_COMPILE: readonly string[] = [
  "--no-code-cache",
  "--no-config",
  "--no-lock",
  "--node-modules-dir=none",
  "--unstable-net",
];

/** Umbra's name of each platform, with the names of the two compilers. */
export const TARGETS: Readonly<
  Record<string, { readonly deno?: string; readonly bun: string }>
> = {
  "linux-x64": { deno: "x86_64-unknown-linux-gnu", bun: "bun-linux-x64" },
  "linux-arm64": { deno: "aarch64-unknown-linux-gnu", bun: "bun-linux-arm64" },
  "linux-x64-musl": { bun: "bun-linux-x64-musl" },
  "linux-arm64-musl": { bun: "bun-linux-arm64-musl" },
  "darwin-x64": { deno: "x86_64-apple-darwin", bun: "bun-darwin-x64" },
  "darwin-arm64": { deno: "aarch64-apple-darwin", bun: "bun-darwin-arm64" },
  "windows-x64": { deno: "x86_64-pc-windows-msvc", bun: "bun-windows-x64" },
};

/** The options of the command line. */
interface Request {
  readonly runtime?: string | undefined;
  readonly target?: string | undefined;
  readonly outdir: string;
  /** The Deno that compiles. */
  readonly deno: string;
}

/** The end of one compiler run. */
interface Result {
  readonly ok: boolean;
  readonly output: string;
}

if (import.meta.main) process.exitCode = main(process.argv.slice(2));

function main(args: string[]): number {
  const request = readRequest(args);
  if (typeof request === "string") return complain(request, 2);
  mkdirSync(request.outdir, { recursive: true });
  for (const name of NAMES) rmSync(outputPath(request, name), { force: true });
  const build = buildId();
  if (request.runtime !== "bun") {
    const result = buildWithDeno(request, build);
    if (result.ok) return report(request, "Deno", build);
    const noBase = result.output.includes("Setting up base binary");
    if (request.runtime === "deno" || !noBase) {
      return complain(result.output, 1);
    }
    print(
      "Deno's base executable (denort) is not available:\n  " +
        `${lastCause(result.output)}\n` +
        "Building with Bun instead; `--runtime deno` makes this an error.",
    );
  }
  const result = buildWithBun(request, build);
  return result.ok ? report(request, "Bun", build) : complain(result.output, 1);
}

/** @returns The options, or the mistake. */
function readRequest(args: string[]): Request | string {
  try {
    const { values } = parseArgs({
      args,
      options: {
        runtime: { type: "string" },
        target: { type: "string" },
        outdir: { type: "string", default: "dist" },
        deno: { type: "string", default: process.execPath },
      },
    });
    const { runtime, target } = values;
    if (runtime !== undefined && runtime !== "deno" && runtime !== "bun") {
      return `Unknown runtime ${runtime}: use deno or bun`;
    }
    if (target !== undefined && !(target in TARGETS)) {
      return `Unknown target ${target}: use ${Object.keys(TARGETS).join(", ")}`;
    }
    return { ...values, outdir: resolve(values.outdir) };
  } catch (error) {
    return (error as Error).message;
  }
}

/** Bundles the sources, compiles them, and gives the file its other names. */
function buildWithDeno(request: Request, build: string): Result {
  const target = request.target && TARGETS[request.target]!.deno;
  if (request.target && !target) {
    return { ok: false, output: `Deno has no target ${request.target}` };
  }
  const folder = mkdtempSync(join(tmpdir(), "umbra-build-"));
  try {
    const bundled = run(bunPath(), [
      "--no-install",
      join(ROOT, "deploy", "bundle.ts"),
      folder,
      build,
    ]);
    if (!bundled.ok) return bundled;
    // Deno embeds the modification times of files; the time of the commit makes
    // builds reproducible.
    const time = sourceTime();
    for (const file of readdirSync(folder)) {
      utimesSync(join(folder, file), time, time);
    }
    const result = run(request.deno, [
      "compile",
      ...DENO_COMPILE,
      ...PERMISSIONS,
      V8_FLAGS,
      ...(target ? [`--target=${target}`] : []),
      `--include=${join(folder, "worker.js")}`,
      `--output=${outputPath(request, NAMES[0]!)}`,
      join(folder, "main.js"),
    ]);
    if (!result.ok) return result;
    print(result.output.trimEnd());
    giveOtherNames(request);
    return result;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Compiles with Bun, and gives the file its other names. */
function buildWithBun(request: Request, build: string): Result {
  const target = request.target && TARGETS[request.target]!.bun;
  const first = outputPath(request, NAMES[0]!);
  const result = run(bunPath(), [
    "--no-install",
    "build",
    "--compile",
    "--minify",
    "--keep-names",
    // Modules that a command does not load are not parsed.
    "--splitting",
    "--bytecode",
    "--format=esm",
    // A server must not read settings from the folder in which it is started.
    "--no-compile-autoload-dotenv",
    "--no-compile-autoload-bunfig",
    `--define=process.env.UMBRA_BUILD=${JSON.stringify(build)}`,
    ...(target ? [`--target=${target}`] : []),
    `--outfile=${first}`,
    join(ROOT, "src", "main.ts"),
    join(ROOT, "src", "worker.ts"),
  ]);
  if (result.ok) giveOtherNames(request);
  return result;
}

/**
 * Makes links: all names are one file, which is large and the same for each.
 */
function giveOtherNames(request: Request): void {
  const first = outputPath(request, NAMES[0]!);
  for (const name of NAMES.slice(1)) {
    const path = outputPath(request, name);
    try {
      linkSync(first, path);
    } catch {
      // The file system has no hard links.
      copyFileSync(first, path);
    }
  }
}

/**
 * Returns the short hash of the commit, with `-dirty` if files differ from it.
 */
function buildId(): string {
  const hash = run("git", ["rev-parse", "--short", "HEAD"]);
  if (!hash.ok) return "unknown";
  const changes = run("git", ["status", "--porcelain"]);
  const dirty = !changes.ok || changes.output.trim() !== "";
  return hash.output.trim() + (dirty ? "-dirty" : "");
}

/**
 * Returns the time of the commit in seconds since 1970, or `SOURCE_DATE_EPOCH`;
 * 0 without either.
 */
export function sourceTime(): number {
  const { SOURCE_DATE_EPOCH: told } = process.env;
  if (told !== undefined) return Number(told);
  const { ok, output } = run("git", ["log", "-1", "--format=%ct"]);
  return ok ? Number(output) : 0;
}

/** Returns the innermost line of Deno's chain of causes. */
function lastCause(output: string): string {
  const [causes] = output.split("Stack backtrace:");
  return causes!.trim().split("\n").at(-1)!.replace(/^\s*\d+:\s*/, "");
}

function outputPath(request: Request, name: string): string {
  const system = request.target ?? process.platform;
  return join(request.outdir, /^win/.test(system) ? `${name}.exe` : name);
}

function run(program: string, args: string[]): Result {
  const { status, stdout, stderr, error } = spawnSync(program, args, {
    cwd: ROOT,
    encoding: "utf8",
    env: { ...process.env, NO_COLOR: "1" },
  });
  return {
    ok: status === 0,
    output: error ? `${program}: ${error.message}` : stdout + stderr,
  };
}

function report(request: Request, runtime: string, build: string): number {
  const files = NAMES.map((name) => outputPath(request, name));
  for (const [name, text] of Object.entries(COMPANIONS)) {
    const path = join(request.outdir, name);
    writeFileSync(path, text());
    files.push(path);
  }
  print(`Built with ${runtime}, build ${build}:\n  ${files.join("\n  ")}`);
  return 0;
}

function complain(message: string, code: number): number {
  process.stderr.write(`${message.trimEnd()}\n`);
  return code;
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}
