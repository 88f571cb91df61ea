/**
 * Reads the files and environment variables of a configuration, the same way on
 * both runtimes.
 *
 * @module
 */
import { readdirSync, statSync } from "node:fs";
import process from "node:process";
import {
  findProgram,
  programEnvironment,
  programsRefusal,
} from "../../adapters/system/programs.ts";
import { badValue, ConfigError } from "../../errors.ts";
import { readBytes } from "../file_failure.ts";
import type { Sources } from "./secrets.ts";

/** The files, variables and programs of this system. */
export const systemSources: Sources = {
  readText,
  list,
  variable,
  isPublic,
  programs: {
    refusal: programsRefusal,
    find: findProgram,
    environment: programEnvironment,
  },
};

/**
 * Reads a file as UTF-8, without the byte order mark that Windows editors add:
 * in a password the mark would be invisible.
 *
 * @throws {ConfigError} `ERR_CONFIG_FILE`.
 */
function readText(path: string): string {
  const bytes = readBytes(path);
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (error) {
    throw new ConfigError(
      "ERR_CONFIG_FILE",
      `Cannot read ${path}: it is not UTF-8; save it in that encoding`,
      { cause: error },
    );
  }
}

function list(path: string): readonly string[] | undefined {
  try {
    return statSync(path).isDirectory() ? readdirSync(path) : undefined;
  } catch {
    // The path is read as a file next, and that error names the reason.
    return undefined;
  }
}

/** @throws {ConfigError} If Deno was not granted the variable. */
function variable(name: string): string | undefined {
  try {
    return process.env[name];
  } catch (error) {
    // Deno throws this error for a value that is not UTF-8.
    if ((error as Error).name === "InvalidData") return "\ufffd";
    throw badValue(
      `Cannot read the variable ${name}: Deno was not granted it; run with ` +
        `--allow-env=${name}`,
      { cause: error },
    );
  }
}

/**
 * True if other users may read a file; false if the system has no permissions.
 */
function isPublic(path: string): boolean {
  return process.platform !== "win32" && (statSync(path).mode & 0o004) !== 0;
}
