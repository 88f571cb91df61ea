/**
 * Settings of the plugin program in front of a server: SIP003, SIP003u.
 *
 * @module
 */
import { type Mode, MODES } from "../../service/options.ts";
import { choice, REMARK, several, text } from "./kinds.ts";
import { OF_SERVER, type Settings, settings } from "./setting.ts";

export interface PluginKeys {
  readonly name: string;
  readonly options: string;
  readonly args: string[];
  readonly mode: Mode;
  readonly variables: string[];
}

/** The settings of a plugin. */
export const PLUGIN: Settings<PluginKeys> = settings({
  places: OF_SERVER,
  reload: "listens",
}, {
  name: {
    name: "plugin",
    kind: { ...REMARK, value: "PROGRAM" },
    help:
      "Plugin program (SIP003) that Umbra starts in front of the server: a " +
      "path, or a name in PATH; in a file, an empty text for none",
  },
  options: {
    name: "plugin_opts",
    kind: { ...REMARK, value: "OPTIONS" },
    help: "Options of the plugin, such as `obfs=http;obfs-host=example.com`",
  },
  args: {
    key: "plugin_args",
    kind: several(text("ARGUMENT")),
    help: "Arguments on the command line of the plugin",
  },
  mode: {
    name: "plugin_mode",
    kind: choice("MODE", MODES),
    usual: "tcp_only",
    help: "Traffic that the plugin carries (SIP003u): tcp_only, udp_only or " +
      "tcp_and_udp; the rest bypasses it, to the same port of the server",
  },
  variables: {
    key: "plugin_env",
    kind: several(text("NAME")),
    usual: "PATH, HOME, LANG, TZ, TMPDIR and the variables of certificates",
    help: "Additional environment variables for the plugin",
  },
});

/** Plugins that a published list may use. */
export const LIST_PLUGINS: Settings<{ readonly allowed: string[] }> = {
  allowed: {
    key: "allowed_plugins",
    places: ["online"],
    flag: "online-allowed-plugin",
    flagAliases: ["online-config-allowed-plugin"],
    kind: several(text("PROGRAM")),
    usual: "none",
    help:
      "Name of a plugin that a published list of servers may use; repeat the " +
      "option for several plugins",
  },
};
