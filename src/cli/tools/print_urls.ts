/**
 * `umbra url`: prints the URI of each configured server as text or QR code.
 *
 * @module
 */
import type { Arguments } from "../options/args.ts";
import { configureUrls } from "../config/configure_urls.ts";
import { systemSources } from "../config/sources.ts";
import { openOnline } from "../online/open_online.ts";
import { complain, print } from "../output.ts";
import { qrLines } from "./qr_terminal.ts";

/**
 * Runs the command.
 *
 * @throws {UmbraError} If there is no configuration, or it is invalid.
 */
export async function printUrls(args: Arguments): Promise<void> {
  using online = await openOnline(args, systemSources);
  const { result, warnings } = configureUrls(
    args,
    systemSources,
    online?.servers,
  );
  for (const warning of [...online?.warnings ?? [], ...warnings]) {
    complain(`umbra: ${warning}\n`);
  }
  const drawing = args.has("qr") ? qrLines : () => "";
  await print(result.map((url) => `${url}\n${drawing(url)}`).join(""));
}
