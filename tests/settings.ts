/**
 * Writes the files that are generated from the table of settings:
 * docs/config.schema.json and the tables of docs/configuration.md.
 *
 * Usage: `deno task settings`
 *
 * @module
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import {
  BLIND,
  LEGACY,
  LIGHTSOCKS,
  SSR,
  SSR_PORTS,
} from "../src/cli/settings/legacy.ts";
import { PANEL, PANEL_OBJECT } from "../src/cli/settings/panel.ts";
import { ADMIN, CONTROL, LOG, RUNNING } from "../src/cli/settings/program.ts";
import {
  LIST,
  LOCAL,
  LOCALS,
  PAC,
  SNIFF,
  SOCKS_USERS,
  SYSTEM_PROXY,
  TUNNEL,
} from "../src/cli/settings/local.ts";
import {
  BALANCER,
  BALANCING,
  RUST_BALANCER,
  WEIGHTS,
} from "../src/cli/settings/balancer.ts";
import { DNS, LOCAL_DNS } from "../src/cli/settings/dns.ts";
import { FLEET } from "../src/cli/settings/fleet.ts";
import { REDIR } from "../src/cli/settings/redir.ts";
import { NAMES, SOCKETS } from "../src/cli/settings/sockets.ts";
import { FORBIDDEN, OUTBOUND, TARGETS } from "../src/cli/settings/network.ts";
import { notServedKeys } from "../src/cli/settings/not_served.ts";
import { LIST_PLUGINS, PLUGIN } from "../src/cli/settings/plugin.ts";
import { ACL, ROUTES } from "../src/cli/settings/routes.ts";
import { PREFIX, SECRET, SERVER, SERVERS } from "../src/cli/settings/server.ts";
import { SERVICE } from "../src/cli/settings/service.ts";
import {
  type AnySetting,
  type AnySettings,
  keysOf,
  type Place,
  usual,
} from "../src/cli/settings/setting.ts";
import { rowsAt } from "../src/cli/settings/tables.ts";
import {
  CARRIERS,
  TRANSPORT,
  WEBSOCKET,
} from "../src/cli/settings/transport.ts";
import { USER, USER_LIMITS, USERS } from "../src/cli/settings/users.ts";
import { ROOT } from "./support/runtimes.ts";

/** Path of the schema. */
export const SCHEMA_FILE: string = join(ROOT, "docs", "config.schema.json");

/** Path of the documentation of the settings. */
export const CONFIGURATION_FILE: string = join(
  ROOT,
  "docs",
  "configuration.md",
);

/** Returns the JSON Schema of configuration files as text. */
export function configJsonSchema(): string {
  const schema = {
    title: "Configuration of Umbra",
    ...objectSchema("top"),
    $schema: "http://json-schema.org/draft-07/schema#",
    $defs: {
      user: objectSchema("user"),
      server: objectSchema("server"),
      local: objectSchema("local"),
      online: objectSchema("online"),
      balancer: objectSchema("balancer"),
      transport: objectSchema("transport"),
      websocket: objectSchema("websocket"),
      panel: objectSchema("panel"),
    },
  };
  return `${JSON.stringify(schema, null, 2)}\n`;
}

function objectSchema(place: Place): Readonly<Record<string, unknown>> {
  const served = [...rowsAt(place)].map(([key, row]) => {
    const { schema } = row.fileKind ?? row.kind;
    const standard = usual(row);
    const description = standard === undefined
      ? row.help
      : `${row.help} (default: ${standard})`;
    return [key, { ...schema, description }] as const;
  });
  const others = [...notServedKeys(place)].map(([key, { standing, why }]) =>
    [key, { description: `${STANDING[standing]}: ${why}` }] as const
  );
  const own = place === "top"
    ? [["$schema", {
      type: "string",
      description: "Where editors find this schema",
    }]] as const
    : [];
  return {
    type: "object",
    // The last entry for a key is used: that of a supported setting.
    properties: Object.fromEntries([...own, ...others, ...served]),
    // Editors mark misspelt keys; "_comment" and "//" are comments.
    patternProperties: { "^[_/]": true },
    additionalProperties: false,
  };
}

const STANDING = {
  refused: "Not supported",
  ignored: "Ignored",
  silent: "Without effect",
} as const;

/** The tables of the documentation, by the names in their markers. */
const DOCUMENTED: Readonly<Record<string, readonly AnySettings[]>> = {
  servers: [SERVER, SECRET, PREFIX, USERS, SERVERS, BALANCING, CARRIERS],
  balancer: [BALANCER, RUST_BALANCER, WEIGHTS],
  transport: [TRANSPORT],
  websocket: [WEBSOCKET],
  locals: [
    LOCAL,
    TUNNEL,
    REDIR,
    SOCKS_USERS,
    PAC,
    SNIFF,
    SYSTEM_PROXY,
    LOCALS,
    LIST,
  ],
  dns: [DNS, LOCAL_DNS],
  plugins: [PLUGIN, LIST_PLUGINS],
  services: [SERVICE, TARGETS, FORBIDDEN, OUTBOUND, SOCKETS, NAMES],
  routes: [ACL, ROUTES],
  fleet: [FLEET],
  program: [RUNNING, LOG, ADMIN, CONTROL, PANEL_OBJECT],
  panel: [PANEL],
  legacy: [LEGACY, SSR, SSR_PORTS, LIGHTSOCKS, BLIND],
  users: [USER, SECRET, USER_LIMITS],
};

const HEADS = ["key", "option", "type", "default", "reload", "meaning"];

/** Returns the documentation with tables that match the settings. */
export function withTables(markdown: string): string {
  return markdown.replace(
    /(<!-- settings: (\w+) -->\n).*?(<!-- end of settings -->)/gs,
    (_, start: string, name: string, end: string) =>
      `${start}\n${table(DOCUMENTED[name]!, name === "users")}\n${end}`,
  );
}

/** @param isUser A user has no options. */
function table(groups: readonly AnySettings[], isUser: boolean): string {
  const rows = groups.flatMap((group) => Object.values(group))
    .map((row) => cells(row, isUser));
  const columns = HEADS.map((head, i) => [head, ...rows.map((row) => row[i]!)])
    .filter(([, ...column]) => column.some((cell) => cell !== "–"));
  const widths = columns.map((column) =>
    Math.max(...column.map(({ length }) => length))
  );
  const line = (i: number): string =>
    columns.map((column, c) => ` ${column[i]!.padEnd(widths[c]!)} `).join("|");
  const rule = widths.map((width) => ` ${"-".repeat(width)} `).join("|");
  return [line(0), rule, ...rows.map((_, i) => line(i + 1))]
    .map((one) => `|${one}|\n`).join("");
}

function cells(row: AnySetting, isUser: boolean): string[] {
  const { flag, short, kind, help } = row;
  const keys = keysOf(row).map((key) => `\`${key}\``).join(", ");
  const option = flag === undefined || isUser
    ? "–"
    : short === undefined
    ? `\`--${flag}\``
    : `\`-${short}\`, \`--${flag}\``;
  const standard = usual(row);
  return [
    keys || "–",
    option,
    kind.type,
    isUser || standard === undefined ? "–" : standard,
    isUser ? "–" : RELOAD[row.reload ?? "restart"],
    help.replaceAll("|", "\\|"),
  ];
}

const RELOAD = { adopts: "yes", listens: "listens again", restart: "no" };

if (import.meta.main) {
  writeFileSync(SCHEMA_FILE, configJsonSchema());
  const text = readFileSync(CONFIGURATION_FILE, "utf8");
  writeFileSync(CONFIGURATION_FILE, withTables(text));
}
