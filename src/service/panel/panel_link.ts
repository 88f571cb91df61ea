/**
 * A panel as the source of a fleet: users come from it, and usage is reported
 * to it. Calls of the server are answered here at once. The panel is asked and
 * informed independently, at the intervals it sets.
 *
 * A panel grants no leases. Its nodes learn of a used-up quota when the user is
 * missing in the list.
 *
 * @module
 */
import { pause } from "../../clock.ts";
import {
  type PanelNode,
  panelPassword,
  type PanelUser,
  parsePanelNode,
  parsePanelUsers,
} from "../../codec/uniproxy.ts";
import { findMethod, type Method } from "../../crypto/method.ts";
import { detach } from "../../defect.ts";
import {
  ConfigError,
  messageOf,
  ProtocolError,
  StoreError,
  TransportError,
  UmbraError,
} from "../../errors.ts";
import type {
  Entrance,
  FleetLink,
  Lease,
  NodeMemory,
  ReportOutcome,
  ReportReply,
  Seat,
  SharedChange,
  SharedUser,
  UsageReport,
  UserChanges,
  UserSnapshot,
} from "../../fleet.ts";
import {
  FLEET_WATCH_MS,
  LEASE_HOLD_MS,
  MAX_PANEL_BACKOFF_MS,
  MAX_TRIAL_USERS,
  PANEL_JITTER,
  PANEL_LAST_MS,
  PANEL_SAVE_MS,
} from "../../limits.ts";
import { Stop } from "../../on_abort.ts";
import { randomBelow } from "../../random.ts";
import type { Dependencies } from "../service.ts";
import { type PanelAddress, PanelClient } from "./panel_client.ts";
import { PanelSeats, type Present } from "./panel_seats.ts";
import { TrafficBook } from "./traffic_book.ts";

/** The options of a panel. */
export interface PanelOptions extends PanelAddress {
  /** True if traffic that may have arrived is sent again. Default: false. */
  readonly resends?: boolean;
  /** Keeps users and traffic over restarts; not set if nothing is kept. */
  readonly memory?: NodeMemory | undefined;
}

/** The status of a panel. */
export interface PanelStatus {
  /** The host of the panel. */
  readonly host: string;
  /** False while the panel does not answer, or refuses this node. */
  readonly isUp: boolean;
  /** Users that may connect. */
  readonly users: number;
  /** Bytes that were not reported to the panel yet. */
  readonly pendingBytes: number;
  /** Bytes that were sent, may not have arrived, and are not sent again. */
  readonly uncertainBytes: number;
  /** Reports of traffic by result. */
  readonly pushes: Readonly<Record<"taken" | "refused" | "unknown", number>>;
}

/** The link of this node to a panel. */
export class PanelLink implements FleetLink {
  readonly node: string;
  readonly leaseMs: number = LEASE_HOLD_MS;
  /**
   * Returns the connected users, as the server knows them; default: users with
   * a seat.
   */
  present: () => Present = () => [];
  readonly #options: PanelOptions;
  readonly #world: Required<Dependencies>;
  readonly #client: PanelClient;
  readonly #book: TrafficBook;
  readonly #seats = new PanelSeats();
  readonly #stop = new Stop();
  readonly #pushes = { taken: 0, refused: 0, unknown: 0 };
  readonly #troubles = new Set<string>();
  #node: PanelNode | undefined;
  #nodeTag: string | undefined;
  #usersTag: string | undefined;
  #method: Method | undefined;
  #service = "";
  #users = new Map<string, SharedUser>();
  #version = 0;
  /** The changes that led to the present version. */
  #latest: readonly SharedChange[] = [];
  /** True if the last list was empty and was therefore ignored. */
  #isEmptyOnce = false;
  readonly #waiting = new Set<() => void>();
  #loops: Promise<unknown> = Promise.resolve();
  #cancelSave: (() => void) | undefined;

  private constructor(options: PanelOptions, world: Required<Dependencies>) {
    this.node = `${options.url.host}/${options.nodeId}`;
    this.#options = options;
    this.#world = world;
    this.#client = new PanelClient(options, world);
    const { memory, resends = false } = options;
    this.#book = new TrafficBook({ memory, resends, prefix: this.#prefix });
  }

  /**
   * Asks a panel for the first time. If it does not answer, the kept data are
   * used.
   *
   * @throws {ConfigError} `ERR_PANEL` if the panel refuses the node, or the
   * node cannot be served.
   * @throws {UmbraError} If there are no kept data either.
   */
  static async open(
    options: PanelOptions,
    world: Required<Dependencies>,
  ): Promise<PanelLink> {
    const link = new PanelLink(options, world);
    try {
      await link.#pullNode();
      await link.#pullUsers();
    } catch (error) {
      const isExpected = error instanceof TransportError ||
        error instanceof ProtocolError;
      if (!isExpected || !link.#takeKept()) throw error;
      link.#troubled("pull", error);
    }
    return link;
  }

  /** This node's settings at the panel. */
  get served(): PanelNode {
    return this.#node!;
  }

  /** The cipher of the node. */
  get method(): Method {
    return this.#method!;
  }

  /** The status of the panel. */
  get status(): PanelStatus {
    return {
      host: this.#options.url.host,
      isUp: this.#troubles.size === 0,
      users: this.#users.size,
      pendingBytes: this.#book.pendingBytes,
      uncertainBytes: this.#book.uncertainBytes,
      pushes: { ...this.#pushes },
    };
  }

  /**
   * See {@link FleetLink.join}. Starts the intervals of questions and reports.
   */
  join(): Promise<number> {
    const { logger } = this.#world;
    const loops = Promise.all([this.#pullLoop(), this.#pushLoop()]);
    this.#loops = Promise.allSettled([loops]);
    detach(loops, "panel", { logger });
    return Promise.resolve(1);
  }

  /** See {@link FleetLink.snapshot}. */
  snapshot([service = ""]: readonly string[]): Promise<UserSnapshot> {
    if (this.#service !== service) {
      this.#service = service;
      this.#users = new Map(
        [...this.#users].map(([name, user]) => [name, { ...user, service }]),
      );
    }
    return Promise.resolve({
      users: [...this.#users.values()],
      position: String(this.#version),
    });
  }

  /** See {@link FleetLink.changes}. */
  async changes(position: string): Promise<UserChanges> {
    if (position === String(this.#version)) await this.#nextVersion();
    this.#stop.throwIfAborted();
    const behind = this.#version - Number(position);
    return {
      changes: behind === 1 ? this.#latest : [],
      position: String(this.#version),
      ...behind > 1 && { isIncomplete: true },
    };
  }

  /** See {@link FleetLink.report}. */
  report(
    _incarnation: number,
    reports: readonly UsageReport[],
  ): Promise<ReportReply> {
    return Promise.resolve({
      outcomes: reports.map((report) => this.#hear(report)),
      unixMs: this.#world.clock.unixMs(),
    });
  }

  /** See {@link FleetLink.enter}. */
  enter(
    _incarnation: number,
    { name, place }: Seat,
    report: UsageReport,
  ): Promise<Entrance> {
    return Promise.resolve({
      isAdmitted: this.#seat(name, place),
      outcome: this.#hear(report),
      unixMs: this.#world.clock.unixMs(),
    });
  }

  /** See {@link FleetLink.keep}. */
  keep(seats: readonly Seat[]): Promise<boolean[]> {
    return Promise.resolve(
      seats.map(({ name, place }) => this.#seat(name, place)),
    );
  }

  /** See {@link FleetLink.leave}. */
  leave(seats: readonly Seat[]): Promise<void> {
    for (const { name, place } of seats) this.#seats.leave(+name, place);
    return Promise.resolve();
  }

  /** Sends a last report within {@link PANEL_LAST_MS}, and stops. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#stop.aborted) return;
    this.#stop.abort(
      new TransportError("ERR_NET_CLOSED", "The link to the panel is closed"),
    );
    this.#cancelSave?.();
    for (const wake of this.#waiting) wake();
    await this.#loops;
    const { clock } = this.#world;
    const last = new Stop();
    const cancel = clock.schedule(
      () => last.abort(new TransportError("ERR_NET_TIMEOUT", "Out of time")),
      PANEL_LAST_MS,
    );
    try {
      await this.#push(last);
    } finally {
      cancel();
      this.#save();
    }
  }

  get #prefix(): string {
    return `panel/${this.node}/`;
  }

  #seat(name: string, place: string): boolean {
    const { maxHosts = Infinity } = this.#users.get(name)?.limits ?? {};
    return this.#seats.enter(+name, place, maxHosts);
  }

  /** Counts a report, also of a user that was removed. */
  #hear(report: UsageReport): ReportOutcome {
    this.#book.hear(+report.name, report);
    this.#saveLater();
    return this.#users.has(report.name)
      ? { kind: "lease", lease: UNLIMITED }
      : { kind: "unknown" };
  }

  #takeKept(): boolean {
    const entries = new Map(this.#options.memory?.entries(this.#prefix));
    const node = entries.get(`${this.#prefix}node`);
    const users = entries.get(`${this.#prefix}users`);
    if (node === undefined || users === undefined) return false;
    this.#takeNode(parsePanelNode(node));
    this.#takeUsers(parsePanelUsers(users));
    return true;
  }

  #keep(what: "node" | "users", text: string): void {
    this.#guarded("keep", () => {
      this.#options.memory?.write([[`${this.#prefix}${what}`, text]]);
    });
  }

  async #pullNode(): Promise<void> {
    const next = await this.#client.node(this.#nodeTag, this.#stop);
    if (next === undefined) return;
    const known = this.#node;
    this.#takeNode(next.value);
    this.#nodeTag = next.tag;
    this.#keep("node", next.text);
    if (known !== undefined && !isSameNode(known, next.value)) {
      this.#world.logger.log(
        "warn",
        "panel: port, cipher or key of the node changed: restart to apply it",
      );
    }
  }

  #takeNode(node: PanelNode): void {
    const method = findPanelMethod(node);
    const { logger } = this.#world;
    this.#method ??= method;
    const isNew = this.#node?.routes.join() !== node.routes.join();
    if (isNew && node.routes.length > 0) {
      logger.log("warn", "panel: rules for targets are ignored; use an ACL", {
        rules: node.routes.join("; "),
      });
    }
    if (this.#node === undefined && method.keyLength === 16) {
      logger.log(
        "warn",
        `panel: keys for ${method.name} hold 52 random bits, and can be ` +
          "guessed: set the node to 2022-blake3-aes-256-gcm",
      );
    }
    this.#node = node;
  }

  async #pullUsers(): Promise<void> {
    const next = await this.#client.users(this.#usersTag, this.#stop);
    if (next === undefined) return;
    const isDoubtful = next.value.length === 0 && this.#users.size > 0 &&
      !this.#isEmptyOnce;
    this.#isEmptyOnce = isDoubtful;
    if (isDoubtful) {
      this.#usersTag = undefined;
      this.#world.logger.log(
        "warn",
        "panel: the list of users is empty; ignored unless it stays empty",
      );
      return;
    }
    this.#usersTag = next.tag;
    this.#takeUsers(next.value);
    this.#keep("users", next.text);
  }

  #takeUsers(list: readonly PanelUser[]): void {
    const users = this.#usable(list);
    const gone: SharedChange[] = [];
    const put: SharedChange[] = [];
    for (const [name, user] of this.#users) {
      // Users whose key has changed are removed first, because another user may
      // have that key now.
      const isHere = users.get(name)?.password === user.password;
      if (!isHere) gone.push({ kind: "gone", service: user.service, name });
    }
    for (const [name, user] of users) {
      const known = this.#users.get(name);
      const isKnown = known !== undefined && isSameUser(known, user);
      if (!isKnown) put.push({ kind: "put", user });
    }
    if (gone.length + put.length === 0) return;
    this.#users = users;
    this.#latest = [...gone, ...put];
    this.#version++;
    for (const wake of [...this.#waiting]) wake();
  }

  /** Returns the users that can be served, by name. */
  #usable(list: readonly PanelUser[]): Map<string, SharedUser> {
    const method = this.method;
    const users = new Map<string, SharedUser>();
    const passwords = new Set<string>();
    let left = 0;
    for (const user of list) {
      const password = panelPassword(user, method);
      const isFull = method.userKind === "trial" &&
        users.size === MAX_TRIAL_USERS;
      if (password === undefined || isFull || passwords.has(password)) {
        left++;
        continue;
      }
      passwords.add(password);
      const { id, bytesPerSecond, devices: maxHosts } = user;
      users.set(String(id), {
        service: this.#service,
        name: String(id),
        password,
        limits: {
          ...bytesPerSecond !== undefined && { bytesPerSecond },
          ...maxHosts !== undefined && { maxHosts },
        },
        disabled: false,
      });
    }
    if (left > 0) {
      this.#world.logger.log(
        "error",
        `panel: ${left} of ${list.length} users are left out: ${method.name} ` +
          (method.userKind === "trial"
            ? `serves ${MAX_TRIAL_USERS} at most, each with a UUID of its own`
            : "needs a long UUID of its own for each"),
      );
    }
    return users;
  }

  async #pullLoop(): Promise<void> {
    for (let failures = 0;;) {
      await this.#pause(this.served.pullMs, failures);
      if (this.#stop.aborted) return;
      const isDone = await this.#attempt("pull", async () => {
        await this.#pullNode();
        await this.#pullUsers();
      });
      failures = isDone ? 0 : failures + 1;
    }
  }

  async #pushLoop(): Promise<void> {
    for (let failures = 0;;) {
      await this.#pause(this.served.pushMs, failures);
      if (this.#stop.aborted) return;
      const isPushed = await this.#push(this.#stop);
      const isTold = await this.#attempt("seats", () => this.#tellSeats());
      failures = isPushed && isTold ? 0 : failures + 1;
    }
  }

  /** @returns True if nothing failed. */
  async #push(signal: Stop): Promise<boolean> {
    return await this.#attempt("push", async () => {
      const outcome = await this.#book.push((traffic) =>
        this.#client.push(traffic, signal)
      );
      if (outcome === undefined) return;
      this.#pushes[outcome.kind]++;
      if (outcome.kind === "taken") return;
      if (outcome.kind === "unknown" && !this.#options.resends) {
        this.#world.logger.log(
          "warn",
          "panel: traffic may not have arrived, and is not sent again",
          { uncertainBytes: this.#book.uncertainBytes },
        );
      }
      throw outcome.error;
    });
  }

  async #tellSeats(): Promise<void> {
    const report = this.#seats.report(this.present());
    await this.#client.tellAlive(report, this.#stop);
    this.#seats.count(await this.#client.aliveCounts(this.#stop), report);
  }

  /**
   * @returns True if it succeeded. The start and the end of a failure are
   * logged.
   */
  async #attempt(what: string, work: () => Promise<void>): Promise<boolean> {
    try {
      await work();
      this.#untroubled(what);
      return true;
    } catch (error) {
      if (!(error instanceof UmbraError)) throw error;
      if (!this.#stop.aborted) this.#troubled(what, error);
      return false;
    }
  }

  #guarded(what: string, work: () => void): void {
    try {
      work();
      this.#untroubled(what);
    } catch (error) {
      if (!(error instanceof StoreError)) throw error;
      this.#troubled(what, error);
    }
  }

  #troubled(what: string, error: UmbraError): void {
    if (this.#troubles.has(what)) return;
    this.#troubles.add(what);
    const level = error instanceof ConfigError ? "error" : "warn";
    this.#world.logger.log(level, TROUBLES[what] ?? "panel: trouble", {
      code: error.code,
      reason: messageOf(error),
    });
  }

  #untroubled(what: string): void {
    if (!this.#troubles.delete(what)) return;
    this.#world.logger.log("info", "panel: working again", { what });
  }

  /** @param failures The number of failures in a row. */
  async #pause(ms: number, failures: number): Promise<void> {
    const { clock, randomBytes } = this.#world;
    const backedOff = failures === 0
      ? ms
      : Math.max(ms, Math.min(MAX_PANEL_BACKOFF_MS, ms * 2 ** failures));
    const jitter = randomBelow(2_001, randomBytes) / 1_000 - 1;
    await pause(clock, backedOff * (1 + PANEL_JITTER * jitter), this.#stop);
  }

  #saveLater(): void {
    if (this.#stop.aborted) return;
    this.#cancelSave ??= this.#world.clock.schedule(() => {
      this.#cancelSave = undefined;
      this.#save();
    }, PANEL_SAVE_MS);
  }

  #save(): void {
    this.#guarded("save", () => this.#book.save());
  }

  async #nextVersion(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#waiting.add(resolve);
    const cancel = this.#world.clock.schedule(resolve, FLEET_WATCH_MS);
    await promise;
    cancel();
    this.#waiting.delete(resolve);
  }
}

/** A panel grants no leases, so usage is not limited here. */
const UNLIMITED: Lease = {
  grantedBytes: Infinity,
  usedBytes: 0,
  activeNodes: 1,
  openElsewhere: 0,
};

/** The line that is logged when a failure starts. */
const TROUBLES: Readonly<Record<string, string>> = {
  pull: "panel: cannot fetch users; the present ones stay",
  push: "panel: cannot report traffic; unsent traffic is kept",
  seats: "panel: cannot report devices; only those of this node are counted",
  keep: "panel: cannot save users for a start without the panel",
  save: "panel: cannot save traffic for a restart",
};

/**
 * Finds the cipher of a node.
 *
 * @throws {ConfigError} `ERR_PANEL` if the node cannot be served.
 */
function findPanelMethod({ method: name, serverKey }: PanelNode): Method {
  let method: Method;
  try {
    method = findMethod(name);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    throw refused(error.message);
  }
  if (method.userKind === "none") {
    throw refused(
      `${method.name} cannot tell users apart: set the node to ` +
        "2022-blake3-aes-256-gcm",
    );
  }
  const needsKey = method.family.keyKind === "base64";
  if (needsKey && serverKey === undefined) {
    throw refused(`it has no server_key, which ${method.name} needs`);
  }
  return method;
}

function refused(why: string): ConfigError {
  return new ConfigError("ERR_PANEL", `Cannot serve the panel's node: ${why}`);
}

function isSameNode(one: PanelNode, other: PanelNode): boolean {
  return one.port === other.port && one.method === other.method &&
    one.serverKey === other.serverKey && one.plugin === other.plugin;
}

function isSameUser(one: SharedUser, other: SharedUser): boolean {
  return one.password === other.password &&
    one.limits.bytesPerSecond === other.limits.bytesPerSecond &&
    one.limits.maxHosts === other.limits.maxHosts;
}
