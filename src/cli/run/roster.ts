/**
 * The servers of a program and their users: those of the configuration, what was
 * changed over it at run time, and the users of a fleet. It says who is served
 * where; it starts and changes nothing.
 *
 * @module
 */
import type { Clock } from "../../clock.ts";
import type { Method } from "../../crypto/method.ts";
import { ConfigError } from "../../errors.ts";
import type { Logger } from "../../observe.ts";
import type { RandomBytes } from "../../random.ts";
import type { FleetMember } from "../../service/fleet/member.ts";
import type { LimitedUser } from "../../service/server/account.ts";
import { Accounts } from "../../service/server/accounts.ts";
import { everyUser } from "../../service/server/server.ts";
import type { ServerUser } from "../../session/server_user.ts";
import type { StoredUser } from "../../users.ts";
import type { ConfiguredRole, ConfiguredServer } from "../config/config.ts";
import type { Fleet } from "./fleet.ts";
import { MadeUser } from "./made_user.ts";
import { serverKey } from "./server_plan.ts";
import { SharedUsers } from "./shared_users.ts";
import { UserRates } from "./user_rates.ts";

/** The world of a roster. */
export interface RosterOptions {
  /** Keeps time for accounts. */
  readonly clock: Clock;
  /** Makes the key of a stand-in. */
  readonly randomBytes: RandomBytes;
  /** Logs users of the fleet that cannot be served. */
  readonly logger: Logger;
  /** Knows the ports that the system has chosen. */
  readonly fleet: Pick<Fleet, "find">;
  /** The fleet; not set: users are this program's own. */
  readonly fleetMember?: FleetMember | undefined;
}

/** One server, as far as it is not the configuration's. */
export interface Extras {
  /** The accounts of its users. */
  readonly accounts: Accounts;
  /** The rates of its users. */
  readonly rates: UserRates;
  /** The changes to users at run time, by name, in their order. */
  readonly made: Map<string, StoredUser>;
  /** The users of the fleet. */
  readonly shared: SharedUsers;
}

/** Knows servers and users; see the module. */
export class Roster {
  /** The configuration that is served. */
  configured: ConfiguredRole<ConfiguredServer[]>;
  readonly #options: RosterOptions;
  /** The extras of servers, by id. */
  readonly #extras = new Map<string, Extras>();
  /** Servers that were made at run time, by port. */
  readonly managed: Map<number, ConfiguredServer> = new Map();
  /**
   * The users made at run time, as they are served; their keys are derived
   * once.
   */
  readonly #madeUsers = new WeakMap<StoredUser, MadeUser>();

  constructor(
    configured: ConfiguredRole<ConfiguredServer[]>,
    options: RosterOptions,
  ) {
    this.configured = configured;
    this.#options = options;
  }

  /** Every server: those of the configuration, then those made at run time. */
  get servers(): readonly ConfiguredServer[] {
    return [...this.configured.result, ...this.managed.values()];
  }

  /** The extras of a server; `undefined` where nothing has asked for them yet. */
  known(id: string): Extras | undefined {
    return this.#extras.get(id);
  }

  /** The extras of every server that has some. */
  all(): Iterable<Extras> {
    return this.#extras.values();
  }

  /** The port; while the system has not chosen one, the address. */
  idOf(server: ConfiguredServer): string {
    const { port } = server.listen;
    if (port !== 0) return String(port);
    const running = this.#options.fleet.find(serverKey(server));
    return String(running?.service.address.port ?? serverKey(server));
  }

  /** The ids of all servers. */
  ids(): string[] {
    return [...new Set(this.servers.map((server) => this.idOf(server)))];
  }

  /** The servers of one id: the addresses of one port. */
  serversOf(id: string): ConfiguredServer[] {
    return this.servers.filter((server) => this.idOf(server) === id);
  }

  /** @throws {RangeError} When there is none. */
  serverOf(id: string): ConfiguredServer {
    const [server] = this.serversOf(id);
    if (server === undefined) throw new RangeError(`There is no server ${id}`);
    return server;
  }

  /** The extras of a server, made when they are first asked for. */
  extrasOf(id: string): Extras {
    const known = this.#extras.get(id);
    if (known !== undefined) return known;
    const { clock, fleetMember: member, logger } = this.#options;
    const shared = new SharedUsers(logger);
    const accounts = new Accounts(
      [],
      clock,
      (name) => shared.has(name) ? member?.share(id, name) : undefined,
    );
    const extras: Extras = {
      accounts,
      rates: new UserRates(accounts, clock),
      made: new Map(),
      shared,
    };
    this.#extras.set(id, extras);
    return extras;
  }

  /** The user of the configuration, whatever was changed over it. */
  fileUser(id: string, name: string): ServerUser | undefined {
    return this.serversOf(id).flatMap(({ users = [] }) => users)
      .find((user) => user.name === name);
  }

  /** The stored form of a user; also of one of the configuration. */
  storedUser(id: string, name: string): StoredUser {
    this.serverOf(id);
    const filed = this.fileUser(id, name);
    const made = this.extrasOf(id).made.get(name);
    const isMade = (made?.standing ?? "made") === "made";
    if (made?.standing !== "removed" && made && isMade === !filed) return made;
    if (this.serversOf(id).some(({ owner }) => owner?.name === name)) {
      throw refused(
        `User ${name} owns the whole port in the configuration file: change it there`,
      );
    }
    if (filed === undefined || made?.standing === "removed") {
      throw new RangeError(`Server ${id} has no user ${name}`);
    }
    const { limits = {}, disabled = false } = filed;
    return {
      ...{ server: id, name, password: "", limits, disabled },
      standing: "changed",
    };
  }

  /**
   * The users of the file with what was changed over them, and those that were
   * made at run time. Of two users of one name the file's counts.
   */
  usersOf(server: ConfiguredServer): readonly ServerUser[] {
    const own = this.#ownUsersOf(server);
    if (this.#options.fleetMember === undefined) return own;
    const { shared } = this.extrasOf(this.idOf(server));
    if (own.length + shared.size > 0) return [...own, ...shared.all];
    // The server's own key, which all users have, would let anybody in.
    return [this.#standIn(server.method)];
  }

  /** The stand-in for no user, without an account, with a key that no client has. */
  #standIn({ keyLength }: Method): ServerUser {
    const masterKey = this.#options.randomBytes(keyLength);
    return { name: "", masterKey, disabled: true };
  }

  #ownUsersOf(server: ConfiguredServer): readonly ServerUser[] {
    const { made } = this.extrasOf(this.idOf(server));
    const { users = [], method } = server;
    if (made.size === 0) return users;
    const filed = new Set(users.map(({ name }) => name));
    return [
      ...users.map((user) => this.served(made.get(user.name), user, method)),
      ...[...made.values()].filter(({ name }) => !filed.has(name))
        .map((user) => this.served(user, undefined, method)),
    ].filter((user) => user !== undefined);
  }

  /**
   * A user as it is served.
   *
   * @param stored What was done with it at run time; not set: nothing.
   * @param filed As the configuration has it; not set: it has not.
   */
  served(
    stored: StoredUser | undefined,
    filed: ServerUser | undefined,
    method: Method,
  ): ServerUser | undefined {
    const standing = stored?.standing ?? "made";
    if (stored === undefined || standing === "made" && filed !== undefined) {
      return filed;
    }
    if (standing === "removed") return undefined;
    if (standing === "changed" && filed === undefined) return undefined;
    const known = this.#madeUsers.get(stored);
    if (known?.method === method) return known;
    const user = new MadeUser(stored, method, { filed });
    // The key of the file may be another one after a reload.
    if (stored.password !== "") this.#madeUsers.set(stored, user);
    return user;
  }

  /** The users of a port; of two with one name the counts of the file. */
  everyUser(siblings: readonly ConfiguredServer[]): readonly LimitedUser[] {
    const all = new Map<string, LimitedUser>();
    for (const server of siblings) {
      const { owner } = server;
      const users = this.usersOf(server).filter(({ name }) => name !== "");
      for (const user of everyUser({ users, owner })) {
        const isMade = user instanceof MadeUser && user.origin === "api";
        if (!isMade || !all.has(user.name)) all.set(user.name, user);
      }
    }
    return [...all.values()];
  }

  /** One sentence for each user of the file of which something else holds. */
  heldOver(
    { result }: ConfiguredRole<ConfiguredServer[]> = this.configured,
  ): string[] {
    return result.flatMap((server) => {
      const id = this.idOf(server);
      const changes = [...this.extrasOf(id).made.values()]
        .filter(({ standing = "made" }) => standing !== "made");
      if (changes.length === 0) return [];
      const names = new Set(server.users?.map(({ name }) => name));
      return changes.filter(({ name }) => names.has(name))
        .map(({ name, standing }) =>
          `user ${name} of port ${id} was ${standing} at run time, which ` +
          "holds over the configuration"
        );
    });
  }
}

/** The error of a change that is refused; nothing has changed then. */
export function refused(message: string): ConfigError {
  return new ConfigError("ERR_CONFIG_VALUE", message);
}
