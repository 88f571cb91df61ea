/**
 * All settings, and what is derived from all of them together.
 *
 * @module
 */
import type { Option } from "../options/option.ts";
import { BALANCER, BALANCING, RUST_BALANCER, WEIGHTS } from "./balancer.ts";
import { BLIND, LEGACY, LIGHTSOCKS, SSR, SSR_PORTS } from "./legacy.ts";
import { DNS, LOCAL_DNS } from "./dns.ts";
import { FLEET } from "./fleet.ts";
import {
  LIST,
  LOCAL,
  LOCALS,
  ONLINE,
  PAC,
  SNIFF,
  SOCKS_USERS,
  SYSTEM_PROXY,
  TUNNEL,
} from "./local.ts";
import { FORBIDDEN, OUTBOUND, SEND_FROM, TARGETS } from "./network.ts";
import { NOT_SERVED, notServedKeys } from "./not_served.ts";
import { LIST_PLUGINS, PLUGIN } from "./plugin.ts";
import { PANEL, PANEL_OBJECT } from "./panel.ts";
import { ADMIN, CONTROL, LOG, RUNNING } from "./program.ts";
import { REDIR, RULES } from "./redir.ts";
import { ACL, ROUTES } from "./routes.ts";
import { ENTRY, PREFIX, SECRET, SERVER, SERVERS } from "./server.ts";
import { MODE_SWITCHES, SERVICE } from "./service.ts";
import { NAMES, SOCKETS } from "./sockets.ts";
import {
  type AnySetting,
  type AnySettings,
  forEachPlace,
  isAllowedIn,
  keysOf,
  type Place,
  type Role,
  usual,
} from "./setting.ts";
import { CARRIERS, TRANSPORT, WEBSOCKET } from "./transport.ts";
import { USER, USER_LIMITS, USERS } from "./users.ts";

/** The tables, in the order of the documentation. */
export const TABLES: readonly AnySettings[] = [
  SERVER,
  SECRET,
  PREFIX,
  PLUGIN,
  USERS,
  SERVERS,
  LEGACY,
  SSR,
  SSR_PORTS,
  LIGHTSOCKS,
  LOCAL,
  BLIND,
  TUNNEL,
  REDIR,
  RULES,
  SOCKS_USERS,
  PAC,
  SNIFF,
  SYSTEM_PROXY,
  LOCALS,
  ENTRY,
  WEIGHTS,
  CARRIERS,
  TRANSPORT,
  WEBSOCKET,
  BALANCING,
  BALANCER,
  RUST_BALANCER,
  LIST,
  ONLINE,
  LIST_PLUGINS,
  DNS,
  LOCAL_DNS,
  MODE_SWITCHES,
  SERVICE,
  TARGETS,
  FORBIDDEN,
  ACL,
  ROUTES,
  OUTBOUND,
  SEND_FROM,
  SOCKETS,
  NAMES,
  RUNNING,
  LOG,
  ADMIN,
  CONTROL,
  FLEET,
  PANEL_OBJECT,
  PANEL,
  USER,
  USER_LIMITS,
];

/** Every row of the tables. */
export const ROWS: readonly AnySetting[] = TABLES.flatMap((table) =>
  Object.values(table)
);

/** Returns the settings by every key that an object of this kind may have. */
export const rowsAt: (place: Place) => ReadonlyMap<string, AnySetting> =
  forEachPlace((place) => {
    const rows = ROWS.filter((row) => isAllowedIn(row, place))
      .flatMap((row) => keysOf(row).map((key) => [key, row] as const));
    return new Map(rows.reverse());
  });

/** Returns every key that is known in an object of this kind. */
export const knownKeys: (place: Place) => ReadonlySet<string> = forEachPlace(
  (place) =>
    new Set([
      ...place === "top" ? ["$schema"] : [],
      ...rowsAt(place).keys(),
      ...notServedKeys(place).keys(),
    ]),
);

/** Returns the keys that only one role uses. */
export function keysOfRole(role: Role): string[] {
  return ROWS.filter((row) => row.role === role).flatMap(keysOf);
}

/** Returns the options of a group, in its order. */
export function optionsOf(
  settings: AnySettings,
  ...names: readonly string[]
): Option[] {
  return Object.entries(settings)
    .filter(([name]) => names.length === 0 || names.includes(name))
    .flatMap(([, row]) =>
      row.flag === undefined ? [] : [optionOf(row, row.flag)]
    );
}

function optionOf(row: AnySetting, name: string): Option {
  const { short, flagAliases: aliases, kind, help } = row;
  const { value, words } = kind.each ?? kind;
  const standard = usual(row);
  return {
    name,
    help,
    ...short !== undefined && { short },
    ...aliases && { aliases },
    ...value !== undefined && { value },
    ...words && { words },
    ...kind.each && { repeatable: true },
    ...standard !== undefined && { default: standard },
  };
}

/**
 * Returns the options of other programs that a command recognizes and does not
 * support.
 */
export function optionsNotServed(
  command: Role,
): Option[] {
  return NOT_SERVED.filter(({ commands, flags }) =>
    flags.length > 0 && commands.includes(command)
  ).map(({ flags, short, value, standing, why }) => {
    const [name = "", ...aliases] = flags;
    return {
      name,
      help: why,
      standing: standing === "refused" ? "refused" : "ignored",
      ...aliases.length > 0 && { aliases },
      ...short !== undefined && { short },
      ...value !== undefined && { value },
    };
  });
}
