/**
 * Access to users for `umbra user`: a running program through its operator's
 * port or, if none runs, its store.
 *
 * @module
 */
import { chooseProviders } from "../../adapters/crypto/providers.ts";
import { systemTransport } from "../../adapters/net/system.ts";
import { openSqliteStore } from "../../adapters/store/sqlite_store.ts";
import type {
  NewUser,
  ServerStatus,
  Status,
  UserChange,
  UserStatus,
} from "../../admin/operator.ts";
import { NO_USERS } from "../../admin/user_page.ts";
import { invitationUrl } from "../../admin/invite/invitations.ts";
import { systemClock } from "../../clock.ts";
import { badValue } from "../../errors.ts";
import { silentLogger, silentMetrics } from "../../observe.ts";
import { systemRandomBytes } from "../../random.ts";
import {
  type ConfiguredRole,
  type ConfiguredServer,
  configureServer,
} from "../config/config.ts";
import { inviteUrlOf } from "../config/invite_url.ts";
import { systemSources } from "../config/sources.ts";
import type { Arguments } from "../options/args.ts";
import { Fleet } from "../run/fleet.ts";
import { Supervisor } from "../run/supervisor.ts";
import { guessHost } from "../tools/guess_host.ts";
import {
  askAdmin,
  fetchStatus,
  type StatusSource,
} from "../top/status_client.ts";
import { usage } from "../options/getopt.ts";

/** The actions on users. Their errors are those of `Operator`. */
export interface UserControl {
  /** A note about changes that do not take effect at once. */
  readonly note?: string;
  /** Returns every server, with some of its users. */
  servers(): Promise<readonly ServerStatus[]>;
  /** Returns every user of a server. */
  users(server: string): Promise<readonly UserStatus[]>;
  /** Returns one user; `undefined` if there is none of this name. */
  user(server: string, name: string): Promise<UserStatus | undefined>;
  add(server: string, user: NewUser): Promise<void>;
  change(server: string, name: string, change: UserChange): Promise<void>;
  remove(server: string, name: string): Promise<void>;
  /** Sets the counts of a user to zero. */
  clear(server: string, name: string): Promise<void>;
  /**
   * Returns the access of a user; `undefined` for a raw key, which a link
   * cannot contain.
   */
  access(server: string, name: string): Promise<UserAccess | undefined>;
}

/** The password and links of a user. Secret. */
export interface UserAccess {
  readonly uri: string;
  /** Address of the invitation; not set if no port serves invitations. */
  readonly invite?: string | undefined;
}

/** Returns access to a running program. */
export function remoteControl(source: StatusSource): UserControl {
  const ask = async (
    method: string,
    path: string,
    body?: unknown,
  ): Promise<string> => {
    const answer = await askAdmin(source, method, `/api/servers/${path}`, body);
    if (answer.status < 300) return answer.body;
    throw badValue(reasonOf(answer.body));
  };
  const usersOf = (server: string): string =>
    `${encodeURIComponent(server)}/users`;
  const pathOf = (server: string, name: string): string =>
    `${usersOf(server)}/${encodeURIComponent(name)}`;
  return {
    servers: async () => (await fetchStatus(source)).servers,
    async users(server): Promise<readonly UserStatus[]> {
      const all: UserStatus[] = [];
      for (;;) {
        const path = `${usersOf(server)}?offset=${all.length}`;
        const { users, total } = JSON.parse(await ask("GET", path));
        all.push(...users);
        if (users.length === 0 || all.length >= total) return all;
      }
    },
    async user(server, name): Promise<UserStatus | undefined> {
      const path = `/api/servers/${pathOf(server, name)}`;
      const { status, body } = await askAdmin(source, "GET", path);
      return status === 200 ? JSON.parse(body) : undefined;
    },
    async add(server, user): Promise<void> {
      await ask("POST", usersOf(server), user);
    },
    async change(server, name, change): Promise<void> {
      await ask("PATCH", pathOf(server, name), change);
    },
    async remove(server, name): Promise<void> {
      await ask("DELETE", pathOf(server, name));
    },
    async clear(server, name): Promise<void> {
      await ask("POST", `${pathOf(server, name)}/clear`);
    },
    async access(server, name): Promise<UserAccess | undefined> {
      const path = `/api/servers/${pathOf(server, name)}/uri`;
      const { status, body } = await askAdmin(source, "GET", path);
      return status === 200 ? JSON.parse(body) : undefined;
    },
  };
}

/**
 * Returns the reason of a refusal: the API sends `{"error": …}`, a proxy in
 * between any text.
 */
function reasonOf(body: string): string {
  try {
    const { error } = JSON.parse(body);
    return String(error?.message ?? error);
  } catch {
    return "the operator's port gives no reason";
  }
}

/**
 * Returns access to the store of a configuration whose program does not run.
 *
 * @param owned Closes the store.
 * @throws {ConfigError} If the configuration is invalid or has no store.
 */
export function storeControl(
  args: Arguments,
  configured: ConfiguredRole<ConfiguredServer[]>,
  owned: DisposableStack,
): UserControl {
  const { store: path, publicHost } = configured.operator;
  if (path === undefined) {
    throw usage(
      'The configuration has neither "admin" nor "store", so nothing keeps a ' +
        'change: add "store": "umbra.db", and "admin": "127.0.0.1:9090"',
    );
  }
  const methods = configured.result.map(({ method }) => method);
  const witness = { logger: silentLogger, metrics: silentMetrics };
  const supervisor = new Supervisor(configured, {
    ...{ clock: systemClock, randomBytes: systemRandomBytes, publicHost },
    configure: () => configureServer(args, systemSources),
    ciphers: { prepare: () => {}, serve: () => {} },
    world: { transport: systemTransport(), ...chooseProviders(methods) },
    logger: silentLogger,
    fleet: new Fleet({ ...witness, withFields: false }),
    store: owned.use(openSqliteStore(path)),
    programStatus: () => NOT_RUNNING,
    guessHost,
  });
  supervisor.openIdle();
  return {
    note: `kept in ${path}; takes effect when the server starts`,
    servers: () => Promise.resolve(supervisor.status(NO_USERS).servers),
    users: (server) => Promise.resolve([...supervisor.users(server)]),
    user: (server, name) => Promise.resolve(supervisor.user(server, name)),
    add: async (server, user) => await supervisor.addUser(server, user),
    change: async (server, name, change) =>
      await supervisor.changeUser(server, name, change),
    remove: async (server, name) => await supervisor.removeUser(server, name),
    clear: async (server, name) => await supervisor.clearCounts(server, name),
    async access(server, name): Promise<UserAccess | undefined> {
      const credentials = await supervisor.credentials(server, name);
      if (credentials === undefined) return undefined;
      const { uri, password } = credentials;
      const url = inviteUrlOf(configured.operator, guessHost);
      const owner = { server, name, password };
      return { uri, invite: url && invitationUrl(url, owner) };
    },
  };
}

/** The status of a program that does not run; only its users are read. */
const NOT_RUNNING = {} as Omit<Status, "servers" | "keepsUsers">;
