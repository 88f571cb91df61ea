/**
 * A running `ss-server` as its operator sees it: users come and go, limits
 * change, ports open and close, a new configuration is taken over; nobody who
 * stays is cut off.
 *
 * What shall run is what the configuration file says, and the users and servers
 * that were made at run time besides. Every change makes that picture anew and
 * brings the fleet in line with it, so that there is one way to change things.
 *
 * @module
 */
import type {
  Credentials,
  NewServer,
  NewUser,
  Operator,
  ReloadReport,
  ServerStatus,
  Status,
  UserChange,
} from "../../admin/operator.ts";
import type { Clock } from "../../clock.ts";
import { findMethod, type Method } from "../../crypto/method.ts";
import { ConfigError } from "../../errors.ts";
import type { Logger } from "../../observe.ts";
import type { RandomBytes } from "../../random.ts";
import type { LimitedUser } from "../../service/server/account.ts";
import { Accounts } from "../../service/server/accounts.ts";
import { everyUser, type ServerService } from "../../service/server/server.ts";
import type { Dependencies } from "../../service/service.ts";
import type { ServerUser } from "../../session/server_user.ts";
import type { StoredUser, UserStore } from "../../users.ts";
import type { ConfiguredRole, ConfiguredServer } from "../config/config.ts";
import { onlyKey, passwordOf, userKey } from "../config/credentials.ts";
import { NO_PASSWORD } from "../config/server_links.ts";
import { OPERATOR_ROWS } from "../config/operator_settings.ts";
import type { Secret } from "../config/secrets.ts";
import type { Fleet } from "./fleet.ts";
import type { ProvidersInUse } from "../tools/crypto.ts";
import { generateKey } from "../tools/genkey.ts";
import { FLUSH_MS, Ledger } from "./ledger.ts";
import { same } from "./same.ts";
import { needsRestart } from "./setting_changes.ts";
import { asConfigError, serverKey, ServerPlan } from "./server_plan.ts";
import { credentialsFor, statusOf } from "./server_view.ts";
import { Turns } from "./turns.ts";

/** What a supervisor works with. */
export interface SupervisorOptions {
  /** Reads the configuration, again and again. */
  configure(): ConfiguredRole<ConfiguredServer[]>;
  /** Told the methods that will be used, and those that are. */
  readonly ciphers: Pick<ProvidersInUse, "prepare" | "serve">;
  /** The world services run in. */
  readonly world: Dependencies;
  /** Keeps time for accounts and the ledger. */
  readonly clock: Clock;
  /** Makes passwords. */
  readonly randomBytes: RandomBytes;
  /** Told what a reload did. */
  readonly logger: Logger;
  /** Where services run. */
  readonly fleet: Fleet;
  /** Keeps users and counts; not set: nothing outlives the program. */
  readonly store?: UserStore | undefined;
  /** Everything of a status but the servers. */
  programStatus(): Omit<Status, "servers" | "keepsUsers" | "plugins">;
  /** Host of `ss://` URIs; not set: where a server listens. */
  readonly publicHost?: string | undefined;
  /** The host where that is every address. */
  guessHost(): string;
}

/** One running server, as far as it is not the configuration's. */
interface Extras {
  readonly accounts: Accounts;
  /** What was done with users at run time. */
  readonly made: StoredUser[];
}

/** Runs servers, and changes them. */
export class Supervisor implements Operator {
  readonly #options: SupervisorOptions;
  readonly #ledger: Ledger | undefined;
  /** By id. */
  readonly #extras = new Map<string, Extras>();
  /** Servers that were made at run time, by port. */
  readonly #managed = new Map<number, ConfiguredServer>();
  /** Of reloads and other slow changes. */
  readonly #turns = new Turns();
  /** What {@link StoredUser}s are to a server of a method. */
  readonly #serverUsers = new WeakMap<
    StoredUser,
    { readonly method: Method; readonly user: ServerUser }
  >();
  #configured: ConfiguredRole<ConfiguredServer[]>;
  #cancelFlush: () => void = () => {};

  /**
   * @param configured What `configure()` has returned already.
   */
  constructor(
    configured: ConfiguredRole<ConfiguredServer[]>,
    options: SupervisorOptions,
  ) {
    this.#configured = configured;
    this.#options = options;
    const { store, logger } = options;
    this.#ledger = store && new Ledger(store, logger);
    for (const user of store?.users() ?? []) {
      this.#extrasOf(user.server).made.push(user);
    }
  }

  /**
   * Starts every server.
   *
   * @throws {ConfigError | TransportError} When one cannot; none runs then.
   */
  async start(): Promise<void> {
    await this.#options.fleet.apply(this.#plans());
    for (const line of this.#heldOver()) this.#options.logger.log("info", line);
    this.#attach();
    this.#flushLater();
  }

  /**
   * Lets users be seen and changed in the store while nothing runs.
   *
   * @throws {ConfigError} When a server could not start.
   */
  openIdle(): void {
    for (const plan of this.#plans()) {
      plan.check();
      plan.attend();
    }
    this.#attach();
  }

  /** Ends every server and writes the last counts. */
  async stop(graceMs: number): Promise<void> {
    this.#cancelFlush();
    await this.#options.fleet.stop(graceMs);
    this.#ledger?.flush();
  }

  status(): Status {
    const { fleet, programStatus } = this.#options;
    return {
      ...programStatus(),
      keepsUsers: this.#options.store !== undefined,
      plugins: fleet.running.flatMap(({ service }) =>
        (service as ServerService).plugin ?? []
      ),
      servers: this.#ids().map((id) => this.#serverStatus(id)),
    };
  }

  credentials(id: string, name: string): Credentials | undefined {
    const servers = this.#serversOf(id);
    // Of several addresses each may have users of its own.
    const server = servers.find(({ secrets }) => secrets.users.has(name)) ??
      servers[0];
    if (server === undefined) return undefined;
    const { secrets, method, owner } = server;
    if (name !== "" && name === owner?.name) return this.credentials(id, "");
    const secret = name === "" ? secrets.own : secrets.users.get(name);
    const made = this.#extrasOf(id).made.find((user) => user.name === name);
    if (made?.standing === "removed") return undefined;
    const isOwn = secret === undefined || made?.standing === "changed";
    const password = method.keyLength === 0 && name === ""
      ? NO_PASSWORD
      : isOwn && made?.password || secret && passwordOf(secret, method);
    if (password === undefined) return undefined;
    const { guessHost, publicHost: host = server.listen.host } = this.#options;
    const reached = { ...server, listen: { ...server.listen, host } };
    return credentialsFor(reached, { id, name, password }, guessHost);
  }

  addUser(id: string, user: NewUser): void {
    const { method } = this.#serverOf(id);
    const { made } = this.#extrasOf(id);
    if (this.#everyoneAt(id).some(({ name }) => name === user.name)) {
      throw refused(`Cannot add user ${user.name}: there is one`);
    }
    const password = user.password ?? this.#newPassword(method);
    const { name, limits = {}, disabled = false } = user;
    // One that was removed is of the configuration, and comes back changed.
    const standing = this.#fileUser(id, name) ? "changed" : "made";
    const stored: StoredUser = {
      ...{ server: id, name, password, limits, disabled, standing },
    };
    this.#change(
      id,
      [...made.filter((user) => user.name !== name), stored],
      () => this.#options.store?.put(stored),
    );
    this.#tell("added", id, name);
  }

  changeUser(id: string, name: string, change: UserChange): void {
    const old = this.#storedUser(id, name);
    const next: StoredUser = {
      ...old,
      password: change.password ?? old.password,
      limits: change.limits ?? old.limits,
      disabled: change.disabled ?? old.disabled,
    };
    const { made } = this.#extrasOf(id);
    this.#change(
      id,
      [...made.filter((user) => user.name !== name), next],
      () => this.#options.store?.put(next),
    );
    this.#tell(describeChange(old, next), id, name);
  }

  removeUser(id: string, name: string): void {
    const old = this.#storedUser(id, name);
    const { method, secrets } = this.#serverOf(id);
    const users = this.#serversOf(id)
      .flatMap((server) => this.#withMadeUsers(server).users ?? []);
    if (
      users.length === 1 &&
      (["identity", "uid"].includes(method.userKind) ||
        secrets.own === undefined)
    ) {
      throw refused(
        `Cannot remove ${name}, the last user: ` +
          "the server's own key, which every user knows, would let anybody " +
          "in; disable the user, or add another one first",
      );
    }
    this.#ledger?.flush();
    const { made } = this.#extrasOf(id);
    const { store } = this.#options;
    const others = made.filter((user) => user.name !== name);
    // Before it cuts anybody off: what is not forgotten would come back.
    if (this.#fileUser(id, name) === undefined) {
      store?.remove(id, name);
      this.#change(id, others);
    } else {
      const gone: StoredUser = { ...old, password: "", standing: "removed" };
      store?.put(gone);
      store?.clear(id, name);
      this.#change(id, [...others, gone]);
    }
    this.#ledger?.forget(id, name);
    this.#tell("removed", id, name);
  }

  clearCounts(id: string, name?: string): void {
    this.#serverOf(id);
    const { accounts } = this.#extrasOf(id);
    const users = accounts.usage();
    if (name !== undefined && name !== "" && !users.has(name)) {
      throw new RangeError(`Server ${id} has no user ${name}`);
    }
    this.#ledger?.clear(id, name);
    const names = name === undefined ? ["", ...users.keys()] : [name];
    for (const one of names) accounts.clear(one);
    this.#options.logger.log("info", "counts cleared", {
      server: id,
      user: name,
    });
  }

  async addServer(
    { port, password, method, mode }: NewServer,
  ): Promise<void> {
    const [model] = this.#configured.result;
    if (this.#configured.result.some(({ listen }) => listen.port === port)) {
      throw refused(`Cannot add port ${port}: the configuration has it`);
    }
    const chosen = method === undefined ? model!.method : findMethod(method);
    this.#options.ciphers.prepare([chosen]);
    const own = passwordSecret(password, `port ${port}`);
    const server: ConfiguredServer = {
      ...model!,
      listen: { host: model!.listen.host, port },
      method: chosen,
      masterKey: onlyKey(own, chosen),
      users: [],
      owner: undefined,
      ...chosen !== model!.method && { redirect: undefined },
      secrets: { own, users: new Map() },
      ...mode !== undefined && { mode },
    };
    await this.#turns.take(async () => {
      const before = this.#managed.get(port);
      this.#managed.set(port, server);
      try {
        await this.#options.fleet.apply(this.#plans());
      } catch (error) {
        if (before === undefined) this.#managed.delete(port);
        else this.#managed.set(port, before);
        throw error;
      }
      this.#attach();
      this.#options.logger.log("info", "server added at run time", { port });
    });
  }

  removeServer(id: string): boolean {
    const server = this.#managed.get(Number(id));
    if (server === undefined) return false;
    this.#ledger?.flush();
    this.#managed.delete(Number(id));
    this.#options.fleet.retire(serverKey(server));
    this.#attach();
    this.#options.logger.log("info", "server removed at run time", {
      port: Number(id),
    });
    return true;
  }

  reload(dryRun: boolean): Promise<ReloadReport> {
    return this.#turns.take(async () => {
      const { configure, fleet } = this.#options;
      const next = configure();
      this.#options.ciphers.prepare(next.result.map(({ method }) => method));
      const plans = this.#plans(next);
      for (const plan of plans) plan.check();
      const changes = fleet.preview(plans);
      const warnings = [
        ...next.warnings,
        ...this.#needsRestart(next),
        ...this.#heldOver(next),
      ];
      if (dryRun) return { changes, warnings };
      this.#ledger?.flush();
      await fleet.apply(plans);
      this.#configured = next;
      // Somebody may have changed a user while ports were opened.
      for (const plan of this.#plans()) fleet.adopt(plan);
      this.#attach();
      return { changes, warnings };
    });
  }

  /** @param what What was done with the user. */
  #tell(what: string, server: string, user: string): void {
    this.#options.logger.log("info", `user ${what}`, { server, user });
  }

  #needsRestart(next: ConfiguredRole<unknown>): string[] {
    return needsRestart(
      OPERATOR_ROWS,
      this.#configured.operator,
      next.operator,
    );
  }

  /**
   * Takes other users for one server, at once, or throws and changes nothing,
   * neither what runs nor what is kept.
   *
   * @param keep Writes the change down, once it is known to be right.
   */
  #change(
    id: string,
    made: StoredUser[],
    keep: () => void = () => {},
  ): void {
    const extras = this.#extrasOf(id);
    const before = [...extras.made];
    const take = (users: readonly StoredUser[]): void => {
      extras.made.splice(0, Infinity, ...users);
      const { fleet } = this.#options;
      for (const plan of this.#plans()) {
        if (this.#idOf(plan.server) !== id) continue;
        if (fleet.find(plan.key) !== undefined) {
          fleet.adopt(plan);
          continue;
        }
        // Nothing runs: what a start would refuse is refused now.
        plan.check();
        plan.attend();
      }
    };
    try {
      take(made);
      keep();
    } catch (error) {
      take(before);
      throw asConfigError(`port ${id}`, error);
    }
    this.#attach();
  }

  /** What shall run. */
  #plans(
    { result }: ConfiguredRole<ConfiguredServer[]> = this.#configured,
  ): ServerPlan[] {
    const servers = [...result, ...this.#managed.values()]
      .map((server) => this.#withMadeUsers(server));
    return servers.map((server) => {
      const id = this.#idOf(server);
      const siblings = servers.filter((other) => this.#idOf(other) === id);
      const users = new Map(
        siblings.flatMap(everyUser).map((u) => [u.name, u]),
      );
      return new ServerPlan(server, {
        world: this.#options.world,
        accounts: this.#extrasOf(id).accounts,
        everyUser: [...users.values()],
      });
    });
  }

  /**
   * The users of the file with what was changed over them, and those that were
   * made at run time. Of two users of one name the file's counts.
   */
  #withMadeUsers(server: ConfiguredServer): ConfiguredServer {
    const { made } = this.#extrasOf(this.#idOf(server));
    if (made.length === 0) return server;
    const { users: filed = [], method } = server;
    const stored = new Map(made.map((user) => [user.name, user]));
    const kept = filed.flatMap((user): ServerUser[] => {
      const change = stored.get(user.name);
      switch (change?.standing) {
        case "removed":
          return [];
        case "changed":
          return [{ ...user, ...this.#changeOf(change, method) }];
        default:
          return [user];
      }
    });
    const taken = new Set(filed.map(({ name }) => name));
    const more = made.filter(({ name, standing = "made" }) =>
      standing === "made" && !taken.has(name)
    ).map((user) => this.#serverUser(user, method));
    return { ...server, users: [...kept, ...more] };
  }

  /** What a change says of a user of the file. */
  #changeOf(change: StoredUser, method: Method): Partial<ServerUser> {
    const { limits, disabled, password } = change;
    if (password === "") return { limits, disabled };
    return this.#serverUser(change, method);
  }

  /** One sentence for each user of the file of which something else holds. */
  #heldOver(
    { result }: ConfiguredRole<ConfiguredServer[]> = this.#configured,
  ): string[] {
    return result.flatMap((server) => {
      const id = this.#idOf(server);
      const names = new Set(server.users?.map(({ name }) => name));
      return this.#extrasOf(id).made.flatMap(({ name, standing = "made" }) =>
        standing === "made" || !names.has(name) ? [] : [
          `user ${name} of port ${id} was ${standing} at run time, which ` +
          "holds over the configuration",
        ]
      );
    });
  }

  /** With ShadowsocksR a number stands before it, which must be of no other. */
  #newPassword(method: Method): string {
    const { randomBytes } = this.#options;
    const key = generateKey(method, randomBytes);
    if (method.userKind !== "uid") return key;
    return `${new DataView(randomBytes(4).buffer).getUint32(0)}:${key}`;
  }

  /** Derives a key once, and not each time that somebody looks. */
  #serverUser(user: StoredUser, method: Method): ServerUser {
    const known = this.#serverUsers.get(user);
    if (known?.method === method) return known.user;
    const { name, password, limits, disabled } = user;
    const secret = passwordSecret(password, `user ${name}`);
    const made = { name, ...userKey(secret, method), limits, disabled };
    this.#serverUsers.set(user, { method, user: made });
    return made;
  }

  /** Its port; while the system has not yet chosen one, its address. */
  #idOf(server: ConfiguredServer): string {
    const { port } = server.listen;
    if (port !== 0) return String(port);
    const running = this.#options.fleet.find(serverKey(server));
    return String(running?.service.address.port ?? serverKey(server));
  }

  #ids(): string[] {
    const servers = [...this.#configured.result, ...this.#managed.values()];
    return [...new Set(servers.map((server) => this.#idOf(server)))];
  }

  #serversOf(id: string): ConfiguredServer[] {
    return [...this.#configured.result, ...this.#managed.values()]
      .filter((server) => this.#idOf(server) === id);
  }

  #serverOf(id: string): ConfiguredServer {
    const [server] = this.#serversOf(id);
    if (server === undefined) throw new RangeError(`There is no server ${id}`);
    return server;
  }

  #extrasOf(id: string): Extras {
    const known = this.#extras.get(id);
    if (known !== undefined) return known;
    const accounts = new Accounts([], this.#options.clock);
    const extras = { accounts, made: [] };
    this.#extras.set(id, extras);
    return extras;
  }

  /** Everyone who has an account there. */
  #everyoneAt(id: string): LimitedUser[] {
    return this.#serversOf(id)
      .flatMap((server) => everyUser(this.#withMadeUsers(server)));
  }

  /** The user of the configuration, whatever was changed over it. */
  #fileUser(id: string, name: string): ServerUser | undefined {
    return this.#serversOf(id).flatMap(({ users = [] }) => users)
      .find((user) => user.name === name);
  }

  /** What is kept of a user; of one of the configuration, as if it were. */
  #storedUser(id: string, name: string): StoredUser {
    this.#serverOf(id);
    const filed = this.#fileUser(id, name);
    const made = this.#extrasOf(id).made.find((user) => user.name === name);
    const isMade = (made?.standing ?? "made") === "made";
    if (made?.standing !== "removed" && made && isMade === !filed) return made;
    if (this.#serversOf(id).some(({ owner }) => owner?.name === name)) {
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

  #serverStatus(id: string): ServerStatus {
    const { fleet } = this.#options;
    const servers = this.#serversOf(id);
    return statusOf({
      id,
      servers,
      addresses: servers.map((server) =>
        fleet.find(serverKey(server))?.service.address ?? server.listen
      ),
      managed: this.#managed.has(Number(id)),
      users: this.#everyoneAt(id),
      changed: new Set(
        this.#extrasOf(id).made
          .filter(({ standing }) => standing === "changed")
          .map(({ name }) => name),
      ),
      accounts: this.#extrasOf(id).accounts,
    });
  }

  /** Lets the ledger and the ciphers know every server that runs. */
  #attach(): void {
    const servers = [...this.#configured.result, ...this.#managed.values()];
    this.#options.ciphers.serve(servers.map(({ method }) => method));
    for (const id of this.#ids()) {
      this.#ledger?.attach(id, this.#extrasOf(id).accounts);
    }
  }

  #flushLater(): void {
    if (this.#ledger === undefined) return;
    this.#cancelFlush = this.#options.clock.schedule(() => {
      this.#ledger?.flush();
      this.#flushLater();
    }, FLUSH_MS);
  }
}

/** In the words of a reload; nothing secret. */
function describeChange(old: StoredUser, next: StoredUser): string {
  const changes = [
    ...old.password === next.password ? [] : ["another password"],
    ...same(old.limits, next.limits) ? [] : ["other limits"],
    ...old.disabled === next.disabled
      ? []
      : [next.disabled ? "disabled" : "enabled"],
  ];
  return changes.length === 0
    ? "changed: nothing is new"
    : `changed: ${changes.join(", ")}`;
}

function passwordSecret(text: string, origin: string): Secret {
  return { kind: "password", text, origin };
}

function refused(message: string): ConfigError {
  return new ConfigError("ERR_CONFIG_VALUE", message);
}
