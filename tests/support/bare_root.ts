/**
 * A root folder with one program, the libraries that it needs, and nothing
 * else.
 *
 * @module
 */
import { spawnSync } from "node:child_process";
import { copyFileSync, mkdirSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import process from "node:process";

/** Id of the user and group that own nothing. */
const NOBODY = 65_534;

/** Why programs cannot run in such a folder; false if they can. */
export const BARE_ROOT_SKIP: string | false = process.getuid?.() !== 0
  ? "programs in a root of their own: needs root"
  : spawnSync("unshare", ["--mount", "true"]).status !== 0
  ? "programs in a root of their own: needs the right to mount"
  : false;

/**
 * Copies a program into a root folder, with the libraries that `ldd` lists and
 * `libcrypto.so.3`.
 *
 * @returns Names of the libraries.
 */
export function fillRoot(root: string, program: string): string[] {
  for (const folder of ["proc", "tmp"]) mkdirSync(join(root, folder));
  copyFileSync(program, join(root, basename(program)));
  const libraries = [...new Set([...neededBy(program), ...openssl()])];
  for (const path of libraries) {
    const copy = join(root, path);
    mkdirSync(dirname(copy), { recursive: true });
    copyFileSync(path, copy);
  }
  return libraries.map((path) => basename(path));
}

/**
 * Returns the words before a program that runs in the root folder as nobody,
 * with an empty environment and `/proc`.
 */
export function inRoot(root: string, access: "ro" | "rw"): string[] {
  const script = [
    'mount --bind "$1" "$1"',
    'mount --bind /proc "$1/proc"',
    `mount -o remount,bind,${access} "$1"`,
    "root=$1",
    "shift",
    "exec env -i $(command -v chroot) " +
    `--userspec=${NOBODY}:${NOBODY} --groups= "$root" "$@"`,
  ].join(" && ");
  const shell = ["sh", "-c", script, "sh", root];
  return ["unshare", "--mount", "--propagation=private", ...shell];
}

function neededBy(program: string): string[] {
  const { stdout } = spawnSync("ldd", [program], { encoding: "utf8" });
  return [...stdout.matchAll(/(?:=> |^\s+)(\/\S+)/gm)].map(([, path]) => path!);
}

function openssl(): string[] {
  const { stdout } = spawnSync("ldconfig", ["-p"], { encoding: "utf8" });
  const path = /libcrypto\.so\.3 .*=> (\/\S+)/.exec(stdout)?.[1];
  return path === undefined ? [] : [path, join("/usr", path)];
}
