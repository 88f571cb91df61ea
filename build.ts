/**
 * Builds the executables `umbra`, `ss-local`, `ss-server`, `ss-tunnel` and
 * `ss-redir`, each of which stands alone, with a man page and completions beside
 * them. They are one program that knows its role by its name.
 *
 * Usage: `deno task build [--runtime deno|bun] [--target NAME] [--outdir DIR]
 * [--deno PROGRAM]`. Without `--runtime` Deno compiles, and where its base
 * executable cannot be had, Bun does. `--deno` names the Deno that compiles, 2.7
 * or later; default: the one that runs this.
 *
 * Deno is given what Bun's bundler makes of the sources: see docs/decisions/0068.
 * The build id takes the place of `process.env.UMBRA_BUILD` in both.
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

/** What the executables are called. */
const NAMES = ["umbra", "ss-local", "ss-server", "ss-tunnel", "ss-redir"];

/** What is put beside them, for whoever packs them. */
const COMPANIONS: Readonly<Record<string, () => string>> = {
  "umbra.1": manPage,
  "umbra.bash": () => completions("bash"),
  "_umbra": () => completions("zsh"),
  "umbra.fish": () => completions("fish"),
};

/**
 * What a compiled Deno program may do, whatever it is told: open sockets, unix
 * ones too, read and write files (what `umbra init` makes, the store, a kept list),
 * read the environment, the system's limits, this machine's addresses and its
 * own user, and start plugins through a shell, which whoever is told of none
 * gives up. Not: load libraries but OpenSSL's and C's.
 * Addresses, paths, and the variables that hold passwords, are the operator's choice and
 * unknown here; run from source to narrow them further.
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
 * How V8 shall behave. New objects get 4 MiB, not up to 32: ours die at once,
 * and what they had room in is not given back by itself. See docs/decisions/0055.
 * Before Deno 2.9 its collector can be called only where that was asked for here.
 */
export const V8_FLAGS = "--v8-flags=--max-semi-space-size=4,--expose-gc";

/**
 * How Deno compiles a program that stands alone. Without the first flag it would
 * open a file of a known name in /tmp at start, whoever has made it, and run what
 * it finds there. The rest keeps everything out that was not joined for it.
 */
export const DENO_COMPILE: readonly string[] = [
  "--no-code-cache",
  "--no-config",
  "--no-lock",
  "--node-modules-dir=none",
  "--unstable-net",
];

/** Our name of each platform, and what the two compilers call it. */
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

/** What the command line asks for. */
interface Request {
  readonly runtime?: string | undefined;
  readonly target?: string | undefined;
  readonly outdir: string;
  /** The Deno that compiles. */
  readonly deno: string;
}

/** How one compiler run ended. */
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
      "Deno's base executable (denort) cannot be had here:\n  " +
        `${lastCause(result.output)}\n` +
        "Building with Bun instead; `--runtime deno` makes this an error.",
    );
  }
  const result = buildWithBun(request, build);
  return result.ok ? report(request, "Bun", build) : complain(result.output, 1);
}

/** @returns The request, or what is wrong with it. */
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

/** Joins the sources, compiles them, and gives the file its other names. */
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
    // Deno embeds the times of files; of one commit they are one.
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

/** Compiles, and gives the file its other names. */
function buildWithBun(request: Request, build: string): Result {
  const target = request.target && TARGETS[request.target]!.bun;
  const first = outputPath(request, NAMES[0]!);
  const result = run(bunPath(), [
    "--no-install",
    "build",
    "--compile",
    "--minify",
    "--keep-names",
    // What a command does not load costs it nothing, and the rest is not parsed.
    "--splitting",
    "--bytecode",
    "--format=esm",
    // A server must not take settings from the folder it is started in.
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

/** All names are one file: it is large, and the same for each. */
function giveOtherNames(request: Request): void {
  const first = outputPath(request, NAMES[0]!);
  for (const name of NAMES.slice(1)) {
    const path = outputPath(request, name);
    try {
      linkSync(first, path);
    } catch {
      // No hard links on this file system.
      copyFileSync(first, path);
    }
  }
}

/** Short hash of the commit, with `-dirty` where files differ from it. */
function buildId(): string {
  const hash = run("git", ["rev-parse", "--short", "HEAD"]);
  if (!hash.ok) return "unknown";
  const changes = run("git", ["status", "--porcelain"]);
  const dirty = !changes.ok || changes.output.trim() !== "";
  return hash.output.trim() + (dirty ? "-dirty" : "");
}

/** Seconds since 1970 of the commit, or `SOURCE_DATE_EPOCH`; 0 without either. */
export function sourceTime(): number {
  const { SOURCE_DATE_EPOCH: told } = process.env;
  if (told !== undefined) return Number(told);
  const { ok, output } = run("git", ["log", "-1", "--format=%ct"]);
  return ok ? Number(output) : 0;
}

/** The innermost line of Deno's chain of causes. */
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
