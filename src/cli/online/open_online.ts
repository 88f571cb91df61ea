/**
 * Opens the published list of a command line or its file.
 *
 * @module
 */
import { fetchDocument } from "../../adapters/net/fetch_document.ts";
import { systemClock } from "../../clock.ts";
import type { Arguments } from "../options/args.ts";
import { allowsLegacy } from "../config/legacy_gate.ts";
import { readConfig } from "../config/find_servers.ts";
import { cachePath, OnlineCache } from "./online_cache.ts";
import { OnlineServers } from "./online_servers.ts";
import { onlineSettings } from "../config/online_settings.ts";
import type { Sources } from "../config/secrets.ts";

/**
 * Fetches the list for the first time.
 *
 * @returns `undefined` if no list is configured.
 * @throws {UmbraError} If the list can be neither fetched nor read from its
 * copy.
 */
export async function openOnline(
  args: Arguments,
  sources: Sources,
): Promise<OnlineServers | undefined> {
  const file = args.last("config");
  const object = file === undefined ? undefined : readConfig(file, sources);
  const settings = onlineSettings(args, object);
  if (settings === undefined) return undefined;
  const { url, refreshMs, cacheFile, allowedPlugins } = settings;
  const path = cacheFile ?? cachePath(url);
  return await OnlineServers.load({
    url,
    refreshMs,
    allowedPlugins,
    allowLegacy: allowsLegacy(args, object),
    fetch: (url, signal) => fetchDocument(url, { signal }),
    cache: path === undefined ? undefined : new OnlineCache(path),
    clock: systemClock,
  });
}
