/**
 * Options that several commands share.
 *
 * @module
 */
import type { Option } from "../options/option.ts";
import { LIST, LOCAL, ONLINE } from "../settings/local.ts";
import { LOG } from "../settings/program.ts";
import { SECRET, SERVER } from "../settings/server.ts";
import { LIST_PLUGINS, PLUGIN } from "../settings/plugin.ts";
import { LEGACY, SSR } from "../settings/legacy.ts";
import { optionsOf } from "../settings/tables.ts";

/** The options of every command. */
export const USUAL: readonly Option[] = [
  ...optionsOf(LOG, "verbose"),
  { name: "help", short: "h", help: "Print this help" },
  { name: "version", short: "V", help: "Print version, build and runtime" },
];

/** The configuration file. */
export const CONFIG: Option = {
  name: "config",
  short: "c",
  value: "FILE",
  help: "Read this JSON configuration (shadowsocks-libev or -rust), or the " +
    "folder of ShadowsocksR; an option on the command line overrides the file",
};

/** The options that name servers and their keys. */
export const SERVERS: readonly Option[] = [
  ...optionsOf(SERVER),
  ...optionsOf(SECRET),
  ...optionsOf(PLUGIN),
  ...optionsOf(SSR),
  ...optionsOf(LEGACY),
];

/** The operands of a local: links of servers and addresses of lists. */
export const SERVER_OPERANDS = "[ss://URI... | ssr://URI... | https://LIST]";

/** The options for servers and for the address to listen on. */
export const LOCAL_ENDS: readonly Option[] = [
  ...SERVERS,
  CONFIG,
  ...optionsOf(ONLINE),
  ...optionsOf(LIST_PLUGINS),
  ...optionsOf(LIST),
  ...optionsOf(LOCAL, "address", "port"),
];
