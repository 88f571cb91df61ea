/**
 * The command `fleet`, which creates a fleet, shows its servers, and shows and
 * changes the users that they share.
 *
 * @module
 */
import { openSqliteStore } from "../../adapters/store/sqlite_store.ts";
import type { FleetUser } from "../../adapters/fleet/fleet_admin.ts";
import { formatAgo, formatBytes } from "../../admin/units.ts";
import { systemClock } from "../../clock.ts";
import { badValue } from "../../errors.ts";
import { systemRandomBytes } from "../../random.ts";
import { userKey } from "../config/credentials.ts";
import { passwordSecret } from "../config/secrets.ts";
import { readAction } from "../options/action.ts";
import type { Arguments } from "../options/args.ts";
import { usage } from "../options/getopt.ts";
import { print } from "../output.ts";
import { generateKey } from "../tools/genkey.ts";
import { printable } from "../top/terminal_text.ts";
import {
  checkUserName,
  limitsFrom,
  USER_ACTIONS,
  USER_DONE,
} from "../user/user_command.ts";
import { beginFleet } from "./begin_fleet.ts";
import { runFleetDoctor } from "./fleet_doctor.ts";
import { exportUsers, importUsers } from "./move_users.ts";
import { joinFleet, tokenOf } from "./join_fleet.ts";
import {
  drainNode,
  removeNode,
  restoreNode,
  showNodes,
} from "./node_actions.ts";
import { type OpenFleet, withFleet } from "./open_fleet.ts";
import { rekeyFleet } from "./rekey.ts";

/** What follows each action on users. */
const ON_USERS = { ...USER_ACTIONS, reset: "NAME" };

/** What follows each action. */
const ACTIONS = {
  init: "",
  status: "",
  drain: "NODE",
  restore: "NODE",
  remove: "NODE",
  doctor: "",
  token: "",
  join: "TOKEN",
  rekey: "",
  user: "ACTION",
  import: "FILE",
  export: "FILE",
};

type Action = keyof typeof ACTIONS;

/**
 * Runs the command.
 *
 * @returns False if a check found a fault, or a server is not drained in time.
 * @throws {UmbraError} When the engine does not answer, or refuses.
 */
export async function runFleet(args: Arguments): Promise<boolean> {
  const [first, word = "", name] = args.operands;
  // These two read their words themselves.
  const isLonger = first === "user" || first === "join";
  const action = readAction(
    "umbra fleet",
    ACTIONS,
    isLonger ? args.operands.slice(0, 2) : args.operands,
  );
  if (args.last("wait") !== undefined && action !== "drain") {
    throw usage("--wait is for umbra fleet drain");
  }
  switch (action) {
    case "doctor":
      return await runFleetDoctor(args);
    case "drain":
      return await withFleet(args, (fleet) => drainNode(fleet, word));
    default:
      await act(action, word, name, args);
      return true;
  }
}

/** The actions that find no fault. */
type QuietAction = Exclude<Action, "doctor" | "drain">;

async function act(
  action: QuietAction,
  word: string,
  name: string | undefined,
  args: Arguments,
): Promise<void> {
  switch (action) {
    case "init":
      return await print(await beginFleet(args));
    case "token":
      return await print(tokenOf(args));
    case "join":
      return await print(await joinFleet(args, word, name));
    case "rekey":
      return await print(await rekeyFleet(args));
    case "status":
      return await withFleet(args, showNodes);
    case "restore":
      return await withFleet(args, (fleet) => restoreNode(fleet, word));
    case "remove":
      return await withFleet(args, (fleet) => removeNode(fleet, word));
    case "user": {
      const words = args.operands.slice(1);
      const onUser = readAction("umbra fleet user", ON_USERS, words);
      return await withFleet(
        args,
        (fleet) => actOnUser(onUser, name ?? "", fleet),
      );
    }
    case "import":
    case "export":
      return await withFleet(args, async ({ admin, service }) => {
        using store = openSqliteStore(word);
        const move = action === "import" ? importUsers : exportUsers;
        await print(await move(store, admin, service()));
      });
  }
}

async function actOnUser(
  action: keyof typeof ON_USERS,
  name: string,
  fleet: OpenFleet,
): Promise<void> {
  const { admin, args } = fleet;
  const service = fleet.service();
  if (action === "list") {
    return await print(list(await admin.users(service), args));
  }
  if (action === "add") return await add(name, service, fleet);
  const found = await admin.user(service, name);
  if (found === undefined) {
    throw badValue(
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

const DONE = { ...USER_DONE, reset: "nothing is used of the quota" } as const;

async function add(
  name: string,
  service: string,
  { args, admin, method: chosen }: OpenFleet,
): Promise<void> {
  checkUserName(name);
  if (await admin.user(service, name) !== undefined) {
    throw badValue(`The servers on port ${service} have a user of that name`);
  }
  const method = chosen();
  const password = generateKey(method, systemRandomBytes);
  // An invalid password is reported here, before it reaches the servers.
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

/** Returns the parts of a user that are not secret. */
function withoutKey({ user, ...rest }: FleetUser): object {
  const { password: _, ...shown } = user;
  return { ...shown, ...rest };
}
