/**
 * The commands `umbra system-proxy off` and `umbra system-proxy pac`.
 *
 * @module
 */
import { configureLocal } from "../config/config.ts";
import { systemSources } from "../config/sources.ts";
import { openOnline } from "../online/open_online.ts";
import type { Arguments } from "../options/args.ts";
import { usage } from "../options/getopt.ts";
import { print } from "../output.ts";
import { keptLists } from "../routes/open_lists.ts";
import { pacAddress } from "./configured_proxy.ts";
import { openSystemProxy } from "./open_system_proxy.ts";

/**
 * Restores the system's proxy, or prints the address of a PAC file.
 *
 * @throws {UmbraError} If that fails.
 */
export async function runSystemProxy(args: Arguments): Promise<void> {
  const [word] = args.operands;
  switch (word) {
    case "off": {
      const isRestored = await openSystemProxy().restore();
      return await print(
        isRestored
          ? "System proxy: earlier setting restored\n"
          : "System proxy: nothing to restore\n",
      );
    }
    case "pac": {
      using online = await openOnline(args.withoutWord(), systemSources);
      const lists = keptLists(args.last("config"), systemSources);
      const { result } = configureLocal(
        args.withoutWord(),
        { ...systemSources, lists },
        online?.servers,
      );
      return await print(`${pacAddress(result)}\n`);
    }
    default:
      throw usage("Missing action: expected off or pac");
  }
}
