/**
 * Other programs, run so that none outlives this process, whatever ends it.
 *
 * A program is the child of a shell that reads from a pipe of ours to which
 * nothing is ever written. When the pipe ends, because we have closed it or are
 * no more, the shell ends the program: decision 0100.
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
 * Runs what its arguments say, and reads from descriptor 0 until that ends. A
 * signal to the whole group reaches the shell too, which has to stay for the
 * exit code.
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

/** The search path when the environment has none. */
const USUAL_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:" +
  "/bin";

/** The part of our environment that a program gets. */
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
        // A group of its own: a signal reaches what the program has started.
        detached: true,
      });
    } catch (error) {
      const ended = `was not started: ${(error as Error).message}`;
      return { ended: Promise.resolve(ended), end: () => {} };
    }
    // The shell may be gone when we close the pipe.
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
    // Its last words may still be on their way, or held by a child of it.
    const timer = setTimeout(() => resolve(end), PROGRAM_OUTPUT_MS);
    child.once("close", () => {
      clearTimeout(timer);
      resolve(end);
    });
  });
  return promise;
}

/** A shell has a code above 128 for what a signal has ended. */
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
  // A pipe that breaks has no more lines.
  stream.on("error", () => {});
}

/**
 * Why no programs can be run here, and what to do; `undefined` where they can.
 */
export function programsRefusal(): string | undefined {
  if (isGivenUp) {
    return "this program was started without one, and has given up the right " +
      "to run others: restart it";
  }
  if (isProgram(SHELL) === false) {
    return `it is run through ${SHELL}, which this system does not have`;
  }
  const missing = NEEDS.filter((need) => !isPermitted(need))
    .map(({ name, value }) => `--allow-${name}=${value}`);
  return missing.length === 0
    ? undefined
    : `Deno was not granted it: run it with ${missing.join(" ")}`;
}

/**
 * Gives the right to run programs up, for good, where Deno can do that: what
 * needs none shall be able to run none.
 */
export function giveUpPrograms(): void {
  if (!("Deno" in globalThis)) return;
  Deno.permissions.revokeSync({ name: "run" });
  isGivenUp = true;
}

let isGivenUp = false;

/** Node's spawn asks Deno for the variable, whatever the environment. */
const NEEDS: readonly Permission[] = [
  { name: "run", value: SHELL },
  { name: "env", value: "NODE_V8_COVERAGE" },
];

/**
 * Finds a program: a path as it is, a name in PATH or in the folder of this
 * program.
 *
 * @param folder What a relative path begins at.
 * @returns Its full path, or what the shell shall look for where Deno may not
 * look at files; `undefined` when there is no such program.
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
 * The environment of a program: what it needs to find its files, and nothing
 * that may hold a secret of ours.
 */
export function programEnvironment(): Record<string, string> {
  const env: Record<string, string> = { PATH: variable("PATH") || USUAL_PATH };
  for (const name of INHERITED) {
    const value = variable(name);
    if (value !== undefined) env[name] = value;
  }
  return env;
}

/** @returns `undefined` where Deno was not granted to look. */
function isProgram(path: string): boolean | undefined {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch (error) {
    return (error as Error).name === "NotCapable" ? undefined : false;
  }
}
