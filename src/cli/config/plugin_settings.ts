/**
 * What the sources say of the program in front of a server → how it is run.
 *
 * @module
 */
import {
  clientPlugin,
  joinPlugin,
  splitPlugin,
} from "../../codec/plugin_options.ts";
import { ConfigError } from "../../errors.ts";
import type { Mode } from "../../service/options.ts";
import type { PluginOptions } from "../../service/plugin/options.ts";
import { shownText } from "../../text.ts";
import { PLUGIN, type PluginKeys } from "../settings/plugin.ts";
import { merge, type Said } from "../settings/read.ts";
import { locate, type Sources } from "./secrets.ts";

/** The settings of a plugin from one source. */
export interface PluginSettings extends Said<PluginKeys> {
  /** The folder of a relative path; default: the working folder. */
  readonly folder?: string;
  /**
   * Option that named it: what was given to it is not repeated, as it may be a
   * password.
   */
  readonly option?: string;
}

/** A server that may have one, and where it was written. */
interface Fronted {
  readonly origin: string;
  readonly plugin?: PluginSettings | undefined;
}

/** The settings, if there are any. */
export function saidPlugin(
  said: PluginSettings,
): PluginSettings | undefined {
  const { folder: _, option: __, ...told } = said;
  return Object.keys(told).length === 0 ? undefined : said;
}

/** The plugin of a link: program and options in one text. */
export function pluginFromLink(
  text: string | undefined,
): PluginSettings | undefined {
  return text === undefined ? undefined : splitPlugin(text);
}

/**
 * The first source that names a plugin, changed by those before it: options of
 * one program mean nothing to another.
 */
export function mergePlugins(
  sources: readonly (PluginSettings | undefined)[],
): PluginSettings | undefined {
  const said = sources.filter((one) => one !== undefined);
  const named = said.findIndex(({ name }) => name !== undefined);
  return said.length === 0
    ? undefined
    : merge<PluginSettings>(...named < 0 ? said : said.slice(0, named + 1));
}

/** Debian has another name for it. */
const OTHER_NAMES: Readonly<Record<string, string>> = {
  "v2ray-plugin": "ss-v2ray-plugin",
};

/** The path of the program; `undefined` where there is none to be run. */
export function findPlugin(
  { name = "", folder = "" }: PluginSettings,
  { programs }: Sources,
): string | undefined {
  if (programs === undefined || programs.refusal() !== undefined) {
    return undefined;
  }
  return [name, OTHER_NAMES[name]].filter((one) => one !== undefined)
    .map((one) => programs.find(one, folder))
    .find((found) => found !== undefined);
}

/**
 * How the plugin of a server is run.
 *
 * @returns `undefined` where there is none.
 * @throws {ConfigError} When it cannot be run here.
 */
export function pluginOf(
  { plugin, origin }: Fronted,
  sources: Sources,
): PluginOptions | undefined {
  if (!plugin?.name) return undefined;
  const { name, options, args, mode = "tcp_only", variables = [] } = plugin;
  const wrong = (why: string): ConfigError =>
    new ConfigError(
      "ERR_CONFIG_VALUE",
      `${plugin.option ?? `${origin}: plugin "${shownText(name)}"`}: ${why}`,
    );
  if (/(?:^|\/)obfsproxy$/.test(name)) {
    throw wrong("obfsproxy is not supported; obfs-local is its successor");
  }
  const { programs } = sources;
  const refusal = programs === undefined
    ? "no programs are run here"
    : programs.refusal();
  if (refusal !== undefined) throw wrong(refusal);
  const path = findPlugin(plugin, sources);
  if (path === undefined) {
    throw wrong(
      name.includes("/")
        ? "there is no such program"
        : "no such program in PATH: install it, or give its path",
    );
  }
  const env = { ...programs!.environment() };
  for (const variable of variables) {
    const value = locate(
      `${origin}: ${PLUGIN.variables.key}`,
      () => sources.variable(variable),
    );
    if (value !== undefined) env[variable] = value;
  }
  return {
    name,
    path,
    ...options && { options },
    ...args && { args },
    mode,
    env,
  };
}

/**
 * What has no effect behind a plugin, or is no plugin.
 *
 * @returns One sentence each.
 */
export function pluginWarnings(
  servers: readonly Fronted[],
): string[] {
  return servers.flatMap(({ plugin, origin }) =>
    plugin?.options && !plugin.name
      ? [`ignored: ${origin}: ${PLUGIN.options.key}: there is no plugin`]
      : []
  );
}

/**
 * Makes sure that something passes through the plugin of a server.
 *
 * @throws {ConfigError} When nothing would.
 */
export function checkPluginMode(
  { origin }: Fronted,
  plugin: PluginOptions | undefined,
  mode: Mode,
): void {
  const served = mode === "tcp_and_udp" ? plugin?.mode : mode;
  if (
    plugin === undefined || plugin.mode === "tcp_and_udp" ||
    served === plugin.mode
  ) return;
  throw new ConfigError(
    "ERR_CONFIG_VALUE",
    `${origin}: nothing would pass through the plugin: its mode is ` +
      `"${plugin.mode}", that of the server "${mode}"`,
  );
}

/** The settings of a plugin as the keys of a file. */
export function pluginKeys(
  plugin: PluginSettings | undefined,
): Record<string, unknown> {
  return plugin?.name
    ? Object.fromEntries(
      Object.entries(PLUGIN).flatMap(([name, { key }]) => {
        const value = plugin[name as keyof PluginKeys];
        return value === undefined ? [] : [[key, value]];
      }),
    )
    : {};
}

/** The plugin of a server as a link for its clients has it. */
export function linkedPlugin(
  plugin: PluginSettings | undefined,
): string | undefined {
  if (!plugin?.name) return undefined;
  const { name, options } = plugin;
  return joinPlugin(clientPlugin({ name, ...options && { options } }));
}
