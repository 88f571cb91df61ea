/**
 * Turns the plugin settings of the sources into the options of the plugin
 * program.
 *
 * @module
 */
import {
  clientPlugin,
  joinPlugin,
  splitPlugin,
} from "../../codec/plugin_options.ts";
import { badValue, type ConfigError } from "../../errors.ts";
import type { Mode } from "../../service/options.ts";
import type { PluginOptions } from "../../service/plugin/options.ts";
import { shownText } from "../../text.ts";
import { PLUGIN, type PluginKeys } from "../settings/plugin.ts";
import { merge, type Said } from "../settings/read.ts";
import { locate, type Sources } from "./secrets.ts";

/** The settings of a plugin from one source. */
export interface PluginSettings extends Said<PluginKeys> {
  /** The folder to which a path is relative; default: the working folder. */
  readonly folder?: string;
  /**
   * The option that named the plugin. Messages then do not repeat its value,
   * which may be a password.
   */
  readonly option?: string;
}

/** A server that may have a plugin, and the place of its settings. */
interface Fronted {
  readonly origin: string;
  readonly plugin?: PluginSettings | undefined;
}

/** Returns the settings if any is given. */
export function saidPlugin(
  said: PluginSettings,
): PluginSettings | undefined {
  const { folder: _, option: __, ...told } = said;
  return Object.keys(told).length === 0 ? undefined : said;
}

/** Splits the plugin of a link into program and options. */
export function pluginFromLink(
  text: string | undefined,
): PluginSettings | undefined {
  return text === undefined ? undefined : splitPlugin(text);
}

/**
 * Takes the first source that names a plugin, and the settings of the sources
 * before it. Settings of later sources are for another program.
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

/** Names of plugins in Debian that differ from the usual names. */
const OTHER_NAMES: Readonly<Record<string, string>> = {
  "v2ray-plugin": "ss-v2ray-plugin",
};

/**
 * Returns the path of the program; `undefined` if the program is missing or no
 * programs can be run.
 */
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
 * Returns the options of a server's plugin.
 *
 * @returns `undefined` if the server has no plugin.
 * @throws {ConfigError} If the program cannot be run.
 */
export function pluginOf(
  { plugin, origin }: Fronted,
  sources: Sources,
): PluginOptions | undefined {
  if (!plugin?.name) return undefined;
  const { name, options, args, mode = "tcp_only", variables = [] } = plugin;
  const wrong = (why: string): ConfigError =>
    badValue(
      `${plugin.option ?? `${origin}: plugin "${shownText(name)}"`}: ${why}`,
    );
  if (/(?:^|\/)obfsproxy$/.test(name)) {
    throw wrong("obfsproxy is not supported; obfs-local is its successor");
  }
  const { programs } = sources;
  const refusal = programs === undefined
    ? "programs cannot be run here"
    : programs.refusal();
  if (refusal !== undefined) throw wrong(refusal);
  const path = findPlugin(plugin, sources);
  if (path === undefined) {
    throw wrong(
      name.includes("/")
        ? "the program does not exist"
        : "the program is not in PATH: install it, or give its path",
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
 * Returns warnings about settings that have no effect with a plugin, or without
 * one.
 *
 * @returns One sentence for each warning.
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
 * Checks that the plugin of a server carries any traffic.
 *
 * @throws {ConfigError} If it carries none.
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
  throw badValue(
    `${origin}: the plugin would carry no traffic: its mode is ` +
      `"${plugin.mode}", the mode of the server "${mode}"`,
  );
}

/** Returns the settings of a plugin as keys of a file. */
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

/** Returns the plugin of a server in the form of a client's link. */
export function linkedPlugin(
  plugin: PluginSettings | undefined,
): string | undefined {
  if (!plugin?.name) return undefined;
  const { name, options } = plugin;
  return joinPlugin(clientPlugin({ name, ...options && { options } }));
}
