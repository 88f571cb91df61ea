/**
 * Runs small programs of the system to their end and returns their output.
 *
 * @module
 */
import { execFile } from "node:child_process";
import process from "node:process";
import { MAX_TOOL_OUTPUT, TOOL_TIMEOUT_MS } from "../../limits.ts";
import {
  findProgram,
  programEnvironment,
  SHELL,
  variables,
} from "./programs.ts";

/** The end of a program. */
export interface ToolResult {
  /** True if its exit code was 0. */
  readonly ok: boolean;
  /** The output; after a failure, with the reason. */
  readonly output: string;
}

/**
 * Runs a program of the system. A failure is a result, not an exception.
 *
 * @param words Its name and arguments.
 */
export type RunTool = (words: readonly string[]) => Promise<ToolResult>;

/** Environment variables by which programs find the desktop. */
const OF_DESKTOP = [
  ...["DBUS_SESSION_BUS_ADDRESS", "XDG_RUNTIME_DIR", "XDG_CONFIG_HOME"],
  ...["XDG_CONFIG_DIRS", "XDG_DATA_HOME", "XDG_DATA_DIRS", "DISPLAY"],
  ...["XDG_CURRENT_DESKTOP", "GSETTINGS_BACKEND", "GSETTINGS_SCHEMA_DIR"],
  ...["SystemRoot", "USERPROFILE", "APPDATA", "LOCALAPPDATA"],
];

/**
 * Runs a program through a shell, which Deno is granted; on Windows directly.
 */
export const runTool: RunTool = (words) => {
  const { promise, resolve } = Promise.withResolvers<ToolResult>();
  const [file, args] = process.platform === "win32"
    ? [words[0]!, words.slice(1)]
    : [SHELL, ["-c", 'exec "$@"', "umbra", ...words]];
  const options = {
    env: { ...programEnvironment(), ...variables(OF_DESKTOP) },
    encoding: "utf8" as const,
    timeout: TOOL_TIMEOUT_MS,
    maxBuffer: MAX_TOOL_OUTPUT,
    windowsHide: true,
  };
  try {
    execFile(file, [...args], options, (error, stdout, stderr) => {
      // Node's own message contains the whole command.
      const why = error === null
        ? ""
        : error.killed
        ? `no end within ${TOOL_TIMEOUT_MS / 1_000} s`
        : stderr || `the program ended with code ${error.code}`;
      resolve({ ok: error === null, output: stdout + why });
    });
  } catch (error) {
    // Deno without the permission, and Bun without the program.
    resolve({ ok: false, output: (error as Error).message });
  }
  return promise;
};

/** True if a program exists, or if that cannot be determined. */
export function hasTool(name: string): boolean {
  return findProgram(name, "/") !== undefined;
}
