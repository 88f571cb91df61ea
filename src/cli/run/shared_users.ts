/**
 * The users of a fleet on one server, as far as the server supports them.
 *
 * @module
 */
import type { Method } from "../../crypto/method.ts";
import { ConfigError } from "../../errors.ts";
import type { SharedUser } from "../../fleet.ts";
import { MAX_TRIAL_USERS } from "../../limits.ts";
import type { Logger } from "../../observe.ts";
import type { ServerUser } from "../../session/server_user.ts";
import { MadeUser } from "./made_user.ts";

/** The facts about a server that users of a fleet depend on. */
export interface SharedServer {
  /** Port, in decimal. */
  readonly id: string;
  readonly method: Method;
  /** Names of the server's own users, which users of the fleet cannot have. */
  readonly taken: ReadonlySet<string>;
}

/** The users of a fleet on one server, by name. */
export class SharedUsers {
  readonly #logger: Logger;
  readonly #users = new Map<string, MadeUser>();
  /** Names by key: two users with one key could not be told apart. */
  readonly #owners = new Map<string, string>();

  /** @param logger Logs users that cannot be served. */
  constructor(logger: Logger) {
    this.#logger = logger;
  }

  get all(): Iterable<MadeUser> {
    return this.#users.values();
  }

  get size(): number {
    return this.#users.size;
  }

  has(name: string): boolean {
    return this.#users.has(name);
  }

  get(name: string): ServerUser | undefined {
    return this.#users.get(name);
  }

  /** Replaces all users. */
  set(users: readonly SharedUser[], server: SharedServer): void {
    this.#users.clear();
    this.#owners.clear();
    for (const user of users) this.put(user, server);
  }

  /**
   * Adds a user, or replaces the one of the same name.
   *
   * @returns The user; `undefined` if it cannot be served, which is logged.
   */
  put(user: SharedUser, server: SharedServer): MadeUser | undefined {
    this.remove(user.name);
    const fault = this.#faultOf(user, server);
    if (fault === undefined) return this.#users.get(user.name);
    this.#logger.log("error", "fleet: cannot serve a user", {
      server: server.id,
      user: user.name,
      reason: fault,
    });
    return undefined;
  }

  /** Removes a user. */
  remove(name: string): void {
    const user = this.#users.get(name);
    if (user === undefined) return;
    this.#users.delete(name);
    this.#owners.delete(user.keyText);
  }

  /** Adds the user, or returns why it cannot be served. */
  #faultOf(
    { service, ...user }: SharedUser,
    { method, taken }: SharedServer,
  ): string | undefined {
    if (taken.has(user.name)) {
      return "the server has a user of the same name: rename one";
    }
    if (method.userKind === "trial" && this.#users.size >= MAX_TRIAL_USERS) {
      return `${method.name} supports ${MAX_TRIAL_USERS} users: a 2022 ` +
        "method supports any number";
    }
    try {
      const made = new MadeUser({ server: service, ...user }, method, {
        isOfFleet: true,
      });
      const owner = this.#owners.get(made.keyText);
      if (owner !== undefined) return `the user has the same key as ${owner}`;
      this.#owners.set(made.keyText, user.name);
      this.#users.set(user.name, made);
      return undefined;
    } catch (error) {
      if (error instanceof ConfigError) return error.message;
      throw error;
    }
  }
}
