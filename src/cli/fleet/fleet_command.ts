/**
 * The command `fleet`: begins a fleet, and changes the users that its servers
 * share.
 *
 * @module
 */
import { openSqliteStore } from "../../adapters/store/sqlite_store.ts";
import {
  type FleetAdmin,
  type FleetUser,
  openFleetAdmin,
} from "../../adapters/fleet/fleet_admin.ts";
import { formatAgo, formatBytes } from "../../admin/units.ts";
import { systemClock } from "../../clock.ts";
import { findMethod, type Method } from "../../crypto/method.ts";
import { ConfigError } from "../../errors.ts";
import { systemRandomBytes } from "../../random.ts";
import { userNameFault } from "../../users.ts";
import { findCommand } from "../commands/commands.ts";
import { type ConfiguredServer, configureServer } from "../config/config.ts";
import { userKey } from "../config/credentials.ts";
import { fleetOf } from "../config/fleet_settings.ts";
import { operatorSettings } from "../config/operator_settings.ts";
import { passwordSecret, Secrets } from "../config/secrets.ts";
import { systemSources } from "../config/sources.ts";
import { type Arguments, parseArguments } from "../options/args.ts";
import { usage } from "../options/getopt.ts";
import { print } from "../output.ts";
import { generateKey } from "../tools/genkey.ts";
import { printable } from "../top/terminal_text.ts";
import { limitsFrom } from "../user/user_command.ts";
import { beginFleet } from "./begin_fleet.ts";
import { exportUsers, importUsers } from "./move_users.ts";

/** What can be done with users, and whether with one. */
const USER_ACTIONS = {
  add: true,
  list: false,
  show: true,
  set: true,
  disable: true,
  enable: true,
  reset: true,
  remove: true,
};

type UserAction = keyof typeof USER_ACTIONS;

/**
 * Runs the command.
 *
 * @throws {UmbraError} When the engine does not answer, or refuses.
 */
export async function runFleet(args: Arguments): Promise<void> {
  const [action = "", word, name] = args.operands;
  switch (action) {
    case "init":
      if (word !== undefined) throw usage("umbra fleet init takes no WORD");
      return await print(await beginFleet(args));
    case "user":
      return await withFleet(args, (fleet) => actOnUser(word, name, fleet));
    case "import":
    case "export": {
      if (word === undefined || name !== undefined) {
        throw usage(`Name the store: umbra fleet ${action} FILE`);
      }
      return await withFleet(args, async ({ admin, service }) => {
        using store = openSqliteStore(word);
        const move = action === "import" ? importUsers : exportUsers;
        await print(await move(store, admin, service()));
      });
    }
    default:
      throw usage("What shall be done? Give init, user, import or export");
  }
}

/** A fleet that was opened, and what the command line says of its users. */
interface OpenFleet {
  readonly args: Arguments;
  readonly admin: FleetAdmin;
  /** @throws {ConfigError} When it is missing. */
  service(): string;
  /** @throws {ConfigError} When it is missing. */
  method(): Method;
}

async function withFleet(
  args: Arguments,
  action: (fleet: OpenFleet) => Promise<void>,
): Promise<void> {
  const file = args.last("config");
  const asServer = file === undefined
    ? undefined
    : parseArguments(findCommand("server")!, ["-c", file]);
  const configured = asServer && configureServer(asServer, systemSources);
  const secrets = new Secrets(systemSources);
  const said = operatorSettings("server", { args, file: undefined, secrets });
  const fleet = fleetOf(
    said.fleet === undefined && configured !== undefined
      ? configured.operator
      : said,
  );
  if (fleet === undefined) {
    throw usage(
      "Which fleet? Give -c FILE of one of its servers, or --fleet URL and " +
        "--fleet-key FILE",
    );
  }
  const servers = configured?.result ?? [];
  using admin = await openFleetAdmin(fleet);
  const service = (): string => serviceOf(args, servers);
  const method = (): Method => methodOf(args, servers);
  await action({ args, admin, service, method });
}

/** The port that is named, or the one of the configuration. */
function serviceOf(
  args: Arguments,
  servers: readonly ConfiguredServer[],
): string {
  const named = args.last("server");
  if (named !== undefined) return named;
  const ports = servers.map(({ listen }) => String(listen.port));
  const [only, second] = new Set(ports);
  if (only !== undefined && second === undefined) return only;
  throw usage("Users of which port? Give --server PORT");
}

/** The method that is named, or that of the port. */
function methodOf(
  args: Arguments,
  servers: readonly ConfiguredServer[],
): Method {
  const word = args.last("method");
  if (word !== undefined) return findMethod(word);
  const port = serviceOf(args, servers);
  const found = servers.find(({ listen }) => String(listen.port) === port);
  if (found !== undefined) return found.method;
  throw usage("For which method? Give --method METHOD");
}

async function actOnUser(
  word: string | undefined,
  name: string | undefined,
  fleet: OpenFleet,
): Promise<void> {
  if (word === undefined || !Object.hasOwn(USER_ACTIONS, word)) {
    const words = Object.keys(USER_ACTIONS).join(", ");
    throw usage(`What shall be done with users? Give ${words}`);
  }
  const action = word as UserAction;
  if (USER_ACTIONS[action] !== (name !== undefined)) {
    throw usage(
      USER_ACTIONS[action]
        ? `Name the user: umbra fleet user ${action} NAME`
        : `umbra fleet user ${action} takes no NAME`,
    );
  }
  const { admin, args } = fleet;
  const service = fleet.service();
  if (action === "list") {
    return await print(list(await admin.users(service), args));
  }
  if (action === "add") return await add(name!, service, fleet);
  const found = await admin.user(service, name!);
  if (found === undefined) {
    throw new ConfigError(
      "ERR_CONFIG_VALUE",
      `The servers on port ${service} have no user of that name; ` +
        "`umbra fleet user list` shows all",
    );
  }
  const { user } = found;
  switch (action) {
    case "show":
      return await print(show(found, args));
    case "set":
      await admin.put({ ...user, limits: limitsFrom(args, user.limits) });
      break;
    case "reset":
      await admin.reset(service, user.name);
      break;
    case "remove":
      await admin.remove(service, user.name);
      break;
    default:
      await admin.put({ ...user, disabled: action === "disable" });
  }
  await print(`${printable(user.name)}: ${DONE[action]}\n`);
}

const DONE = {
  set: "changed",
  disable: "disabled",
  enable: "enabled",
  reset: "nothing is used of the quota",
  remove: "removed",
} as const;

async function add(
  name: string,
  service: string,
  { args, admin, method: chosen }: OpenFleet,
): Promise<void> {
  const fault = userNameFault(name);
  if (fault !== undefined) {
    throw new ConfigError("ERR_CONFIG_VALUE", `The name ${fault}`);
  }
  if (await admin.user(service, name) !== undefined) {
    throw new ConfigError(
      "ERR_CONFIG_VALUE",
      `The servers on port ${service} have a user of that name`,
    );
  }
  const method = chosen();
  const password = generateKey(method, systemRandomBytes);
  // Better here than on every server.
  userKey(passwordSecret(password, `user ${name}`), method);
  const limits = limitsFrom(args, {});
  await admin.put({ service, name, password, limits, disabled: false });
  await print(
    `${password}\n` +
      `# the key of ${printable(name)}; umbra user link on a server prints ` +
      "a link\n",
  );
}

function list(users: readonly FleetUser[], args: Arguments): string {
  if (args.has("json")) return `${JSON.stringify(users.map(withoutKey))}\n`;
  if (users.length === 0) return "No user is there yet\n";
  return users.map(({ user, usedBytes, places, nodes }) => {
    const { quotaBytes } = user.limits;
    const quota = quotaBytes === undefined ? "–" : formatBytes(quotaBytes);
    return [
      printable(user.name).padEnd(20),
      (user.disabled ? "disabled" : "").padEnd(9),
      `${formatBytes(usedBytes)} of ${quota}`.padEnd(24),
      `devices ${places}, nodes ${nodes.length}`,
    ].join(" ") + "\n";
  }).join("");
}

function show(found: FleetUser, args: Arguments): string {
  if (args.has("json")) return `${JSON.stringify(withoutKey(found))}\n`;
  const { nodes } = found;
  const now = systemClock.unixMs();
  return list([found], args) +
    nodes.map((node) =>
      `  ${node.node.padEnd(18)} ${formatBytes(node.bytesUp)} up, ${
        formatBytes(node.bytesDown)
      } down since its start, lease ${formatBytes(node.leaseBytes)}, heard of ${
        formatAgo(node.atUnixMs, now)
      }\n`
    ).join("");
}

/** What may be shown. */
function withoutKey({ user, ...rest }: FleetUser): object {
  const { password: _, ...shown } = user;
  return { ...shown, ...rest };
}
