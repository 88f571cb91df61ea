/**
 * What the system gives a configuration: files and the environment, the same
 * way on both runtimes.
 *
 * @module
 */
import { readdirSync, readFileSync, statSync } from "node:fs";
import process from "node:process";
import {
  findProgram,
  programEnvironment,
  programsRefusal,
} from "../../adapters/system/programs.ts";
import { ConfigError } from "../../errors.ts";
import { fileFailure } from "../file_failure.ts";
import type { Sources } from "./secrets.ts";

/** Files and variables of this process. */
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
 * Reads a file as UTF-8. The mark that Windows' editors put in front of it is
 * no part of the text: in a password it would be invisible.
 *
 * @throws {ConfigError} `ERR_CONFIG_FILE`.
 */
function readText(path: string): string {
  const bytes = read(path);
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
    // Who reads it as a file next says why it cannot be.
    return undefined;
  }
}

function read(path: string): Uint8Array {
  try {
    return readFileSync(path);
  } catch (error) {
    throw new ConfigError(
      "ERR_CONFIG_FILE",
      `Cannot read ${path}: ${fileFailure(error, "read")}`,
      { cause: error },
    );
  }
}

/** @throws {ConfigError} Where Deno was not granted it. */
function variable(name: string): string | undefined {
  try {
    return process.env[name];
  } catch (error) {
    // What Deno says of one that is not UTF-8.
    if ((error as Error).name === "InvalidData") return "\ufffd";
    throw new ConfigError(
      "ERR_CONFIG_VALUE",
      `Cannot read the variable ${name}: Deno was not granted it; run with ` +
        `--allow-env=${name}`,
      { cause: error },
    );
  }
}

/** True if others may read it; false where the system has no permissions. */
function isPublic(path: string): boolean {
  return process.platform !== "win32" && (statSync(path).mode & 0o004) !== 0;
}
