/**
 * The command `migrate`.
 *
 * @module
 */
import { existsSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { ConfigError } from "../../errors.ts";
import { systemSources } from "../config/sources.ts";
import { fileError } from "../file_failure.ts";
import type { Arguments } from "../options/args.ts";
import { usage } from "../options/getopt.ts";
import { complain, print } from "../output.ts";
import { fromOptions } from "../settings/read.ts";
import { BESIDE } from "../settings/migrate.ts";
import { SERVER } from "../settings/server.ts";
import { besideRules } from "./beside_rules.ts";
import { migrate } from "./migrate.ts";

/** Matches the names of the files that ss-manager and Outline save. */
const SAVED = /^\.shadowsocks_\d+\.conf$|^shadowbox_config\.json$/;

/**
 * Runs the command.
 *
 * @throws {ConfigError} If a file cannot be read, or a server is not supported.
 */
export async function runMigrate(args: Arguments): Promise<void> {
  const files = args.operands.flatMap(filesOf);
  if (files.length === 0) {
    throw usage("Missing file: give a FILE, or the FOLDER of ss-manager");
  }
  const { method } = fromOptions(SERVER, args);
  const { beside, rules = false } = fromOptions(BESIDE, args);
  if (rules && beside === undefined) throw usage("--rules needs --beside N");
  const wishes = { host: args.last("host"), method, beside };
  const { text, notes, ports } = migrate(files, wishes, systemSources);
  if (rules) return await print(besideRules(ports, beside!));
  for (const note of notes) complain(`umbra: ${note}\n`);
  await print(text);
}

/** Returns the file, or the saved files of another program in a folder. */
function filesOf(path: string): string[] {
  try {
    if (!existsSync(path) || !statSync(path).isDirectory()) return [path];
    const names = readdirSync(path).filter((name) => SAVED.test(name)).sort();
    if (names.length > 0) return names.map((name) => join(path, name));
  } catch (error) {
    throw fileError(`Cannot read ${path}`, error, "read");
  }
  throw new ConfigError(
    "ERR_CONFIG_FILE",
    `${path} contains neither .shadowsocks_PORT.conf nor shadowbox_config.json`,
  );
}
