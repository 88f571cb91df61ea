/**
 * Options that several commands share.
 *
 * @module
 */
import { flag, type Option } from "../options/option.ts";
import { LIST, LOCAL, ONLINE } from "../settings/local.ts";
import { LOG } from "../settings/program.ts";
import { SECRET, SERVER } from "../settings/server.ts";
import { LIST_PLUGINS, PLUGIN } from "../settings/plugin.ts";
import { LEGACY, SSR } from "../settings/legacy.ts";
import { optionsOf } from "../settings/tables.ts";

/** The options of every command, which the table of commands adds. */
export const USUAL: readonly Option[] = [
  ...optionsOf(LOG, "verbose"),
  flag("help", "Print this help", { short: "h" }),
  flag("version", "Print version, build and runtime", { short: "V" }),
];

/** The configuration file. */
export const CONFIG: Option = flag(
  "config FILE",
  "Read this JSON configuration (shadowsocks-libev or -rust), or the " +
    "folder of ShadowsocksR; an option on the command line overrides the file",
  { short: "c" },
);

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
