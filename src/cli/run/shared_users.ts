/**
 * The users of a fleet on one server, as far as they can be served here.
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

/** What a server is, to users of a fleet. */
export interface SharedServer {
  /** Port, in decimal. */
  readonly id: string;
  readonly method: Method;
  /** Names of users that are this server's own, whose the name stays. */
  readonly taken: ReadonlySet<string>;
}

/** The users of a fleet that one server serves, by name. */
export class SharedUsers {
  readonly #logger: Logger;
  readonly #users = new Map<string, MadeUser>();
  /** Names by key: two users of one key cannot be told apart. */
  readonly #owners = new Map<string, string>();

  /** @param logger Told of those who cannot be served. */
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

  /** Takes these in the place of all. */
  set(users: readonly SharedUser[], server: SharedServer): void {
    this.#users.clear();
    this.#owners.clear();
    for (const user of users) this.put(user, server);
  }

  /**
   * Takes a user in the place of the one of its name.
   *
   * @returns As it is served; `undefined` where it cannot be; the log says
   * why.
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

  /** Forgets a user. */
  remove(name: string): void {
    const user = this.#users.get(name);
    if (user === undefined) return;
    this.#users.delete(name);
    this.#owners.delete(user.keyText);
  }

  /** Adds the user, or says why not. */
  #faultOf(
    { service, ...user }: SharedUser,
    { method, taken }: SharedServer,
  ): string | undefined {
    if (taken.has(user.name)) {
      return "this server has a user of that name: rename one";
    }
    if (method.userKind === "trial" && this.#users.size >= MAX_TRIAL_USERS) {
      return `${method.name} tells ${MAX_TRIAL_USERS} users apart: a 2022 ` +
        "method takes any number";
    }
    try {
      const made = new MadeUser({ server: service, ...user }, method, {
        isOfFleet: true,
      });
      const owner = this.#owners.get(made.keyText);
      if (owner !== undefined) return `it has the key of ${owner}`;
      this.#owners.set(made.keyText, user.name);
      this.#users.set(user.name, made);
      return undefined;
    } catch (error) {
      if (error instanceof ConfigError) return error.message;
      throw error;
    }
  }
}
