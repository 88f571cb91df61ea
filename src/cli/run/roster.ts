/**
 * The servers of a program and their users: those of the configuration, the
 * changes made at run time, and the users of a fleet. The roster knows which
 * users each server has; it starts and changes nothing.
 *
 * @module
 */
import type { Clock } from "../../clock.ts";
import type { Method } from "../../crypto/method.ts";
import { badValue } from "../../errors.ts";
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

/** The dependencies of a roster. */
export interface RosterOptions {
  /** The time of accounts. */
  readonly clock: Clock;
  /** Makes the key of a stand-in user. */
  readonly randomBytes: RandomBytes;
  /** Logs users of the fleet that cannot be served. */
  readonly logger: Logger;
  /** Finds the ports that the system has chosen. */
  readonly fleet: Pick<Fleet, "find">;
  /** The fleet member; not set if the program has no fleet. */
  readonly fleetMember?: FleetMember | undefined;
}

/** The state of one server that is not in the configuration. */
export interface Extras {
  /** The accounts of its users. */
  readonly accounts: Accounts;
  /** The rates of its users. */
  readonly rates: UserRates;
  /** Users made or changed at run time, by name, in order. */
  readonly made: Map<string, StoredUser>;
  /** The users of the fleet. */
  readonly shared: SharedUsers;
}

/** The servers and users of a program; see the module. */
export class Roster {
  /** The configuration in use. */
  configured: ConfiguredRole<ConfiguredServer[]>;
  readonly #options: RosterOptions;
  /** The extras of servers, by id. */
  readonly #extras = new Map<string, Extras>();
  /** Servers made at run time, by port. */
  readonly managed: Map<number, ConfiguredServer> = new Map();
  /** Users made at run time, so that each key is derived once. */
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

  /** Returns the extras of a server; `undefined` if they were not made yet. */
  known(id: string): Extras | undefined {
    return this.#extras.get(id);
  }

  /** Returns the extras that were made so far. */
  all(): Iterable<Extras> {
    return this.#extras.values();
  }

  /**
   * Returns the id of a server: its port, or its address until the system has
   * chosen the port.
   */
  idOf(server: ConfiguredServer): string {
    const { port } = server.listen;
    if (port !== 0) return String(port);
    const running = this.#options.fleet.find(serverKey(server));
    return String(running?.service.address.port ?? serverKey(server));
  }

  /** Returns the ids of all servers. */
  ids(): string[] {
    return [...new Set(this.servers.map((server) => this.idOf(server)))];
  }

  /** Returns the servers of one id: the addresses of one port. */
  serversOf(id: string): ConfiguredServer[] {
    return this.servers.filter((server) => this.idOf(server) === id);
  }

  /** @throws {RangeError} If there is no such server. */
  serverOf(id: string): ConfiguredServer {
    const [server] = this.serversOf(id);
    if (server === undefined) {
      throw new RangeError(`Server ${id} does not exist`);
    }
    return server;
  }

  /** Returns the extras of a server; the first call makes them. */
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

  /**
   * Returns the user of the configuration, without changes made at run time.
   */
  fileUser(id: string, name: string): ServerUser | undefined {
    return this.serversOf(id).flatMap(({ users = [] }) => users)
      .find((user) => user.name === name);
  }

  /** Returns the stored form of a user, also of a user of the configuration. */
  storedUser(id: string, name: string): StoredUser {
    this.serverOf(id);
    const filed = this.fileUser(id, name);
    const made = this.extrasOf(id).made.get(name);
    const isMade = (made?.standing ?? "made") === "made";
    if (made?.standing !== "removed" && made && isMade === !filed) return made;
    if (this.serversOf(id).some(({ owner }) => owner?.name === name)) {
      throw badValue(
        `User ${name} owns the port in the configuration file: change the file`,
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
   * Returns the users of the configuration with changes made at run time, the
   * users made at run time, and those of the fleet. A user of the configuration
   * hides one of the same name that was made at run time.
   */
  usersOf(server: ConfiguredServer): readonly ServerUser[] {
    const own = this.#ownUsersOf(server);
    if (this.#options.fleetMember === undefined) return own;
    const { shared } = this.extrasOf(this.idOf(server));
    if (own.length + shared.size > 0) return [...own, ...shared.all];
    // Without users the server's own key, which all users know, would let
    // everyone in.
    return [this.#standIn(server.method)];
  }

  /** Returns a user without an account, whose key no client has. */
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
   * Returns a user as the server knows it.
   *
   * @param stored The change at run time; not set if there is none.
   * @param filed The user of the configuration; not set if there is none.
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
    // A reload may change the key of the configuration.
    if (stored.password !== "") this.#madeUsers.set(stored, user);
    return user;
  }

  /**
   * Returns the users of a port. A user of the configuration hides one of the
   * same name that was made at run time.
   */
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

  /**
   * Returns one sentence for each user of the configuration that was changed at
   * run time.
   */
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
          "overrides the configuration"
        );
    });
  }
}
