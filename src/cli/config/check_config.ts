/**
 * `umbra check config FILE`: describes what would run with that file, without
 * running it. The output contains no secret.
 *
 * @module
 */
import { formatBytes, formatRate } from "../../admin/units.ts";
import { formatAddress } from "../../codec/address.ts";
import type { Method } from "../../crypto/method.ts";
import { ConfigError } from "../../errors.ts";
import { formatResolver } from "../../service/dns/dns_resolver.ts";
import { describeProtocol } from "../../service/inbound/protocols.ts";
import type { PluginOptions } from "../../service/plugin/options.ts";
import type { LocalRoutes } from "../../service/routing/rule_router.ts";
import type { LimitedUser } from "../../service/server/account.ts";
import type { UserLimits } from "../../users.ts";
import { type Arguments, parseArguments } from "../options/args.ts";
import { findCommand } from "../commands/commands.ts";
import {
  type ConfiguredLocal,
  type ConfiguredRole,
  type ConfiguredServer,
  configureLocalOrRedir,
  configureServer,
  configureTunnel,
} from "./config.ts";
import { alternatives } from "../settings/kinds.ts";
import { type AdminAddress, formatAdminAddress } from "../settings/program.ts";
import { describeService, SERVES } from "../settings/service.ts";
import type { Role } from "../settings/setting.ts";
import type { ConfigObject } from "./config_file.ts";
import { readConfig, readFile } from "./find_servers.ts";
import {
  type PanelSettings,
  panelSettings,
  UNASKED,
} from "./panel_settings.ts";
import { type Review, reviewConfig } from "./review_config.ts";
import { allowsLegacy, describeMethod } from "./legacy_gate.ts";
import { roleOfFile } from "./file_role.ts";
import type { OperatorSettings } from "./operator_settings.ts";
import { option } from "../options/option_value.ts";
import type { Sources } from "./secrets.ts";
import { usage } from "../options/getopt.ts";

const ROLES: readonly Role[] = ["server", "local", "tunnel"];

/** A name and a value. A row with an empty name continues the row above. */
type Row = readonly [name: string, value: string];

/** The report on a file. */
export interface ConfigReport {
  /** The text for a terminal. */
  readonly text: string;
  /** True if a service would start with the file. */
  readonly isFit: boolean;
}

/**
 * Describes what would run, or lists all mistakes that prevent a start.
 *
 * @param file Name of the configuration file.
 * @param args Arguments with `--role` and `--allow-legacy`.
 * @throws {ConfigError} If the file is no configuration, or its role is not
 * clear.
 */
export function describeConfig(
  file: string,
  args: Arguments,
  sources: Sources,
): ConfigReport {
  const chosen = option(
    args,
    "role",
    (text) => ROLES.find((one) => one === text),
    alternatives(ROLES),
  );
  const object = readConfig(file, sources);
  const review = reviewConfig(object);
  const role = chosen ?? tellRole(object, file, review);
  const described = role &&
    describeRole(role, argumentsOf(role, file, args), sources, review);
  const { toChange, ignored, fine } = review;
  const warnings = described?.warnings
    .filter((warning) => !ignored.includes(warning)) ?? [];
  const isFit = toChange.length === 0;
  return {
    isFit,
    text: [
      `${file}: a configuration of umbra${
        role === undefined ? "" : ` ${role}`
      }`,
      ...isFit ? described?.lines ?? [] : [],
      ...section("To change", toChange),
      ...section("Ignored", ignored),
      ...section("Warnings", isFit ? warnings : []),
      "",
      `${toChange.length} to change, ${ignored.length} ignored, ${fine} as they ` +
      "were",
      "",
    ].join("\n"),
  };
}

function section(title: string, lines: readonly string[]): string[] {
  if (lines.length === 0) return [];
  return ["", title, ...lines.map((line) => `  ${line}`)];
}

/**
 * @returns `undefined` if the file has other mistakes, which must be corrected
 * first.
 */
function tellRole(
  object: ConfigObject,
  file: string,
  { toChange }: Review,
): Role | undefined {
  if (toChange.length > 0) return undefined;
  const role = roleOfFile(object);
  if (role !== undefined) return role;
  throw usage(
    `${file}: the role is not clear from the content: give --role ` +
      "server, local or tunnel",
  );
}

/** The settings that would be used, and the warnings of a start. */
interface Described {
  readonly lines: readonly string[];
  readonly warnings: readonly string[];
}

/**
 * @returns `undefined` if the role would not start; `toChange` then has the
 * reason.
 */
function describeRole(
  role: Role,
  asRole: Arguments,
  sources: Sources,
  { toChange }: Review,
): Described | undefined {
  try {
    const panel = panelSettings(readFile(asRole, sources), sources);
    const { services, warnings, operator } = role === "server"
      ? described(
        configureServer(asRole, sources, panel && UNASKED),
        panel === undefined ? describeServer : describeNode(panel),
      )
      : described(
        (role === "local" ? configureLocalOrRedir : configureTunnel)(
          asRole,
          sources,
        ),
        describeLocal,
      );
    const rows = table(operatorRows(operator, role));
    return { lines: [...services, "", "Program", ...rows], warnings };
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    if (!toChange.includes(error.message)) toChange.push(error.message);
    return undefined;
  }
}

/**
 * The arguments with which the file would be started. Some kinds of files have
 * no key for the settings that these arguments give.
 */
function argumentsOf(role: Role, file: string, args: Arguments): Arguments {
  const allowed = allowsLegacy(args, undefined) ? ["--allow-legacy"] : [];
  return parseArguments(findCommand(role)!, ["-c", file, ...allowed]);
}

function described<T>(
  { result, ...rest }: ConfiguredRole<T[]>,
  describe: (service: T) => string[],
): Omit<ConfiguredRole<T>, "result"> & { readonly services: string[] } {
  return {
    ...rest,
    services: result.flatMap((service) => ["", ...describe(service)]),
  };
}

function describeServer(server: ConfiguredServer): string[] {
  const { listen, method, users = [], masterKey, plugin } = server;
  const { owner, connectionBytesPerSecond: rate, redirect = [] } = server;
  const own = masterKey === undefined || users.length > 0 &&
      hidesOwnKey(method)
    ? []
    : ["the server's password"];
  const clients = [
    ...own,
    ...users.length === 1 ? ["1 user"] : [],
    ...users.length > 1 ? [`${users.length} users`] : [],
  ];
  return [
    `ss-server ${formatAddress(listen)}`,
    ...table([
      ["method", describeMethod(server)],
      ["clients", clients.join(", ")],
      ...users.map((user): Row => ["", describeUser(user)]),
      ...owner === undefined
        ? []
        : [["", `without a name: ${describeUser(owner)}`] as const],
      ...rate === undefined ? [] : [
        ["", `each connection: ${formatRate(rate, "bit")} each way`] as const,
      ],
      ...redirect.length === 0
        ? []
        : [["strangers", redirect.map(formatAddress).join(", ")] as const],
      ...plugin === undefined ? [] : [pluginRow(plugin)],
      ["targets", server.reach],
      ...server.routes === undefined
        ? []
        : [["", "only those that the ACL allows"] as const],
      ...describeService(server),
    ]),
  ];
}

/** Describes the node of a panel, as far as known before the panel is asked. */
function describeNode(
  { url, nodeId }: PanelSettings,
): (server: ConfiguredServer) => string[] {
  return (server) => [
    `ss-server ${server.listen.host}, node ${nodeId} of ${url.host}`,
    ...table([
      ["port", "set by the panel, unless the file has one"],
      ["method", "set by the panel"],
      ["clients", "the users of the panel"],
      ["targets", server.reach],
      ...describeService(server),
    ]),
  ];
}

function describeLocal(local: ConfiguredLocal): string[] {
  const { listen, servers, protocol = "mixed", users = [], dns } = local;
  const { redirected } = local;
  const role = redirected !== undefined
    ? "ss-redir"
    : typeof protocol === "object"
    ? "ss-tunnel"
    : "ss-local";
  const speaks = dns === undefined
    ? describeProtocol(protocol, users.length > 0)
    : `DNS, asks ${formatResolver(dns.resolver)}`;
  return [
    `${role} ${formatAddress(listen)}`,
    ...table([
      redirected === undefined
        ? ["speaks", speaks]
        : ["takes", `TCP by ${redirected}`],
      ...users.map(({ username }): Row => ["", `user ${username}`]),
      ...servers.map((server, i): Row => [
        i === 0 ? "server" : "",
        `${formatAddress(server.endpoint)}, ${describeMethod(server)}`,
      ]),
      ...servers.flatMap(({ plugin }) =>
        plugin === undefined ? [] : [pluginRow(plugin)]
      ),
      ...local.routes === undefined ? [] : [routesRow(local.routes)],
      ...describeService(local),
    ]),
  ];
}

/**
 * True if users have numbers or identity headers: a client then needs more than
 * the server's own key.
 */
function hidesOwnKey({ userKind }: Method): boolean {
  return userKind === "identity" || userKind === "uid";
}

/**
 * Returns the row of a plugin without its options: some plugins have keys among
 * them.
 */
function pluginRow({ name, path, mode }: PluginOptions): Row {
  const program = path === name ? name : `${name} (${path})`;
  return ["plugin", `${program}, for ${SERVES[mode]}`];
}

function routesRow({ table, resolve }: LocalRoutes): Row {
  const count = table.routes().length;
  return [
    "routes",
    `${count}, names are resolved ` +
    (resolve === "local" ? "here where a rule needs it" : "by the server"),
  ];
}

function describeUser({ name, limits, disabled }: LimitedUser): string {
  const facts = [
    ...disabled ? ["disabled"] : [],
    ...limits === undefined ? [] : describeLimits(limits),
  ];
  return facts.length > 0 ? `${name}: ${facts.join(", ")}` : name;
}

function describeLimits(
  { quotaBytes, bytesPerSecond, maxConnections, maxHosts, expiresUnixMs }:
    UserLimits,
): string[] {
  return [
    ...quotaBytes !== undefined ? [`${formatBytes(quotaBytes)} in all`] : [],
    ...bytesPerSecond ? [`${formatRate(bytesPerSecond, "bit")} each way`] : [],
    ...maxConnections ? [`${maxConnections} connections`] : [],
    ...maxHosts ? [`${maxHosts} devices`] : [],
    ...expiresUnixMs === undefined
      ? []
      : [`until ${new Date(expiresUnixMs).toISOString()}`],
  ];
}

function operatorRows(operator: OperatorSettings, role: Role): Row[] {
  const { admin, adminToken, invite, manager, store, publicHost } = operator;
  const address = describeAddress(admin);
  const token = adminToken === undefined ? "without a token" : "with a token";
  const end = role === "server" ? "server" : "local";
  const { logFormat, logPrivacy } = operator;
  return [
    ["admin", admin === undefined ? address : `${address}, ${token}`],
    ...end === "server"
      ? [
        ...invite === undefined
          ? []
          : [["invite", describeAddress(invite)] as const],
        ["manager", describeAddress(manager)],
        ["store", store ?? "none: a restart forgets users and counts"],
      ] as const
      : [],
    ...publicHost === undefined
      ? []
      : [["URIs", `with ${publicHost}`] as const],
    ["log", `${logFormat}, targets: ${logPrivacy}`],
    ...operator.reusePort ? [["ports", "shared with others"] as const] : [],
  ];
}

function describeAddress(address: AdminAddress | undefined): string {
  return address === undefined ? "off" : formatAdminAddress(address);
}

function table(rows: readonly Row[]): string[] {
  const width = Math.max(...rows.map(([name]) => name.length));
  return rows.map(([name, value]) => `  ${name.padEnd(width)}  ${value}`);
}
