/**
 * Runs other programs, so that none survives this process, however it ends.
 *
 * A program is the child of a shell that reads from a pipe to which nothing is
 * ever written. When the pipe ends, because this process has closed it or has
 * died, the shell ends the program: decision 0100.
 *
 * @module
 */
import { type ChildProcess, spawn } from "node:child_process";
import { accessSync, constants, statSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import process from "node:process";
import type { Readable } from "node:stream";
import {
  MAX_PROGRAM_LINE,
  PROGRAM_END_MS,
  PROGRAM_OUTPUT_MS,
} from "../../limits.ts";
import type { Programs, RunningProgram } from "../../programs.ts";
import { isPermitted, type Permission } from "./runtime.ts";
import { variable } from "./_variable.ts";

/** The shell that runs programs. */
export const SHELL = "/bin/sh";

/**
 * Runs the command in its arguments, and reads descriptor 0 until its end. A
 * signal to the process group also reaches the shell, which ignores it to
 * return the exit code.
 */
const GUARD = `exec 3<&0 4>&2 2>/dev/null
trap : TERM
"$@" </dev/null 2>&4 3<&- 4>&- & program=$!
exec 4>&-
{
  trap : TERM
  read -r _ <&3
  kill -TERM -$$ || kill -TERM $program
  sleep ${PROGRAM_END_MS / 1_000}
  kill -KILL -$$ || kill -KILL $program
} >/dev/null & watch=$!
wait $program; code=$?
while kill -0 $program; do wait $program; code=$?; done
kill -KILL $watch
exit $code`;

/** The search path if the environment has none. */
const USUAL_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:" +
  "/bin";

/** Names of the environment variables that programs inherit. */
const INHERITED = [
  ...["HOME", "LANG", "TZ", "TMPDIR", "SSL_CERT_FILE", "SSL_CERT_DIR"],
];

/** The programs of this system. */
export const systemPrograms: Programs = {
  start({ path, args, env, onLine }): RunningProgram {
    let child: ChildProcess;
    try {
      child = spawn(SHELL, ["-c", GUARD, "umbra-plugin", path, ...args], {
        stdio: ["pipe", "pipe", "pipe"],
        env,
        // A process group of its own, so that a signal reaches all processes of
        // the program.
        detached: true,
      });
    } catch (error) {
      const ended = `was not started: ${(error as Error).message}`;
      return { ended: Promise.resolve(ended), end: () => {} };
    }
    // The shell may be gone when the pipe is closed.
    child.stdin!.on("error", () => {});
    for (const stream of [child.stdout!, child.stderr!]) {
      readLines(stream, onLine);
    }
    return { ended: endOf(child), end: () => child.stdin!.destroy() };
  },
};

function endOf(child: ChildProcess): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<string>();
  child.once(
    "error",
    ({ message }: Error) => resolve(`was not started: ${message}`),
  );
  child.once("exit", (code: number | null, signal: string | null) => {
    child.stdin!.destroy();
    const end = describeEnd(code, signal);
    // The last output may still be on its way, or be held by a child process.
    const timer = setTimeout(() => resolve(end), PROGRAM_OUTPUT_MS);
    child.once("close", () => {
      clearTimeout(timer);
      resolve(end);
    });
  });
  return promise;
}

/**
 * Describes the end of a program. A shell reports a signal as a code above 128.
 */
function describeEnd(code: number | null, signal: string | null): string {
  if (code === null) return `was ended by ${signal}`;
  return code > 128
    ? `was ended by signal ${code - 128}`
    : `ended with code ${code}`;
}

function readLines(stream: Readable, onLine: (line: string) => void): void {
  let rest = "";
  stream.setEncoding("utf8");
  stream.on("data", (text: string) => {
    const lines = (rest + text).split(/\r?\n/);
    rest = lines.pop()!.slice(0, MAX_PROGRAM_LINE);
    for (const line of lines) onLine(line.slice(0, MAX_PROGRAM_LINE));
  });
  stream.on("end", () => rest !== "" && onLine(rest));
  // A broken pipe has no more lines.
  stream.on("error", () => {});
}

/**
 * Returns why no programs can be run, and what to do; `undefined` if they can.
 */
export function programsRefusal(): string | undefined {
  if (isGivenUp) {
    return "Umbra was started without a plugin and has dropped the permission to " +
      "run programs: restart Umbra";
  }
  if (isProgram(SHELL) === false) {
    return `programs are run through ${SHELL}, which does not exist on this system`;
  }
  const missing = NEEDS.filter((need) => !isPermitted(need))
    .map(({ name, value }) => `--allow-${name}=${value}`);
  return missing.length === 0
    ? undefined
    : `Deno was not granted the permission: run it with ${missing.join(" ")}`;
}

/**
 * Drops Deno's permission to run programs, for good, so that a service that
 * needs no programs cannot run any.
 */
export function giveUpPrograms(): void {
  if (!("Deno" in globalThis)) return;
  Deno.permissions.revokeSync({ name: "run" });
  isGivenUp = true;
}

let isGivenUp = false;

/**
 * Node's spawn needs Deno's permission for the variable, even if an environment
 * is given.
 */
const NEEDS: readonly Permission[] = [
  { name: "run", value: SHELL },
  { name: "env", value: "NODE_V8_COVERAGE" },
];

/**
 * Finds a program: a path, or a name in PATH or in the folder of this program.
 *
 * @param folder The folder to which a path is relative.
 * @returns The full path, or the name if Deno may not look for files;
 * `undefined` if the program does not exist.
 */
export function findProgram(name: string, folder: string): string | undefined {
  if (name.includes("/")) {
    const path = resolve(folder, name);
    return isProgram(path) === false ? undefined : path;
  }
  const path = variable("PATH") || USUAL_PATH;
  const candidates = [
    ...path.split(":").filter(Boolean),
    dirname(process.execPath),
  ].map((place) => join(place, name));
  const found = candidates.map(isProgram);
  const first = candidates[found.indexOf(true)];
  return first ?? (found.includes(undefined) ? name : undefined);
}

/**
 * Returns the environment of a program: variables to find its files, and none
 * that may contain a secret.
 */
export function programEnvironment(): Record<string, string> {
  return { PATH: variable("PATH") || USUAL_PATH, ...variables(INHERITED) };
}

/** Returns those of some variables that are set. */
export function variables(names: readonly string[]): Record<string, string> {
  const set = names.map((name) => [name, variable(name)] as const)
    .filter(([, value]) => value !== undefined);
  return Object.fromEntries(set) as Record<string, string>;
}

/** @returns `undefined` if Deno may not look for the file. */
function isProgram(path: string): boolean | undefined {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch (error) {
    return (error as Error).name === "NotCapable" ? undefined : false;
  }
}
