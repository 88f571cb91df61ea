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
  UserPage,
  UserStatus,
} from "../../admin/operator.ts";
import {
  FIRST_PAGE,
  pickUsers,
  type ServedUser,
} from "../../admin/user_page.ts";
import type { Clock } from "../../clock.ts";
import { findMethod, type Method } from "../../crypto/method.ts";
import { ConfigError } from "../../errors.ts";
import type { Logger } from "../../observe.ts";
import type { RandomBytes } from "../../random.ts";
import type { LimitedUser } from "../../service/server/account.ts";
import { Accounts } from "../../service/server/accounts.ts";
import { everyUser, type ServerService } from "../../service/server/server.ts";
import type { Dependencies } from "../../service/service.ts";
import {
  checkDistinct,
  CompactUser,
  type ServerUser,
} from "../../session/server_user.ts";
import type { SharedChange, SharedUser } from "../../fleet.ts";
import type { FleetMember } from "../../service/fleet/member.ts";
import type { PanelStatus } from "../../service/panel/panel_link.ts";
import type { MinuteStore } from "../../minutes.ts";
import type { StoredUser, UserStore } from "../../users.ts";
import type { ConfiguredRole, ConfiguredServer } from "../config/config.ts";
import { onlyKey, ownPassword, passwordOf } from "../config/credentials.ts";
import { NO_PASSWORD } from "../config/server_links.ts";
import { OPERATOR_ROWS } from "../config/operator_settings.ts";
import { passwordSecret } from "../config/secrets.ts";
import type { Fleet } from "./fleet.ts";
import type { ProvidersInUse } from "../tools/crypto.ts";
import { generateKey } from "../tools/genkey.ts";
import { FLUSH_MS, Ledger } from "./ledger.ts";
import { MadeUser } from "./made_user.ts";
import { same } from "./same.ts";
import { type SharedServer, SharedUsers } from "./shared_users.ts";
import { needsRestart } from "./setting_changes.ts";
import { asConfigError, serverKey, ServerPlan } from "./server_plan.ts";
import { credentialsFor, statusOf, userStatus } from "./server_view.ts";
import { UserRates } from "./user_rates.ts";
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
  /** Keeps minutes; not set: a restart forgets them. */
  readonly minutes?: MinuteStore | undefined;
  /** Everything of a status but the servers. */
  programStatus(): Omit<Status, "servers" | "users" | "keepsUsers" | "plugins">;
  /** Host of `ss://` URIs; not set: where a server listens. */
  readonly publicHost?: string | undefined;
  /** The host where that is every address. */
  guessHost(): string;
  /** The fleet; not set: users are this program's own. */
  readonly fleetMember?: FleetMember | undefined;
  /** What there is to see of the panel whose node it is. */
  readonly panel?: (() => PanelStatus) | undefined;
}

/** One running server, as far as it is not the configuration's. */
interface Extras {
  readonly accounts: Accounts;
  readonly rates: UserRates;
  /** What was done with users at run time, by name, in their order. */
  readonly made: Map<string, StoredUser>;
  /** Those of the fleet. */
  readonly shared: SharedUsers;
}

/** Runs servers, and changes them. */
export class Supervisor implements Operator {
  readonly #options: SupervisorOptions;
  readonly #ledger: Ledger | undefined;
  /** By id. */
  readonly #extras = new Map<string, Extras>();
  /** Servers that were made at run time, by port. */
  readonly #managed = new Map<number, ConfiguredServer>();
  /** How users made at run time are served; their keys are derived once. */
  readonly #madeUsers = new WeakMap<StoredUser, MadeUser>();
  /** Of reloads and other slow changes. */
  readonly #turns = new Turns();
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
      this.#extrasOf(user.server).made.set(user.name, user);
    }
  }

  /** Where minutes are kept; not set: nowhere. */
  get minutes(): MinuteStore | undefined {
    return this.#options.minutes;
  }

  /**
   * Starts every server.
   *
   * @throws {ConfigError | TransportError} When one cannot; none runs then.
   */
  async start(): Promise<void> {
    const { fleetMember } = this.#options;
    if (fleetMember !== undefined) {
      checkShared(this.#configured.result);
      await fleetMember.start({
        services: () => this.#ids(),
        setUsers: (users) => this.#setShared(users),
        change: (change) => this.#changeShared(change),
      });
    }
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
    await this.#options.fleetMember?.[Symbol.asyncDispose]();
    this.#ledger?.flush();
  }

  status(page: UserPage = FIRST_PAGE): Status {
    const { fleet, fleetMember, programStatus, panel } = this.#options;
    const program = programStatus();
    const ids = this.#ids();
    for (const id of ids) this.#extrasOf(id).rates.look();
    // A look that tells no users need not count them either.
    const { totals, users } = pickUsers(
      page.limit === 0 ? [] : this.#everybody(ids),
      page,
      program.nowUnixMs,
    );
    return {
      ...program,
      keepsUsers: this.#options.store !== undefined,
      plugins: fleet.running.flatMap(({ service }) =>
        (service as ServerService).plugin ?? []
      ),
      // A panel is a source that is in the program itself.
      ...panel !== undefined
        ? { panel: panel() }
        : fleetMember && { fleet: fleetMember.status },
      users: totals,
      servers: ids.map((id) => ({
        ...this.#serverStatus(id),
        users: users.filter(({ server }) => server === id)
          .map(({ user }) => user),
      })),
    };
  }

  *users(id: string): Generator<UserStatus> {
    const extras = this.#extras.get(id);
    if (extras === undefined) return;
    const { accounts, rates } = extras;
    for (const user of accounts.users) yield userStatus(user, accounts, rates);
  }

  *#everybody(ids: readonly string[]): Generator<ServedUser> {
    for (const server of ids) {
      for (const user of this.users(server)) yield { server, user };
    }
  }

  /** Who is connected to any server, and the client addresses. */
  *present(): Generator<[name: string, hosts: readonly string[]]> {
    for (const { accounts } of this.#extras.values()) yield* accounts.present();
  }

  user(id: string, name: string): UserStatus | undefined {
    const { accounts, rates } = this.#extras.get(id) ?? {};
    const user = accounts?.user(name);
    return user && accounts && rates && userStatus(user, accounts, rates);
  }

  credentials(id: string, name: string): Credentials | undefined {
    const servers = this.#serversOf(id);
    // Of several addresses each may have users of its own.
    const server =
      servers.find(({ users }) =>
        servers.length > 1 && users?.some((user) => user.name === name)
      ) ?? servers[0];
    if (server === undefined) return undefined;
    const { owner } = server;
    if (name !== "" && name === owner?.name) return this.credentials(id, "");
    const password = this.#passwordOf(id, name, server);
    if (password === undefined) return undefined;
    const { guessHost, publicHost: host = server.listen.host } = this.#options;
    const reached = { ...server, listen: { ...server.listen, host } };
    return credentialsFor(reached, { id, name, password }, guessHost);
  }

  #passwordOf(
    id: string,
    name: string,
    { secrets, method }: ConfiguredServer,
  ): string | undefined {
    if (name === "") {
      if (method.keyLength === 0) return NO_PASSWORD;
      return secrets.own && passwordOf(secrets.own, method);
    }
    const { accounts, made: changes } = this.#extrasOf(id);
    if (changes.get(name)?.standing === "removed") return undefined;
    const user = accounts.user(name);
    const made = user instanceof MadeUser ? user.password : undefined;
    if (made !== undefined) return made;
    const secret = secrets.users.get(name);
    if (secret !== undefined) return passwordOf(secret, method);
    return user instanceof CompactUser ? ownPassword(user, method) : undefined;
  }

  addUser(id: string, user: NewUser): void {
    const { method } = this.#serverOf(id);
    const { accounts } = this.#extrasOf(id);
    const { name, limits = {}, disabled = false } = user;
    if (accounts.user(name) !== undefined) {
      throw refused(`Cannot add user ${name}: there is one`);
    }
    const password = user.password ?? this.#newPassword(method);
    // One that was removed is of the configuration, and comes back changed.
    const standing = this.#fileUser(id, name) ? "changed" : "made";
    const stored: StoredUser = {
      ...{ server: id, name, password, limits, disabled, standing },
    };
    this.#replace(id, name, stored, () => this.#options.store?.put(stored));
    this.#ledger?.attachUser(id, name);
    this.#tell("added", id, name);
  }

  changeUser(id: string, name: string, change: UserChange): void {
    this.#refuseShared(id, name);
    const old = this.#storedUser(id, name);
    const next: StoredUser = {
      ...old,
      password: change.password ?? old.password,
      limits: change.limits ?? old.limits,
      disabled: change.disabled ?? old.disabled,
    };
    this.#replace(id, name, next, () => this.#options.store?.put(next));
    this.#tell(describeChange(old, next), id, name);
  }

  removeUser(id: string, name: string): void {
    this.#refuseShared(id, name);
    const old = this.#storedUser(id, name);
    const { method, secrets } = this.#serverOf(id);
    const { accounts } = this.#extrasOf(id);
    const owners = new Set(
      this.#serversOf(id).flatMap(({ owner }) => owner?.name ?? []),
    );
    if (
      accounts.size - owners.size === 1 &&
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
    const { store } = this.#options;
    // Before it cuts anybody off: what is not forgotten would come back.
    if (this.#fileUser(id, name) === undefined) {
      this.#replace(id, name, undefined, () => store?.remove(id, name));
    } else {
      const gone: StoredUser = { ...old, password: "", standing: "removed" };
      this.#replace(id, name, gone, () => {
        store?.put(gone);
        store?.clear(id, name);
      });
    }
    this.#ledger?.forget(id, name);
    this.#tell("removed", id, name);
  }

  clearCounts(id: string, name?: string): void {
    this.#serverOf(id);
    const { accounts } = this.#extrasOf(id);
    if (name !== undefined && name !== "" && !accounts.user(name)) {
      throw new RangeError(`Server ${id} has no user ${name}`);
    }
    this.#ledger?.clear(id, name);
    if (name === undefined) accounts.clearAll();
    else accounts.clear(name);
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

  #refuseShared(id: string, name: string): void {
    if (!this.#extras.get(id)?.shared.has(name)) return;
    throw refused(
      `User ${name} is of the fleet: change it with umbra fleet user`,
    );
  }

  /** Takes every user of the fleet in the place of those there were. */
  #setShared(users: readonly SharedUser[]): void {
    const { fleet } = this.#options;
    for (const id of this.#ids()) {
      this.#extrasOf(id).shared.set(
        users.filter(({ service }) => service === id),
        this.#sharedServer(id),
      );
    }
    for (const plan of this.#plans()) {
      if (fleet.find(plan.key) !== undefined) fleet.adopt(plan);
    }
  }

  /** Takes what has happened to one user of the fleet. */
  #changeShared(change: SharedChange): void {
    const { service: id, name } = change.kind === "put" ? change.user : change;
    const { shared, accounts } = this.#extrasOf(id);
    const old = shared.get(name);
    let next: ServerUser | undefined;
    if (change.kind === "gone") shared.remove(name);
    else next = shared.put(change.user, this.#sharedServer(id));
    // Where there was nobody, or is nobody any more, somebody stands in.
    if (old === undefined && next === undefined) return;
    for (const plan of this.#plans().filter((plan) => this.#isOf(plan, id))) {
      const running = this.#options.fleet.find(plan.key);
      if (running === undefined) continue;
      if (shared.size <= 1) this.#options.fleet.adopt(plan);
      else (running.service as ServerService).replaceUser(old, next);
    }
    if (next === undefined) accounts.remove(name);
    else accounts.put(next);
  }

  #isOf({ server }: ServerPlan, id: string): boolean {
    return this.#idOf(server) === id;
  }

  #sharedServer(id: string): SharedServer {
    const { method } = this.#serverOf(id);
    const { made } = this.#extrasOf(id);
    const filed = this.#serversOf(id).flatMap(({ users = [] }) => users)
      .map(({ name }) => name);
    return { id, method, taken: new Set([...filed, ...made.keys()]) };
  }

  /**
   * Takes what is done with one user, at once, or throws and changes nothing,
   * neither what runs nor what is kept.
   *
   * @param next Not set: nothing is done with it any more.
   * @param keep Writes it down, once it is known to be right.
   */
  #replace(
    id: string,
    name: string,
    next: StoredUser | undefined,
    keep: () => void,
  ): void {
    const { accounts, made } = this.#extrasOf(id);
    const old = made.get(name);
    const undo = new DisposableStack();
    const served: ServerUser[] = [];
    try {
      for (const server of this.#serversOf(id)) {
        const filed = server.users?.find((user) => user.name === name);
        const was = this.#served(old, filed, server.method);
        const is = this.#served(next, filed, server.method);
        if (is !== undefined) served.push(is);
        const found = this.#options.fleet.find(serverKey(server));
        if (found === undefined) {
          // Nothing runs: what a start would refuse is refused now.
          const others = this.#usersOf(server).filter((one) => one !== was);
          checkDistinct(is === undefined ? others : [...others, is]);
          continue;
        }
        const service = found.service as ServerService;
        service.replaceUser(was, is);
        undo.defer(() => service.replaceUser(is, was));
      }
      keep();
    } catch (error) {
      undo.dispose();
      throw asConfigError(`port ${id}`, error);
    }
    if (next === undefined) made.delete(name);
    else made.set(name, next);
    const [user] = served;
    if (user === undefined) accounts.remove(name);
    else accounts.put(user);
  }

  /** What shall run. */
  #plans(
    { result }: ConfiguredRole<ConfiguredServer[]> = this.#configured,
  ): ServerPlan[] {
    const servers = [...result, ...this.#managed.values()];
    return servers.map((server) => {
      const id = this.#idOf(server);
      const siblings = servers.filter((other) => this.#idOf(other) === id);
      return new ServerPlan(server, {
        world: this.#options.world,
        accounts: this.#extrasOf(id).accounts,
        users: () => this.#usersOf(server),
        everyUser: () => this.#everyUser(siblings),
      });
    });
  }

  /**
   * The users of the file with what was changed over them, and those that were
   * made at run time. Of two users of one name the file's counts.
   */
  #usersOf(server: ConfiguredServer): readonly ServerUser[] {
    const own = this.#ownUsersOf(server);
    if (this.#options.fleetMember === undefined) return own;
    const { shared } = this.#extrasOf(this.#idOf(server));
    if (own.length + shared.size > 0) return [...own, ...shared.all];
    // The server's own key, which all users have, would let anybody in.
    return [this.#standIn(server.method)];
  }

  /** Nobody, of whom no account knows, with a key that no client has. */
  #standIn({ keyLength }: Method): ServerUser {
    const masterKey = this.#options.randomBytes(keyLength);
    return { name: "", masterKey, disabled: true };
  }

  #ownUsersOf(server: ConfiguredServer): readonly ServerUser[] {
    const { made } = this.#extrasOf(this.#idOf(server));
    const { users = [], method } = server;
    if (made.size === 0) return users;
    const filed = new Set(users.map(({ name }) => name));
    return [
      ...users.map((user) => this.#served(made.get(user.name), user, method)),
      ...[...made.values()].filter(({ name }) => !filed.has(name))
        .map((user) => this.#served(user, undefined, method)),
    ].filter((user) => user !== undefined);
  }

  /**
   * A user as it is served.
   *
   * @param stored What was done with it at run time; not set: nothing.
   * @param filed As the configuration has it; not set: it has not.
   */
  #served(
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

  /** Of two users of one name the file's counts. */
  #everyUser(siblings: readonly ConfiguredServer[]): readonly LimitedUser[] {
    const all = new Map<string, LimitedUser>();
    for (const server of siblings) {
      const { owner } = server;
      const users = this.#usersOf(server).filter(({ name }) => name !== "");
      for (const user of everyUser({ users, owner })) {
        const isMade = user instanceof MadeUser && user.origin === "api";
        if (!isMade || !all.has(user.name)) all.set(user.name, user);
      }
    }
    return [...all.values()];
  }

  /** One sentence for each user of the file of which something else holds. */
  #heldOver(
    { result }: ConfiguredRole<ConfiguredServer[]> = this.#configured,
  ): string[] {
    return result.flatMap((server) => {
      const id = this.#idOf(server);
      const changes = [...this.#extrasOf(id).made.values()]
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

  /** With ShadowsocksR a number stands before it, which must be of no other. */
  #newPassword(method: Method): string {
    const { randomBytes } = this.#options;
    const key = generateKey(method, randomBytes);
    if (method.userKind !== "uid") return key;
    return `${new DataView(randomBytes(4).buffer).getUint32(0)}:${key}`;
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
  #fileUser(id: string, name: string): ServerUser | undefined {
    return this.#serversOf(id).flatMap(({ users = [] }) => users)
      .find((user) => user.name === name);
  }

  /** What is kept of a user; of one of the configuration, as if it were. */
  #storedUser(id: string, name: string): StoredUser {
    this.#serverOf(id);
    const filed = this.#fileUser(id, name);
    const made = this.#extrasOf(id).made.get(name);
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

  #serverStatus(id: string): Omit<ServerStatus, "users"> {
    const { fleet } = this.#options;
    const servers = this.#serversOf(id);
    return statusOf({
      id,
      servers,
      addresses: servers.map((server) =>
        fleet.find(serverKey(server))?.service.address ?? server.listen
      ),
      managed: this.#managed.has(Number(id)),

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

/** @throws {ConfigError} When a server cannot have users of a fleet. */
function checkShared(servers: readonly ConfiguredServer[]): void {
  for (const { listen, method } of servers) {
    if (listen.port === 0) {
      throw refused(
        "A server in a fleet needs a port of its own, by which its users are " +
          "named: give one",
      );
    }
    if (method.userKind === "none") {
      throw refused(
        `port ${listen.port}: ${method.name} cannot tell users apart, so it ` +
          "cannot be in a fleet; 2022-blake3-aes-256-gcm can",
      );
    }
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

function refused(message: string): ConfigError {
  return new ConfigError("ERR_CONFIG_VALUE", message);
}
