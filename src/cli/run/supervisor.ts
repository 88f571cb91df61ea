/**
 * A running `ss-server` for its operator: users are added and removed, limits
 * change, ports open and close, a new configuration is applied; connections of
 * users who stay are not closed.
 *
 * The wanted state consists of the configuration file and of the users and
 * servers that were made at run time. Every change computes the wanted plans
 * and applies them to the fleet, so that there is one way to change things.
 *
 * @module
 */
import type {
  Credentials,
  FleetNodes,
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
import type { Logger } from "../../observe.ts";
import type { RandomBytes } from "../../random.ts";
import type { ServerService } from "../../service/server/server.ts";
import type { Dependencies } from "../../service/service.ts";
import {
  checkDistinct,
  CompactUser,
  type ServerUser,
} from "../../session/server_user.ts";
import type { SharedChange, SharedUser, UsedBytes } from "../../fleet.ts";
import {
  type FleetTotals,
  type KnownUser,
  TotalsReader,
} from "../../service/fleet/fleet_totals.ts";
import type { FleetMember } from "../../service/fleet/member.ts";
import type { NodeFacts } from "../../service/fleet/presence.ts";
import type { PanelStatus } from "../../service/panel/panel_link.ts";
import type { MinuteStore } from "../../minutes.ts";
import type { StoredUser, UserStore } from "../../users.ts";
import type { ConfiguredRole, ConfiguredServer } from "../config/config.ts";
import { onlyKey, ownPassword, passwordOf } from "../config/credentials.ts";
import { NO_PASSWORD } from "../config/server_links.ts";
import {
  OPERATOR_ROWS,
  type OperatorSettings,
} from "../config/operator_settings.ts";
import { passwordSecret } from "../config/secrets.ts";
import type { Fleet } from "./fleet.ts";
import { linksOf, nodeService } from "./fleet_links.ts";
import type { ProvidersInUse } from "../tools/crypto.ts";
import { generateKey } from "../tools/genkey.ts";
import { FLUSH_MS, Ledger } from "./ledger.ts";
import { MadeUser } from "./made_user.ts";
import { same } from "./same.ts";
import type { SharedServer } from "./shared_users.ts";
import { needsRestart } from "./setting_changes.ts";
import { refused, Roster } from "./roster.ts";
import { asConfigError, serverKey, ServerPlan } from "./server_plan.ts";
import {
  credentialsFor,
  reachedHost,
  statusOf,
  userStatus,
} from "./server_view.ts";
import { Turns } from "./turns.ts";

/** The dependencies of a supervisor. */
export interface SupervisorOptions {
  /** Reads the configuration; called at every reload. */
  configure(): ConfiguredRole<ConfiguredServer[]>;
  /** Prepares the methods of a configuration, and serves those in use. */
  readonly ciphers: Pick<ProvidersInUse, "prepare" | "serve">;
  /** The dependencies of services. */
  readonly world: Dependencies;
  /** The time of accounts and of the ledger. */
  readonly clock: Clock;
  /** Makes passwords. */
  readonly randomBytes: RandomBytes;
  /** Logs the changes of a reload. */
  readonly logger: Logger;
  /** The running services. */
  readonly fleet: Fleet;
  /** Keeps users and counts; not set if a restart forgets them. */
  readonly store?: UserStore | undefined;
  /** Keeps minutes; not set if a restart forgets them. */
  readonly minutes?: MinuteStore | undefined;
  /** Returns the status without servers and users. */
  programStatus(): Omit<Status, "servers" | "users" | "keepsUsers" | "plugins">;
  /** Host of `ss://` URIs; default: the address on which the server listens. */
  readonly publicHost?: string | undefined;
  /** Returns the host if the server listens on every address. */
  guessHost(): string;
  /** The fleet member; not set if the program has no fleet. */
  readonly fleetMember?: FleetMember | undefined;
  /**
   * Reads the settings of the program that a reload changes.
   *
   * @returns Applies them.
   * @throws {ConfigError} If they are invalid.
   */
  readProgram?(operator: OperatorSettings): () => void;
  /** Returns the status of the panel, if the program is a node of one. */
  readonly panel?: (() => PanelStatus) | undefined;
}

/** Runs servers and changes them. */
export class Supervisor implements Operator {
  readonly #options: SupervisorOptions;
  readonly #ledger: Ledger | undefined;
  /** Runs reloads and other slow changes one after the other. */
  readonly #turns = new Turns();
  readonly #roster: Roster;
  /** Not set if the program is in no fleet that has nodes. */
  readonly #totals: TotalsReader | undefined;
  #cancelFlush: () => void = () => {};

  /** @param configured The first result of `configure()`. */
  constructor(
    configured: ConfiguredRole<ConfiguredServer[]>,
    options: SupervisorOptions,
  ) {
    this.#roster = new Roster(configured, options);
    this.#options = options;
    const { store, logger, fleetMember } = options;
    this.#ledger = store && new Ledger(store, logger);
    this.#totals = fleetMember && new TotalsReader({
      clock: fleetMember.fleetClock,
      users: () => this.#sharedUsers(),
      used: (users) => fleetMember.used(users),
      nodes: () => fleetMember.presence.nodes(),
    });
    for (const user of store?.users() ?? []) {
      this.#roster.extrasOf(user.server).made.set(user.name, user);
    }
  }

  /** The store of minutes; not set if there is none. */
  get minutes(): MinuteStore | undefined {
    return this.#options.minutes;
  }

  /**
   * Starts every server.
   *
   * @throws {ConfigError | TransportError} If a server cannot start; none runs
   * then.
   */
  async start(): Promise<void> {
    const { fleetMember } = this.#options;
    if (fleetMember !== undefined) {
      checkShared(this.#roster.configured.result);
      await fleetMember.start({
        services: () => this.#roster.ids(),
        setUsers: (users) => this.#setShared(users),
        change: (change) => this.#changeShared(change),
        facts: () => this.#facts(),
      });
    }
    await this.#options.fleet.apply(this.#plans());
    for (const line of this.#roster.heldOver()) {
      this.#options.logger.log("info", line);
    }
    this.#attach();
    this.#flushLater();
  }

  /**
   * Opens the store for reading and changing users while nothing runs.
   *
   * @throws {ConfigError} If a server could not start.
   */
  openIdle(): void {
    for (const plan of this.#plans()) {
      plan.check();
      plan.attend();
    }
    this.#attach();
  }

  /** Stops every server and writes the last counts. */
  async stop(graceMs: number): Promise<void> {
    this.#cancelFlush();
    await this.#options.fleet.stop(graceMs);
    await this.#options.fleetMember?.[Symbol.asyncDispose]();
    this.#ledger?.flush();
  }

  status(page: UserPage = FIRST_PAGE): Status {
    const { fleet, fleetMember, programStatus, panel } = this.#options;
    const program = programStatus();
    const ids = this.#roster.ids();
    for (const id of ids) this.#roster.extrasOf(id).rates.look();
    // A status without users does not need their totals.
    const { totals, users } = pickUsers(
      page.limit === 0 ? [] : this.#everybody(ids),
      page,
      program.nowUnixMs,
    );
    return {
      ...program,
      ready: program.ready && !fleetMember?.presence.isDraining,
      keepsUsers: this.#options.store !== undefined,
      plugins: fleet.running.flatMap(({ service }) =>
        (service as ServerService).plugin ?? []
      ),
      // A panel is a source of users inside the program, and has a status of
      // its own.
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
    const extras = this.#roster.known(id);
    if (extras === undefined) return;
    const { accounts, rates } = extras;
    for (const user of accounts.users) yield userStatus(user, accounts, rates);
  }

  *#everybody(ids: readonly string[]): Generator<ServedUser> {
    for (const server of ids) {
      for (const user of this.users(server)) yield { server, user };
    }
  }

  /** Returns the connected users of all servers, and their addresses. */
  *present(): Generator<[name: string, hosts: readonly string[]]> {
    for (const { accounts } of this.#roster.all()) yield* accounts.present();
  }

  user(id: string, name: string): UserStatus | undefined {
    const { accounts, rates } = this.#roster.known(id) ?? {};
    const user = accounts?.user(name);
    return user && accounts && rates && userStatus(user, accounts, rates);
  }

  credentials(id: string, name: string): Credentials | undefined {
    const servers = this.#roster.serversOf(id);
    // Each address of a port may have its own users.
    const server =
      servers.find(({ users }) =>
        servers.length > 1 && users?.some((user) => user.name === name)
      ) ?? servers[0];
    if (server === undefined) return undefined;
    const { owner } = server;
    if (name !== "" && name === owner?.name) return this.credentials(id, "");
    const password = this.#passwordOf(id, name, server);
    if (password === undefined) return undefined;
    const host = reachedHost(server, this.#options);
    return credentialsFor(server, { id, name, password }, host);
  }

  get fleetNodes(): FleetNodes | undefined {
    const { fleetMember, panel } = this.#options;
    // A panel does not know its nodes.
    return panel === undefined ? fleetMember?.presence : undefined;
  }

  async links(id: string, name: string): Promise<readonly string[]> {
    const own = this.credentials(id, name);
    if (own === undefined) return [];
    const isShared = this.#roster.known(id)?.shared.has(name);
    if (!isShared || this.fleetNodes === undefined) return [own.uri];
    const { method } = this.#roster.serverOf(id);
    const { password } = own;
    const links = linksOf(
      await this.fleetNodes.nodes(),
      { service: id, name, password, method: method.name },
    );
    return links.length === 0 ? [own.uri] : links;
  }

  async used(id: string, name: string): Promise<UsedBytes | undefined> {
    const { fleetMember, panel } = this.#options;
    const isShared = this.#roster.known(id)?.shared.has(name);
    // A panel does not tell what other nodes have reported.
    if (!isShared || fleetMember === undefined || panel !== undefined) {
      return this.user(id, name)?.usage;
    }
    const [used] = await fleetMember.used([{ service: id, name }]) ?? [];
    return used;
  }

  async fleetTotals(): Promise<FleetTotals | undefined> {
    return await this.#totals?.read();
  }

  /** Yields the users of the fleet on every server. */
  *#sharedUsers(): Generator<KnownUser> {
    for (const service of this.#roster.ids()) {
      for (const user of this.#roster.known(service)?.shared.all ?? []) {
        const { name, limits = {}, disabled = false } = user;
        yield { service, name, limits, disabled };
      }
    }
  }

  /** Returns the facts about this node for its heartbeat. */
  #facts(): NodeFacts {
    const { version, runtime, startedUnixMs, ready, connections, traffic } =
      this.#options.programStatus();
    return {
      ...{ version, runtime, startedUnixMs },
      isReady: ready,
      connections: connections.open,
      bytes: traffic.bytesUp + traffic.bytesDown,
      services: this.#roster.servers.flatMap((server) => {
        const host = reachedHost(server, this.#options);
        return nodeService(server, this.#roster.idOf(server), host) ?? [];
      }),
    };
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
    const { accounts, made: changes } = this.#roster.extrasOf(id);
    if (changes.get(name)?.standing === "removed") return undefined;
    const user = accounts.user(name);
    const made = user instanceof MadeUser ? user.password : undefined;
    if (made !== undefined) return made;
    const secret = secrets.users.get(name);
    if (secret !== undefined) return passwordOf(secret, method);
    return user instanceof CompactUser ? ownPassword(user, method) : undefined;
  }

  addUser(id: string, user: NewUser): void {
    const { method } = this.#roster.serverOf(id);
    const { accounts } = this.#roster.extrasOf(id);
    const { name, limits = {}, disabled = false } = user;
    if (accounts.user(name) !== undefined) {
      throw refused(`User ${name} already exists`);
    }
    const password = user.password ?? this.#newPassword(method);
    // A removed user of the configuration is added again as a changed one.
    const standing = this.#roster.fileUser(id, name) ? "changed" : "made";
    const stored: StoredUser = {
      ...{ server: id, name, password, limits, disabled, standing },
    };
    this.#replace(id, name, stored, () => this.#options.store?.put(stored));
    this.#ledger?.attachUser(id, name);
    this.#tell("added", id, name);
  }

  changeUser(id: string, name: string, change: UserChange): void {
    this.#refuseShared(id, name);
    const old = this.#roster.storedUser(id, name);
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
    const old = this.#roster.storedUser(id, name);
    const { method, secrets } = this.#roster.serverOf(id);
    const { accounts } = this.#roster.extrasOf(id);
    const owners = new Set(
      this.#roster.serversOf(id).flatMap(({ owner }) => owner?.name ?? []),
    );
    if (
      accounts.size - owners.size === 1 &&
      (["identity", "uid"].includes(method.userKind) ||
        secrets.own === undefined)
    ) {
      throw refused(
        `Cannot remove ${name}, the last user: without users, the server's ` +
          "own key, which every user knows, would let anyone in; disable the " +
          "user, or add another one first",
      );
    }
    this.#ledger?.flush();
    const { store } = this.#options;
    // The store forgets the user before its connections are closed: if that
    // fails, nothing changes, because the user would return after a restart.
    if (this.#roster.fileUser(id, name) === undefined) {
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
    this.#roster.serverOf(id);
    const { accounts } = this.#roster.extrasOf(id);
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
    const [model] = this.#roster.configured.result;
    if (
      this.#roster.configured.result.some(({ listen }) => listen.port === port)
    ) {
      throw refused(`Cannot add port ${port}: it is in the configuration`);
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
      const before = this.#roster.managed.get(port);
      this.#roster.managed.set(port, server);
      try {
        await this.#options.fleet.apply(this.#plans());
      } catch (error) {
        if (before === undefined) this.#roster.managed.delete(port);
        else this.#roster.managed.set(port, before);
        throw error;
      }
      this.#attach();
      this.#options.logger.log("info", "server added at run time", { port });
    });
  }

  removeServer(id: string): boolean {
    const server = this.#roster.managed.get(Number(id));
    if (server === undefined) return false;
    this.#ledger?.flush();
    this.#roster.managed.delete(Number(id));
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
      const takeOver = this.#options.readProgram?.(next.operator);
      const changes = fleet.preview(plans);
      const warnings = [
        ...next.warnings,
        ...this.#needsRestart(next),
        ...this.#roster.heldOver(next),
      ];
      if (dryRun) return { changes, warnings };
      this.#ledger?.flush();
      await fleet.apply(plans);
      takeOver?.();
      this.#roster.configured = next;
      // A user may have been changed while ports were opened.
      for (const plan of this.#plans()) fleet.adopt(plan);
      this.#attach();
      return { changes, warnings };
    });
  }

  /** @param what The change of the user. */
  #tell(what: string, server: string, user: string): void {
    this.#options.logger.log("info", `user ${what}`, { server, user });
  }

  #needsRestart(next: ConfiguredRole<unknown>): string[] {
    return needsRestart(
      OPERATOR_ROWS,
      this.#roster.configured.operator,
      next.operator,
    );
  }

  #refuseShared(id: string, name: string): void {
    if (!this.#roster.known(id)?.shared.has(name)) return;
    throw refused(
      `User ${name} belongs to the fleet: change it with umbra fleet user`,
    );
  }

  /** Replaces all users of the fleet. */
  #setShared(users: readonly SharedUser[]): void {
    const { fleet } = this.#options;
    for (const id of this.#roster.ids()) {
      this.#roster.extrasOf(id).shared.set(
        users.filter(({ service }) => service === id),
        this.#sharedServer(id),
      );
    }
    for (const plan of this.#plans()) {
      if (fleet.find(plan.key) !== undefined) fleet.adopt(plan);
    }
  }

  /** Applies the change of one user of the fleet. */
  #changeShared(change: SharedChange): void {
    const { service: id, name } = change.kind === "put" ? change.user : change;
    const { shared, accounts } = this.#roster.extrasOf(id);
    const old = shared.get(name);
    let next: ServerUser | undefined;
    if (change.kind === "gone") shared.remove(name);
    else next = shared.put(change.user, this.#sharedServer(id));
    // A server without users of the fleet has a stand-in user.
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
    return this.#roster.idOf(server) === id;
  }

  #sharedServer(id: string): SharedServer {
    const { method } = this.#roster.serverOf(id);
    const { made } = this.#roster.extrasOf(id);
    const filed = this.#roster.serversOf(id).flatMap(({ users = [] }) => users)
      .map(({ name }) => name);
    return { id, method, taken: new Set([...filed, ...made.keys()]) };
  }

  /**
   * Changes one user at once, or throws and changes nothing, neither in memory
   * nor in the store.
   *
   * @param next The new state; not set to undo changes made at run time.
   * @param keep Writes the change to the store, after it was checked.
   */
  #replace(
    id: string,
    name: string,
    next: StoredUser | undefined,
    keep: () => void,
  ): void {
    const { accounts, made } = this.#roster.extrasOf(id);
    const old = made.get(name);
    const undo = new DisposableStack();
    const served: ServerUser[] = [];
    try {
      for (const server of this.#roster.serversOf(id)) {
        const filed = server.users?.find((user) => user.name === name);
        const was = this.#roster.served(old, filed, server.method);
        const is = this.#roster.served(next, filed, server.method);
        if (is !== undefined) served.push(is);
        const found = this.#options.fleet.find(serverKey(server));
        if (found === undefined) {
          // The server does not run: check what a start would check.
          const others = this.#roster.usersOf(server).filter((one) =>
            one !== was
          );
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

  /** Returns the plans of a configuration. */
  #plans(
    { result }: ConfiguredRole<ConfiguredServer[]> = this.#roster.configured,
  ): ServerPlan[] {
    const servers = [...result, ...this.#roster.managed.values()];
    return servers.map((server) => {
      const id = this.#roster.idOf(server);
      const siblings = servers.filter((other) =>
        this.#roster.idOf(other) === id
      );
      return new ServerPlan(server, {
        world: this.#options.world,
        accounts: this.#roster.extrasOf(id).accounts,
        users: () => this.#roster.usersOf(server),
        everyUser: () => this.#roster.everyUser(siblings),
      });
    });
  }

  /**
   * Makes a password. With ShadowsocksR a number that no user has comes before
   * it.
   */
  #newPassword(method: Method): string {
    const { randomBytes } = this.#options;
    const key = generateKey(method, randomBytes);
    if (method.userKind !== "uid") return key;
    return `${new DataView(randomBytes(4).buffer).getUint32(0)}:${key}`;
  }

  #serverStatus(id: string): Omit<ServerStatus, "users"> {
    const { fleet } = this.#options;
    const servers = this.#roster.serversOf(id);
    return statusOf({
      id,
      servers,
      addresses: servers.map((server) =>
        fleet.find(serverKey(server))?.service.address ?? server.listen
      ),
      managed: this.#roster.managed.has(Number(id)),

      accounts: this.#roster.extrasOf(id).accounts,
    });
  }

  /** Connects every running server to the ledger and the ciphers. */
  #attach(): void {
    const servers = this.#roster.servers;
    this.#options.ciphers.serve(servers.map(({ method }) => method));
    for (const id of this.#roster.ids()) {
      this.#ledger?.attach(id, this.#roster.extrasOf(id).accounts);
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

/** @throws {ConfigError} If a server cannot have users of a fleet. */
function checkShared(servers: readonly ConfiguredServer[]): void {
  for (const { listen, method } of servers) {
    if (listen.port === 0) {
      throw refused(
        "A server in a fleet needs a fixed port, which names its users: " +
          "give one",
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

/** Describes a change in the words of a reload, without secrets. */
function describeChange(old: StoredUser, next: StoredUser): string {
  const changes = [
    ...old.password === next.password ? [] : ["another password"],
    ...same(old.limits, next.limits) ? [] : ["other limits"],
    ...old.disabled === next.disabled
      ? []
      : [next.disabled ? "disabled" : "enabled"],
  ];
  return changes.length === 0
    ? "changed: nothing differs"
    : `changed: ${changes.join(", ")}`;
}
