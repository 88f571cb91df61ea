/**
 * The plan of a server: how it is started, and what a changed configuration
 * means for a running one.
 *
 * @module
 */
import { formatBytes, formatRate } from "../../admin/units.ts";
import { formatAddress } from "../../codec/address.ts";
import { badValue } from "../../errors.ts";
import type { LogFields } from "../../observe.ts";
import type { LimitedUser } from "../../service/server/account.ts";
import type { Accounts } from "../../service/server/accounts.ts";
import {
  checkServer,
  type ServerService,
  startServer,
} from "../../service/server/server.ts";
import type { Dependencies, Service } from "../../service/service.ts";
import type { Mode } from "../../service/options.ts";
import type { PluginOptions } from "../../service/plugin/options.ts";
import type { ServerUser } from "../../session/server_user.ts";
import type { Endpoint } from "../../transport.ts";
import type { UserLimits } from "../../users.ts";
import type { ConfiguredServer } from "../config/config.ts";
import { describeMethod } from "../config/legacy_gate.ts";
import type { Changes, PlannedService } from "./fleet.ts";
import { SERVICE } from "../settings/service.ts";
import { USER_LIMITS } from "../settings/users.ts";
import { same } from "./same.ts";
import { settingChanges } from "./setting_changes.ts";
import { runtimeName } from "../../adapters/system/runtime.ts";

/** The dependencies of a server besides its configuration. */
export interface ServerSurroundings {
  /** The dependencies of the service. */
  readonly world: Dependencies;
  /** The accounts of its users, shared by all addresses of one port. */
  readonly accounts: Accounts;
  /** Returns the present users; none if the server has none. */
  readonly users: () => readonly ServerUser[];
  /** Returns everyone who has an account at any address of that port. */
  readonly everyUser: () => readonly LimitedUser[];
}

/** The plan of one address of a server. */
export class ServerPlan implements PlannedService {
  readonly key: string;
  readonly portOption = "-p";
  /** The server of the configuration. */
  readonly server: ConfiguredServer;
  readonly #surroundings: ServerSurroundings;

  /** Creates the plan; nothing runs yet. */
  constructor(server: ConfiguredServer, surroundings: ServerSurroundings) {
    this.key = serverKey(server);
    this.server = server;
    this.#surroundings = surroundings;
  }

  /** The present users, from the configuration and made at run time. */
  get users(): readonly ServerUser[] {
    return this.#surroundings.users();
  }

  get listen(): Endpoint {
    return this.server.listen;
  }

  check(): void {
    try {
      checkServer(
        { ...this.server, users: this.users },
        this.#surroundings.world,
      );
    } catch (error) {
      throw asConfigError(this.key, error);
    }
  }

  /** Creates the accounts of all users. */
  attend(): void {
    const { accounts, everyUser } = this.#surroundings;
    accounts.set(everyUser());
  }

  async start(): Promise<Service> {
    const { world, accounts } = this.#surroundings;
    this.attend();
    const { users } = this;
    return await startServer({ ...this.server, users, accounts }, world);
  }

  adopt(running: Service): void {
    (running as ServerService).update({ ...this.server, users: this.users });
    this.attend();
  }

  describe(address: string): { message: string; fields: LogFields } {
    const { mode, plugin, websocket } = this.server;
    // The stand-in user has no name and is not listed.
    const users = this.users.filter(({ name }) => name !== "");
    const method = describeMethod(this.server);
    return {
      message: `ss-server listening on ${address}, method ${method}, ` +
        (users.length === 0
          ? ""
          : `${users.length} user${users.length === 1 ? "" : "s"}, `) +
        (websocket === undefined
          ? ""
          : `WebSockets on ${formatAddress(websocket.listen)}, `) +
        `${TRAFFIC[mode]}${behindPlugin(plugin)}runtime ${runtimeName()}`,
      fields: {
        role: "ss-server",
        address,
        method,
        mode,
        plugin: plugin?.name,
        runtime: runtimeName(),
      },
    };
  }

  changesSince(before: PlannedService): Changes {
    const { server: old } = before as ServerPlan;
    const next = this.server;
    const { adopted, listening } = settingChanges(SERVICE, old, next);
    const again = [
      ...listening,
      ...same(old.plugin, next.plugin)
        ? []
        : ["another plugin, which closes the connections of the old one"],
      ...same(old.websocket ?? {}, next.websocket ?? {})
        ? []
        : ["other WebSockets"],
    ];
    return {
      restart: again.length > 0,
      sentences: [
        ...listensAgain(again),
        ...old.method === next.method && same(old.ssr ?? {}, next.ssr ?? {})
          ? []
          : [`method ${describeMethod(next)}`],
        ...same(old.masterKey, next.masterKey) ? [] : ["another password"],
        ...userChanges(old.users ?? [], next.users ?? []),
        ...ownerChanges(old.owner, next.owner),
        ...old.connectionBytesPerSecond === next.connectionBytesPerSecond
          ? []
          : [`each connection: ${rateOf(next)}`],
        ...same(old.reach, next.reach) ? [] : [`targets: ${next.reach}`],
        ...same(old.redirect ?? [], next.redirect ?? [])
          ? []
          : [`strangers: ${sitesOf(next)}`],
        ...adopted,
      ],
    };
  }
}

function rateOf({ connectionBytesPerSecond: rate }: ConfiguredServer): string {
  return rate === undefined ? "no limit" : formatRate(rate, "bit");
}

function sitesOf({ redirect = [] }: ConfiguredServer): string {
  return redirect.map(formatAddress).join(", ") || "silence";
}

/** Identifies a server across configurations. */
export function serverKey({ listen }: ConfiguredServer): string {
  return `ss-server ${formatAddress(listen)}`;
}

/**
 * Turns a `RangeError` of a caller into a configuration error of the operator.
 *
 * @param where The place of the mistake.
 */
export function asConfigError(where: string, error: unknown): unknown {
  return error instanceof RangeError
    ? badValue(`${where}: ${error.message}`, {
      cause: error,
    })
    : error;
}

/** The words of the start line for each mode; TCP alone is not mentioned. */
export const TRAFFIC: Readonly<Record<Mode, string>> = {
  "tcp_only": "",
  "udp_only": "UDP only, ",
  "tcp_and_udp": "TCP and UDP, ",
};

/** The words of the start line for a plugin. */
export function behindPlugin(plugin: PluginOptions | undefined): string {
  return plugin === undefined ? "" : `plugin ${plugin.name}, `;
}

/** Returns the sentence for settings that need a new listener. */
export function listensAgain(changes: readonly string[]): string[] {
  return changes.length === 0 ? [] : [`listens again: ${changes.join(", ")}`];
}

function userChanges(
  old: readonly ServerUser[],
  next: readonly ServerUser[],
): string[] {
  if (old === next) return [];
  const before = new Map(old.map((user) => [user.name, user]));
  const after = new Set(next.map(({ name }) => name));
  return [
    ...old.filter(({ name }) => !after.has(name))
      .map(({ name }) => `user ${name} is removed`),
    ...next.flatMap((user) => {
      const known = before.get(user.name);
      const name = `user ${user.name}`;
      if (known === undefined) return [`${name} is added`];
      return [
        ...same(known.masterKey, user.masterKey)
          ? []
          : [`${name} has another password`],
        ...limitChanges(known.limits ?? {}, user.limits ?? {})
          .map((change) => `${name}: ${change}`),
        ...(known.disabled ?? false) === (user.disabled ?? false)
          ? []
          : [`${name} is ${user.disabled ? "disabled" : "enabled"}`],
      ];
    }),
  ];
}

/** Returns the changes of the user who owns the whole port. */
function ownerChanges(
  old: LimitedUser | undefined,
  next: LimitedUser | undefined,
): string[] {
  if (old?.name !== next?.name) {
    return [
      next === undefined
        ? `user ${old!.name} no longer owns the port`
        : `user ${next.name} owns the port`,
    ];
  }
  if (old === undefined || next === undefined) return [];
  const { name, disabled = false } = next;
  return [
    ...limitChanges(old.limits ?? {}, next.limits ?? {})
      .map((change) => `user ${name}: ${change}`),
    ...(old.disabled ?? false) === disabled
      ? []
      : [`user ${name} is ${disabled ? "disabled" : "enabled"}`],
  ];
}

/** Returns the changes of limits. */
function limitChanges(old: UserLimits, next: UserLimits): string[] {
  return Object.entries(USER_LIMITS).flatMap(([name, { key }]) => {
    const [was, will] = [old, next].map((limits) =>
      limits[name as keyof UserLimits]
    );
    const shown = (value: number | undefined): string =>
      value === undefined
        ? "no limit"
        : name === "expiresUnixMs"
        ? new Date(value).toISOString()
        : name === "quotaBytes"
        ? formatBytes(value)
        : name === "bytesPerSecond"
        ? formatRate(value, "bit")
        : String(value);
    return was === will ? [] : [`${key} ${shown(will)}, was ${shown(was)}`];
  });
}
