/**
 * A Deno that can compile on this machine, and the base executable for its
 * output.
 *
 * Deno downloads that base (denort) from a host that not every machine reaches.
 * An npm package of another project contains the base of Deno 2.7.11 with a
 * program appended, which is cut off. All files are pinned by hash, used only
 * in tests, and never part of a release.
 *
 * @module
 */
import type { Buffer } from "node:buffer";
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { ROOT } from "./runtimes.ts";

/** A compiler. */
export interface DenoCompiler {
  /** The program, for `build.ts --deno`. */
  readonly deno: string;
  /** Environment variables that `build.ts` passes on. */
  readonly env: Readonly<Record<string, string>>;
}

/** Its version. */
export const COMPILER_VERSION = "2.7.11";

/** Why there is none for this system; false if there is. */
export const COMPILER_SKIP: string | false =
  process.platform !== "linux" || process.arch !== "x64"
    ? "what Deno compiles: a base executable is to be had for Linux on x64 only"
    : false;

/** A file in an npm package, with its hash. */
interface Pinned {
  readonly name: string;
  readonly integrity: string;
  readonly file: string;
}

const COMPILER: Pinned = {
  name: `@deno/linux-x64-glibc@${COMPILER_VERSION}`,
  integrity: "sha512-TCRXqy4rHI+pKmWfjIz/qfDyfTz61qhxj+03kEJ3r0YzRGsXNoHyE7Wi" +
    "UawwUK2hbrBAu7hn3m5833VUYqRzOg==",
  file: "package/deno",
};

const BASE: Pinned = {
  name: "@stdy/cli-linux-x64@0.22.2",
  integrity: "sha512-kp5QdG26EC8gEzVXI0YgzmiiFHz7DFCNRLNfAWa2rDPHr/jUBnfkP8Al" +
    "bTPmv0YNQpnKn1wzSWHFw88fn/OTog==",
  file: "package/bin/steady",
};

/** SHA-256 of the base executable without the program. */
const BASE_SHA256 =
  "f12d5d3886d5ea138304fb8d67d7396cfbedf53656676132152cb89f3fa4d8e6";

/**
 * The trailer of a compiled program: magic, hash of a name, length with these.
 */
const TRAILER = { length: 16, magic: 0x501e };

/**
 * Downloads both from npm once; they stay in `.cache`.
 *
 * @throws {Error} If npm cannot be reached, or the files differ.
 */
export function denoCompiler(): DenoCompiler {
  const folder = join(ROOT, ".cache", `deno-${COMPILER_VERSION}`);
  const deno = join(folder, "deno");
  const base = join(folder, "denort");
  if (!existsSync(deno) || !existsSync(base)) {
    mkdirSync(folder, { recursive: true });
    const fresh = mkdtempSync(join(ROOT, ".cache", "deno-"));
    try {
      putProgram(join(fresh, "deno"), fetchFile(COMPILER, fresh));
      putProgram(join(fresh, "denort"), baseAlone(fetchFile(BASE, fresh)));
      // Another test file may do the same now. A program that already runs
      // from the old file keeps it.
      renameSync(join(fresh, "deno"), deno);
      renameSync(join(fresh, "denort"), base);
    } finally {
      rmSync(fresh, { recursive: true, force: true });
    }
  }
  return { deno, env: { DENORT_BIN: base } };
}

function putProgram(path: string, bytes: Uint8Array): void {
  writeFileSync(path, bytes, { mode: 0o755 });
}

function fetchFile(
  { name, integrity, file }: Pinned,
  folder: string,
): Uint8Array {
  const packed = run("npm", ["pack", name, "--silent"], folder)
    .toString("utf8").trim();
  const archive = join(folder, packed);
  const hash = createHash("sha512").update(readFileSync(archive));
  if (`sha512-${hash.digest("base64")}` !== integrity) {
    throw new Error(`${name} is not what it was: ${archive}`);
  }
  const content = run("tar", ["-xzOf", archive, file], folder);
  rmSync(archive);
  return content;
}

/** Returns the base executable of a compiled program. */
function baseAlone(program: Uint8Array): Uint8Array {
  const at = program.length - TRAILER.length;
  const view = new DataView(program.buffer, program.byteOffset + at);
  if (view.getUint32(0, true) !== TRAILER.magic) {
    throw new Error("The base executable has no known trailer");
  }
  const length = Number(view.getBigUint64(8, true));
  const base = program.subarray(0, program.length - length);
  if (createHash("sha256").update(base).digest("hex") !== BASE_SHA256) {
    throw new Error("The base executable is not what it was");
  }
  return base;
}

function run(program: string, args: string[], cwd: string): Buffer {
  const { status, stdout, stderr, error } = spawnSync(program, args, {
    cwd,
    maxBuffer: 256 * 1_024 * 1_024,
  });
  if (error !== undefined) throw error;
  if (status !== 0) throw new Error(`${program} ${args.join(" ")}: ${stderr}`);
  return stdout;
}
