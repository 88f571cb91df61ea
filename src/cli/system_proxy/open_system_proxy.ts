/**
 * Opens the proxy setting of this system.
 *
 * @module
 */
import { join } from "node:path";
import process from "node:process";
import { systemTransport } from "../../adapters/net/system.ts";
import { hasTool, runTool } from "../../adapters/system/tools.ts";
import { Deadline, systemClock } from "../../clock.ts";
import { UmbraError } from "../../errors.ts";
import { PROXY_ANSWER_MS } from "../../limits.ts";
import type { Endpoint } from "../../transport.ts";
import { KeptFile } from "../kept_file.ts";
import { desktopOf } from "./desktops.ts";
import { SystemProxy } from "./system_proxy.ts";

/** Returns the setting; nothing is read yet. */
export function openSystemProxy(): SystemProxy {
  const environment = variables();
  const path = notePath(environment);
  return new SystemProxy({
    desktop: desktopOf({
      platform: process.platform,
      desktop: environment["XDG_CURRENT_DESKTOP"],
      hasTool,
    }),
    note: path === undefined ? undefined : new KeptFile(path),
    run: runTool,
    isAnswered,
  });
}

type Variables = Readonly<Record<string, string | undefined>>;

/** Returns the variables that are needed; none if Deno was not granted them. */
function variables(): Variables {
  try {
    const { XDG_CURRENT_DESKTOP, XDG_STATE_HOME, HOME, LOCALAPPDATA } =
      process.env;
    return { XDG_CURRENT_DESKTOP, XDG_STATE_HOME, HOME, LOCALAPPDATA };
  } catch {
    return {};
  }
}

/** @returns `undefined` if the environment names no folder for the note. */
function notePath(
  { XDG_STATE_HOME: state, HOME: home, LOCALAPPDATA: local }: Variables,
): string | undefined {
  const folder = state || (home && join(home, ".local", "state")) || local;
  return folder ? join(folder, "umbra", "system-proxy.json") : undefined;
}

async function isAnswered(place: Endpoint): Promise<boolean> {
  using deadline = new Deadline(systemClock, { delayMs: PROXY_ANSWER_MS });
  try {
    const { signal } = deadline;
    (await systemTransport().dial(place, { signal })).close();
    return true;
  } catch (error) {
    if (!(error instanceof UmbraError)) throw error;
    return false;
  }
}
