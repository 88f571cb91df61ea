/**
 * The command `convert`.
 *
 * @module
 */
import { systemRandomBytes } from "../../random.ts";
import { isLink } from "../config/server_settings.ts";
import { systemSources } from "../config/sources.ts";
import { openOnline } from "../online/open_online.ts";
import type { Arguments } from "../options/args.ts";
import { complain, print } from "../output.ts";
import { convert } from "./convert.ts";

/**
 * Runs the command.
 *
 * @throws {UmbraError} If there are no servers, or the form cannot express one.
 */
export async function printConverted(args: Arguments): Promise<void> {
  const file = args.operands.find((one) => !isLink(one));
  const asked = file === undefined ? args : args.withFile(file);
  // A file may be of another program; only this command reads such files.
  using online = asked.last("config") === undefined
    ? await openOnline(asked, systemSources)
    : undefined;
  const { result, warnings } = convert(
    asked,
    systemSources,
    systemRandomBytes,
    online?.servers,
  );
  for (const warning of [...online?.warnings ?? [], ...warnings]) {
    complain(`umbra: ${warning}\n`);
  }
  await print(result);
}
