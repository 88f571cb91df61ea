/**
 * The command `user`: adds, shows, changes and removes users of a server.
 *
 * @module
 */
import process from "node:process";
import type { ServerStatus, UserStatus } from "../../admin/operator.ts";
import { formatAgo, formatBytes, formatRate } from "../../admin/units.ts";
import { stateOf } from "../../admin/user_rows.ts";
import { systemClock } from "../../clock.ts";
import { badValue, TransportError } from "../../errors.ts";
import { type UserLimits, userNameFault } from "../../users.ts";
import { configureServer } from "../config/config.ts";
import { operatorSettings } from "../config/operator_settings.ts";
import { Secrets } from "../config/secrets.ts";
import { systemSources } from "../config/sources.ts";
import { findCommand } from "../commands/commands.ts";
import { readAction } from "../options/action.ts";
import { type Arguments, parseArguments } from "../options/args.ts";
import { usage } from "../options/getopt.ts";
import { badOption } from "../options/option_value.ts";
import { complain, print } from "../output.ts";
import { USER_LIMITS } from "../settings/users.ts";
import { textTable } from "../text_table.ts";
import { qrLines } from "../tools/qr_terminal.ts";
import { secureSource } from "../top/status_client.ts";
import { printable } from "../top/terminal_text.ts";
import {
  remoteControl,
  storeControl,
  type UserAccess,
  type UserControl,
} from "./user_control.ts";

/** What follows each action that a fleet has too. */
export const USER_ACTIONS = {
  add: "NAME",
  list: "",
  show: "NAME",
  set: "NAME",
  disable: "NAME",
  enable: "NAME",
  remove: "NAME",
};

const ACTIONS = { ...USER_ACTIONS, clear: "NAME", link: "NAME" };

type Action = keyof typeof ACTIONS;

/**
 * Runs the command.
 *
 * @throws {UmbraError} If no program keeps users, or the change is refused.
 */
export async function runUser(args: Arguments): Promise<void> {
  const action = readAction("umbra user", ACTIONS, args.operands);
  const [, name = ""] = args.operands;
  using owned = new DisposableStack();
  const control = await controlOf(args, owned);
  await act(action, name, args, control);
  const changes = !["list", "show", "link"].includes(action);
  if (changes && control.note !== undefined) {
    complain(`umbra: ${control.note}\n`);
  }
}

/**
 * Returns access to the running program, or to the store of its configuration.
 */
async function controlOf(
  args: Arguments,
  owned: DisposableStack,
): Promise<UserControl> {
  const file = args.last("config");
  // Operands of a server are links; here they are names.
  const asServer = file === undefined
    ? undefined
    : parseArguments(findCommand("server")!, ["-c", file]);
  const configured = asServer && configureServer(asServer, systemSources);
  const secrets = new Secrets(systemSources);
  const given = operatorSettings("server", { args, file: undefined, secrets });
  const known = configured?.operator;
  const admin = given.admin ?? known?.admin;
  const token = given.adminToken ?? known?.adminToken;
  const adminCert = given.adminCert ?? known?.adminCert;
  if (admin !== undefined) {
    const secure = secureSource(adminCert);
    const control = remoteControl({ address: admin, token, secure });
    try {
      await control.servers();
      return control;
    } catch (error) {
      const isOff = error instanceof TransportError &&
        error.code === "ERR_NET_REFUSED";
      if (!isOff || configured?.operator.store === undefined) throw error;
    }
  }
  if (asServer !== undefined && configured !== undefined) {
    return storeControl(asServer, configured, owned);
  }
  throw usage(
    "Missing server: give -c FILE of the server, or --admin of a running server",
  );
}

async function act(
  action: Action,
  name: string,
  args: Arguments,
  control: UserControl,
): Promise<void> {
  const servers = await control.servers();
  if (action === "list") return await print(await list(servers, args, control));
  if (action === "add") {
    const { id } = serverFor(servers, args);
    checkUserName(name);
    await control.add(id, { name, limits: limitsFrom(args, {}) });
    return await printLink(id, name, args, control);
  }
  const { server, user } = await find(servers, name, args, control);
  switch (action) {
    case "show":
      return await print(
        show(server, user, await control.access(server.id, name), args),
      );
    case "link":
      return await printLink(server.id, name, args, control);
    case "remove":
      await control.remove(server.id, name);
      break;
    case "clear":
      await control.clear(server.id, name);
      break;
    case "set":
      await control.change(server.id, name, {
        limits: limitsFrom(args, user.limits),
      });
      break;
    default:
      await control.change(server.id, name, { disabled: action === "disable" });
  }
  await print(`${printable(name)}: ${DONE[action]}\n`);
}

/** What is printed after a change that a fleet has too. */
export const USER_DONE = {
  set: "changed",
  disable: "disabled",
  enable: "enabled",
  remove: "removed",
} as const;

const DONE = { ...USER_DONE, clear: "counts cleared" } as const;

/** @throws {ConfigError} If a user cannot have the name. */
export function checkUserName(name: string): void {
  const fault = userNameFault(name);
  if (fault !== undefined) throw badValue(`The name ${fault}`);
}

async function printLink(
  server: string,
  name: string,
  args: Arguments,
  control: UserControl,
): Promise<void> {
  const access = await control.access(server, name);
  if (access === undefined) {
    throw badValue(
      `${
        printable(name)
      } has a raw key, which a link cannot contain: use a password`,
    );
  }
  const { uri, invite } = access;
  const drawing = args.has("qr") || process.stdout.isTTY === true;
  await print(
    `${uri}\n${drawing ? qrLines(uri) : ""}${invite ? `${invite}\n` : ""}`,
  );
}

/** Returns the only server, or the one of `--server`. */
function serverFor(
  servers: readonly ServerStatus[],
  args: Arguments,
): ServerStatus {
  const wanted = args.last("server");
  const found = wanted === undefined
    ? servers
    : servers.filter(({ id }) => id === wanted);
  const [server, second] = found;
  if (server !== undefined && second === undefined) return server;
  throw usage(
    `Several servers: give --server PORT: ${
      servers.map(({ id }) => id).join(", ")
    }`,
  );
}

async function find(
  servers: readonly ServerStatus[],
  name: string,
  args: Arguments,
  control: UserControl,
): Promise<{ server: ServerStatus; user: UserStatus }> {
  const wanted = args.last("server");
  const matches: { server: ServerStatus; user: UserStatus }[] = [];
  for (const server of servers) {
    if (wanted !== undefined && server.id !== wanted) continue;
    const user = await control.user(server.id, name);
    if (user !== undefined) matches.push({ server, user });
  }
  const [found, second] = matches;
  if (found === undefined) {
    throw badValue(
      "The user does not exist; `umbra user list` shows all users",
    );
  }
  if (second !== undefined) {
    throw usage("Several servers have a user of this name: give --server PORT");
  }
  return found;
}

/**
 * Returns the limits after the changes of the options; `none` removes a limit.
 */
export function limitsFrom(args: Arguments, old: UserLimits): UserLimits {
  const limits: Record<string, number> = { ...old };
  for (const [option, limit] of Object.entries(LIMIT_OPTIONS)) {
    const text = args.last(option);
    if (text === undefined) continue;
    delete limits[limit];
    if (text === "none") continue;
    const { kind } = USER_LIMITS[limit];
    const value = kind.read(/^\d+$/.test(text) ? Number(text) : text);
    if (value === undefined) {
      throw badOption(option, `${kind.expected.replaceAll('"', "")}, or none`);
    }
    limits[limit] = value;
  }
  return limits;
}

/** The limit of each option. */
export const LIMIT_OPTIONS: Readonly<Record<string, keyof UserLimits>> = {
  quota: "quotaBytes",
  rate: "bytesPerSecond",
  connections: "maxConnections",
  devices: "maxHosts",
  expires: "expiresUnixMs",
};

async function list(
  servers: readonly ServerStatus[],
  args: Arguments,
  control: UserControl,
): Promise<string> {
  const wanted = args.last("server");
  const rows: (UserStatus & { readonly server: string })[] = [];
  for (const { id } of servers) {
    if (wanted !== undefined && id !== wanted) continue;
    for (const user of await control.users(id)) {
      rows.push({ server: id, ...user });
    }
  }
  if (args.has("json")) return `${JSON.stringify(rows)}\n`;
  if (rows.length === 0) return "No users\n";
  const now = systemClock.unixMs();
  const cells = rows.map((user) => [
    printable(user.name),
    user.server,
    stateOf(user, now),
    formatBytes(user.usage.bytesUp + user.usage.bytesDown),
    user.limits.quotaBytes === undefined
      ? "–"
      : formatBytes(user.limits.quotaBytes),
    formatAgo(user.usage.lastSeenUnixMs, now),
    ORIGINS[user.origin],
  ]);
  return textTable([
    ["NAME", "PORT", "STATE", "USED", "QUOTA", "SEEN", "FROM"],
    ...cells,
  ]);
}

const ORIGINS: Readonly<Record<UserStatus["origin"], string>> = {
  file: "the configuration",
  api: "added at run time",
  changed: "the configuration, changed at run time",
  fleet: "the fleet",
};

function show(
  { id, method }: ServerStatus,
  user: UserStatus,
  { invite }: Partial<UserAccess> = {},
  args: Arguments,
): string {
  if (args.has("json")) {
    return `${JSON.stringify({ server: id, ...user, invite })}\n`;
  }
  const { usage: used, limits } = user;
  const now = systemClock.unixMs();
  const { quotaBytes, bytesPerSecond, maxConnections, maxHosts } = limits;
  const { expiresUnixMs } = limits;
  const rows: (readonly [string, string])[] = [
    ["name", printable(user.name)],
    ["port", `${id}, ${method}`],
    ["state", stateOf(user, now)],
    ["down", formatBytes(used.bytesDown)],
    ["up", formatBytes(used.bytesUp)],
    ["seen", formatAgo(used.lastSeenUnixMs, now)],
    ["devices", used.hosts.join(", ") || "none"],
    ["quota", quotaBytes === undefined ? "none" : formatBytes(quotaBytes)],
    [
      "rate",
      bytesPerSecond === undefined
        ? "none"
        : `${formatRate(bytesPerSecond, "bit")} each way`,
    ],
    ["connections", `${maxConnections ?? "any number"} at once`],
    ["devices", `${maxHosts ?? "any number"} at once`],
    [
      "expires",
      expiresUnixMs === undefined
        ? "never"
        : new Date(expiresUnixMs).toISOString(),
    ],
    ["from", ORIGINS[user.origin]],
    ...invite === undefined ? [] : [["invitation", invite] as const],
  ];
  return rows.map(([key, value]) => `${key.padEnd(12)} ${value}\n`).join("");
}
