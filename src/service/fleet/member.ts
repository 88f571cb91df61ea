/**
 * A server as a node of a fleet: it reports usage to the source and follows
 * which users may connect. It asks the source in the background, not in the
 * path of bytes.
 *
 * Each user has at most one report under way, so that a slow source gets no
 * more calls than a fast one. While the source does not answer, users are
 * served on their leases, and then as {@link MemberOptions.outage} allows.
 *
 * @module
 */
import { type Clock, pause } from "../../clock.ts";
import { detach } from "../../defect.ts";
import {
  messageOf,
  PolicyError,
  StoreError,
  TransportError,
} from "../../errors.ts";
import type {
  FleetLink,
  NodeMemory,
  ReportOutcome,
  Seat,
  SharedChange,
  SharedUser,
  UsageReport,
  UsedBytes,
  UserId,
} from "../../fleet.ts";
import {
  FLEET_CLOCK_WARN_S,
  FLEET_COPY_PAUSE_MS,
  FLEET_ENTER_MS,
  FLEET_RETRY_MS,
  FLEET_SLOW_MS,
  FLEET_TICK_MS,
  LEASE_HOLD_MS,
  MAX_FLEET_BATCH,
  SEAT_REFRESH_MS,
} from "../../limits.ts";
import type { DialCounts } from "../../dial_times.ts";
import type { Logger } from "../../observe.ts";
import { Stop } from "../../on_abort.ts";
import { Episode } from "../episode.ts";
import { CallTimes, type FleetCall } from "./call_times.ts";
import { DomainSalts, type Replay, type SaltCounts } from "./domain_salts.ts";
import { NodeCopy } from "./node_copy.ts";
import { type NodeFacts, Presence } from "./presence.ts";
import { type Place, type ShareHost, UserShare } from "./share.ts";

/** The treatment of users whose leases end while the source does not answer. */
export type Outage = "serve" | "strict";

/** The options of a member. */
export interface MemberOptions {
  /** Name of the node. */
  readonly node: string;
  /** Opens the link to the source. */
  connect(): Promise<FleetLink>;
  /** State that survives a restart. Default: none. */
  readonly memory?: NodeMemory | undefined;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly outage: Outage;
  /** The protection against serving a request twice. Default: `exchange`. */
  readonly replay?: Replay;
}

/** The server that a member belongs to. */
export interface MemberHost {
  /** Returns the services whose users are needed at present. */
  services(): readonly string[];
  /** Replaces all users of its services. */
  setUsers(users: readonly SharedUser[]): void;
  /** Applies a change of one user. */
  change(change: SharedChange): void;
  /** Returns the facts about this node for its heartbeat. */
  facts(): NodeFacts;
}

/** The status of a member. */
export interface MemberStatus {
  /** Name of the node. */
  readonly node: string;
  /** False while the source does not answer. */
  readonly isUp: boolean;
  /** Seconds that the fleet's clock is ahead of this machine's. */
  readonly clockOffsetS: number;
  /** Duration of the source's last answer in milliseconds. */
  readonly answerMs: number;
  /** Bytes that users may still pass on their leases. */
  readonly leasedBytes: number;
  /** Bytes that users passed beyond their leases. */
  readonly graceBytes: number;
  /**
   * First connections from a place that were admitted before the source
   * answered, because it was slow or away.
   */
  readonly uncertainAdmissions: Readonly<Record<"slow" | "away", number>>;
  /** The durations of calls to the source, by kind. */
  readonly calls: Readonly<Record<FleetCall, DialCounts>>;
  /**
   * Milliseconds since all changes of users were known to be applied; not set
   * if the source was never reached.
   */
  readonly changesLagMs?: number;
  /**
   * Milliseconds since the copy on disk was known to be current; not set if
   * there is none.
   */
  readonly copyAgeMs?: number;
  /** Counts of salts that are exchanged with nodes that share the keys. */
  readonly salts: SaltCounts;
  /** Counts of reports, by result. */
  readonly reports: Readonly<Record<ReportOutcome["kind"] | "failed", number>>;
}

/** A server in a fleet. */
export class FleetMember implements ShareHost, AsyncDisposable {
  readonly clock: Clock;
  readonly servesOut: boolean;
  /** The heartbeats of this node, and the list of nodes. */
  readonly presence: Presence;
  /** The salts that the nodes of the domain have served. */
  readonly salts: DomainSalts;
  readonly #options: MemberOptions;
  readonly #logger: Logger;
  readonly #copy: NodeCopy | undefined;
  /** Not set until the source has answered for the first time. */
  #link: FleetLink | undefined;
  readonly #shares = new Map<string, UserShare>();
  /** The shares with something to report. */
  readonly #due = new Set<UserShare>();
  /** The shares of `#due` that cannot wait for the next tick. */
  readonly #urgent = new Set<UserShare>();
  /** The shares that each tick checks. */
  readonly #held = new Set<UserShare>();
  readonly #stop = new Stop();
  readonly #slowness: Episode;
  readonly #skew: Episode;
  readonly #twins: Episode;
  readonly #forgetting: Episode;
  #host: MemberHost | undefined;
  #incarnation = 0;
  #isOut = false;
  #offsetMs = 0;
  #answerMs = 0;
  #graceBytes = 0;
  readonly #uncertainAdmissions = { slow: 0, away: 0 };
  readonly #times: CallTimes;
  /** The time of the last answer about changes, by the monotonic clock. */
  #currentMs: number | undefined;
  readonly #reports = { lease: 0, unknown: 0, stale: 0, failed: 0 };
  #cancelTick: (() => void) | undefined;
  #cancelUrgent: (() => void) | undefined;
  #refreshedMs = 0;
  #isProbing = false;
  #isRejoining = false;
  #isCopying = false;
  /** The work that disposal waits for. */
  readonly #underway = new Set<Promise<unknown>>();

  /** The member joins the fleet at {@link FleetMember.start}. */
  constructor(options: MemberOptions) {
    const { clock, logger, outage, memory, replay = "exchange" } = options;
    this.#options = options;
    this.clock = clock;
    this.#copy = memory && new NodeCopy(memory, options.node, clock);
    this.#logger = logger;
    this.servesOut = outage === "serve";
    this.#times = new CallTimes(clock);
    const isOut = (): boolean => this.#isOut;
    this.salts = new DomainSalts({
      clock,
      signal: this.#stop,
      get isOut(): boolean {
        return isOut();
      },
      fail: (error) => this.#fail(error),
      timed: (call, answer) => this.#times.of(call, answer),
      track: (work, what) => this.#track(work, what),
    }, replay);
    this.#slowness = new Episode(clock);
    this.#skew = new Episode(clock);
    this.#twins = new Episode(clock);
    this.#forgetting = new Episode(clock);
    this.presence = new Presence({
      clock,
      logger,
      directory: () => this.#isOut ? undefined : this.#link?.nodes,
      incarnation: () => this.#incarnation,
      keep: (list) => this.#remember((copy) => copy.keepNodes(list)),
      source: () => ({
        answerMs: this.#answerMs,
        clockOffsetMs: this.#offsetMs,
      }),
    });
  }

  get isOut(): boolean {
    return this.#isOut;
  }

  get leaseMs(): number {
    return this.#link?.leaseMs ?? LEASE_HOLD_MS;
  }

  /** The status of the member. */
  get status(): MemberStatus {
    return {
      node: this.#options.node,
      isUp: !this.#isOut,
      clockOffsetS: this.#offsetMs / 1_000,
      answerMs: this.#answerMs,
      leasedBytes: [...this.#held].reduce(
        (sum, { roomBytes }) => sum + roomBytes,
        0,
      ),
      graceBytes: this.#graceBytes,
      uncertainAdmissions: { ...this.#uncertainAdmissions },
      calls: this.#times.snapshot,
      ...this.#currentMs !== undefined && {
        changesLagMs: this.clock.monotonicMs() - this.#currentMs,
      },
      ...this.#copy?.ageMs !== undefined && { copyAgeMs: this.#copy.ageMs },
      salts: this.salts.counts,
      reports: { ...this.#reports },
    };
  }

  /** The fleet's clock, for times on which all nodes must agree. */
  get fleetClock(): Clock {
    const { clock } = this;
    return {
      monotonicMs: () => clock.monotonicMs(),
      unixMs: () => clock.unixMs() + this.#offsetMs,
      schedule: (callback, delayMs) => clock.schedule(callback, delayMs),
    };
  }

  /**
   * Joins the fleet and follows its users until disposal. If the source is
   * away, the member starts with the copy of its users and nodes.
   *
   * @throws {TransportError | StoreError | ConfigError} When neither is
   * possible; the member has not joined then.
   */
  async start(host: MemberHost): Promise<void> {
    try {
      await this.#connect(host);
    } catch (error) {
      const copy = isOutage(error)
        ? this.#copy?.users(host.services())
        : undefined;
      if (copy === undefined) throw error;
      host.setUsers(copy);
      const nodes = this.#copy?.nodes();
      if (nodes !== undefined) this.presence.recall(nodes);
      this.#host = host;
      this.#fail(error);
    }
    this.presence.start(() => host.facts());
  }

  async #connect(host: MemberHost): Promise<void> {
    const link = await this.#options.connect();
    try {
      await this.#sayKept(link);
      this.#incarnation = await link.join();
      // The fleet's clock must be known before the expiry of users is judged.
      const sentMs = this.clock.monotonicMs();
      const { unixMs } = await link.report(this.#incarnation, []);
      this.#heard(sentMs, unixMs);
      const place = await this.#readAll(link, host);
      if (link.salts !== undefined) await this.salts.begin(link.salts);
      this.#link = link;
      this.#track(this.#follow(link, host, place), "fleet: changes");
    } catch (error) {
      await link[Symbol.asyncDispose]();
      throw error;
    }
  }

  /**
   * Reports the totals of an earlier process that was killed, which the source
   * may lack.
   */
  async #sayKept(link: FleetLink): Promise<void> {
    // Totals from another fleet would be counted twice.
    const kept = (this.#copy?.totals() ?? [])
      .filter(({ fleet }) => fleet === link.fleet);
    const incarnations = new Set(kept.map(({ incarnation }) => incarnation));
    for (const incarnation of incarnations) {
      const reports = kept.filter((one) => one.incarnation === incarnation)
        .map(({ report }) => ({
          ...report,
          // Gives the lease back. The sequence is higher than that of any
          // report before.
          wantBytes: 0,
          sequence: Number.MAX_SAFE_INTEGER,
        }));
      for (const batch of batches(reports)) {
        await link.report(incarnation, batch);
      }
    }
    this.#copy?.forgetTotals();
  }

  /**
   * Returns what all nodes have reported of users, in their order; `undefined`
   * for a user that does not exist.
   *
   * @param users At most {@link FLEET_COPY_BATCH}.
   * @returns `undefined` while the source does not answer, or if it does not
   * tell.
   */
  async used(
    users: readonly UserId[],
  ): Promise<(UsedBytes | undefined)[] | undefined> {
    const totals = this.#isOut ? undefined : this.#link?.totals;
    if (totals === undefined) return undefined;
    try {
      return await totals.used(users);
    } catch (error) {
      this.#fail(error);
      return undefined;
    }
  }

  /** Returns the share of a user on this node. */
  share(service: string, name: string): UserShare {
    const key = keyOf({ service, name });
    const known = this.#shares.get(key);
    if (known !== undefined) return known;
    const share = new UserShare(service, name, this);
    this.#shares.set(key, share);
    return share;
  }

  due(share: UserShare, isUrgent: boolean): void {
    // The share of a removed user is no longer reported.
    if (this.#shares.get(keyOf(share)) !== share) return;
    this.#due.add(share);
    if (isUrgent) this.#urgent.add(share);
    if (isUrgent && !share.isReporting && !this.#isOut) {
      // Reports of the same turn are sent in one message.
      this.#cancelUrgent ??= this.clock.schedule(() => {
        this.#cancelUrgent = undefined;
        this.#reportAll();
      }, 0);
    }
    this.#tickLater();
  }

  enter(share: UserShare, place: Place): Promise<void> | undefined {
    if (this.#stop.aborted) return undefined;
    this.#held.add(share);
    this.#tickLater();
    if (this.#isOut) {
      this.#uncertainAdmissions.away++;
      return undefined;
    }
    const asked = this.#ask(share, place);
    this.#track(asked, "fleet: a seat");
    const settled = this.#patiently(asked);
    // The visit may end before the promise is awaited.
    settled.catch(() => {});
    return settled;
  }

  leave(seat: Seat): void {
    if (this.#isOut || this.#stop.aborted) return;
    const leaving = this.#times.of("leave", this.#reach().leave([seat]))
      .catch((error) => this.#fail(error));
    this.#track(leaving, "fleet: a seat");
  }

  countGrace(bytes: number): void {
    this.#graceBytes += bytes;
  }

  /** Reports the remaining usage, gives leases back and leaves the fleet. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.presence[Symbol.asyncDispose]();
    this.#cancelTick?.();
    this.#cancelUrgent?.();
    this.#stop.abort(
      new TransportError("ERR_NET_CLOSED", "The server has left the fleet"),
    );
    const link = this.#link;
    if (link !== undefined) {
      if (!this.#isOut) await this.#sayGoodbye(link);
      await link[Symbol.asyncDispose]();
    }
    await Promise.allSettled(this.#underway);
  }

  async #sayGoodbye(link: FleetLink): Promise<void> {
    const shares = [...this.#shares.values()];
    const seats = shares.flatMap(({ seated }) => seated)
      .map(({ seat }) => seat);
    try {
      for (const batch of batches(shares)) {
        const reports = batch.map((share) => share.report(true));
        await link.report(this.#incarnation, reports);
      }
      for (const batch of batches(seats)) await link.leave(batch);
      await this.salts.end();
      this.#remember((copy) => copy.forgetTotals());
    } catch (error) {
      this.#fail(error);
    }
  }

  /**
   * Waits for the answer. If the answer is late, the user is admitted; a late
   * refusal ends the visit with its next bytes.
   *
   * @throws {PolicyError} When the user is not admitted.
   */
  async #patiently(asked: Promise<PolicyError | undefined>): Promise<void> {
    const { promise: late, resolve } = Promise.withResolvers<"late">();
    const cancel = this.clock.schedule(() => resolve("late"), FLEET_ENTER_MS);
    try {
      const answer = await Promise.race([asked, late]);
      if (answer === "late") this.#uncertainAdmissions.slow++;
      else if (answer !== undefined) throw answer;
    } finally {
      cancel();
    }
  }

  /** @returns The reason why the user is not admitted; `undefined` if it is. */
  async #ask(
    share: UserShare,
    place: Place,
  ): Promise<PolicyError | undefined> {
    const report = share.report();
    const sentMs = this.clock.monotonicMs();
    try {
      const { isAdmitted, outcome, unixMs } = await this.#times.of(
        "enter",
        this.#reach().enter(this.#incarnation, place.seat, report),
      );
      this.#heard(sentMs, unixMs);
      this.#settle(share, { report, outcome, sentMs });
      if (outcome.kind === "lease") share.seat(place, isAdmitted);
    } catch (error) {
      if (error instanceof PolicyError) return error;
      this.#fail(error);
    } finally {
      place.asking = undefined;
    }
    return undefined;
  }

  #tickLater(): void {
    if (this.#stop.aborted) return;
    this.#cancelTick ??= this.clock.schedule(() => {
      this.#cancelTick = undefined;
      this.#tick();
    }, FLEET_TICK_MS);
  }

  #tick(): void {
    const nowMs = this.clock.monotonicMs();
    const isRefresh = nowMs - this.#refreshedMs >= SEAT_REFRESH_MS;
    if (isRefresh) this.#refreshedMs = nowMs;
    for (const share of this.#held) {
      if (!share.isHeld) this.#held.delete(share);
      else if (share.isIdle(nowMs) || isRefresh && share.tellsOpen) {
        this.#due.add(share);
      }
    }
    this.#keepTotals();
    if (this.#isOut) this.#probe();
    else {
      this.#reportAll();
      if (isRefresh) this.#keepSeats();
    }
    const isIdle = this.#held.size === 0 && this.#due.size === 0;
    if (this.#isOut || !isIdle) this.#tickLater();
  }

  /** Asks if the source is back. Only one question is under way at a time. */
  #probe(): void {
    if (this.#isProbing) return;
    this.#isProbing = true;
    this.#track(
      this.#link === undefined ? this.#connectAgain() : this.#report([]),
      "fleet: a probe",
    );
  }

  async #connectAgain(): Promise<void> {
    try {
      await this.#connect(this.#host!);
      this.#back();
    } catch (error) {
      this.#fail(error);
    } finally {
      this.#isProbing = false;
    }
  }

  #reach(): FleetLink {
    if (this.#link !== undefined) return this.#link;
    throw new TransportError("ERR_NET_CLOSED", "The fleet was not reached yet");
  }

  #reportAll(): void {
    const nowMs = this.clock.monotonicMs();
    const ready = [...this.#due].filter((share) =>
      !share.isReporting && (this.#urgent.has(share) || share.isTimely(nowMs))
    );
    for (const batch of batches(ready)) {
      for (const share of batch) {
        this.#due.delete(share);
        this.#urgent.delete(share);
        share.isReporting = true;
      }
      this.#track(this.#report(batch), "fleet: a report");
    }
  }

  /**
   * Writes totals to disk before they are reported, and while they cannot be.
   */
  #keepTotals(): void {
    // Before the source is reached, the disk has totals of the previous
    // incarnation, which must not be overwritten.
    if (this.#link === undefined || this.#copy === undefined) return;
    const { fleet } = this.#link;
    const of = {
      incarnation: this.#incarnation,
      ...fleet !== undefined && { fleet },
    };
    const kept = [...this.#due].flatMap((share) => share.keep() ?? []);
    if (kept.length === 0) return;
    this.#remember((copy) => copy.keepTotals(of, kept));
  }

  async #report(shares: readonly UserShare[]): Promise<void> {
    const reports = shares.map((share) => share.report());
    const sentMs = this.clock.monotonicMs();
    try {
      const { outcomes, unixMs } = await this.#times.of(
        "report",
        this.#reach().report(this.#incarnation, reports),
      );
      this.#heard(sentMs, unixMs);
      for (const [i, share] of shares.entries()) {
        const [report, outcome] = [reports[i]!, outcomes[i]!];
        this.#settle(share, { report, outcome, sentMs });
      }
    } catch (error) {
      this.#fail(error);
      for (const share of shares) this.due(share, false);
    } finally {
      for (const share of shares) share.isReporting = false;
      this.#isProbing = false;
    }
  }

  #settle(share: UserShare, { report, outcome, sentMs }: Answer): void {
    this.#reports[outcome.kind]++;
    switch (outcome.kind) {
      case "lease":
        share.take(outcome.lease, report, sentMs);
        if (share.isHeld) this.#held.add(share);
        break;
      case "stale":
        this.#rejoin();
        break;
      case "unknown":
        share.setUnknown();
    }
  }

  /** Joins again, because another process has this node's name. */
  #rejoin(): void {
    if (this.#isRejoining) return;
    this.#isRejoining = true;
    if (this.#twins.happens()) {
      this.#logger.log(
        "error",
        `fleet: another process is node ${this.#options.node} too, or the ` +
          "node was removed: give each process a --node of its own",
      );
    }
    this.#track(this.#joinAgain(), "fleet: joining again");
  }

  async #joinAgain(): Promise<void> {
    try {
      await pause(this.clock, FLEET_RETRY_MS, this.#stop);
      if (this.#stop.aborted) return;
      this.#incarnation = await this.#reach().join();
      for (const share of this.#shares.values()) share.restart();
    } catch (error) {
      this.#fail(error);
    } finally {
      this.#isRejoining = false;
    }
  }

  /** Reports that users with seats are still connected. */
  #keepSeats(): void {
    const places = [...this.#held].flatMap((share) => share.seated);
    for (const batch of batches(places)) {
      this.#track(this.#keep(batch), "fleet: seats");
    }
  }

  async #keep(places: readonly Place[]): Promise<void> {
    try {
      const kept = await this.#times.of(
        "keep",
        this.#reach().keep(places.map(({ seat }) => seat)),
      );
      for (const [i, place] of places.entries()) {
        place.isSeated = kept[i] === true;
        place.isRefused = !place.isSeated;
        if (place.isSeated && place.visits === 0) this.leave(place.seat);
      }
    } catch (error) {
      this.#fail(error);
    }
  }

  async #follow(
    link: FleetLink,
    host: MemberHost,
    place: Followed,
  ): Promise<void> {
    let { services, position } = place;
    while (!this.#stop.aborted) {
      try {
        const next = await link.changes(position);
        const isOther = host.services().join() !== services.join();
        if (next.isIncomplete || isOther) {
          ({ services, position } = await this.#readAll(link, host));
          continue;
        }
        const changes = next.changes.filter((change) =>
          services.includes(
            change.kind === "put" ? change.user.service : change.service,
          )
        );
        for (const change of changes) {
          host.change(change);
          // The source has removed the user with its totals.
          if (change.kind === "gone") this.#forget(keyOf(change));
        }
        this.#remember((copy) => copy.change(changes));
        position = next.position;
        this.#currentMs = this.clock.monotonicMs();
      } catch (error) {
        this.#fail(error);
        await pause(this.clock, FLEET_RETRY_MS, this.#stop);
      }
    }
  }

  async #readAll(link: FleetLink, host: MemberHost): Promise<Followed> {
    const services = host.services();
    const { users, position } = await link.snapshot(services);
    host.setUsers(users);
    const there = new Set(users.map(keyOf));
    for (const key of this.#shares.keys()) {
      if (!there.has(key)) this.#forget(key);
    }
    this.#copy?.replace(users);
    if (this.#copy !== undefined && !this.#isCopying) {
      this.#track(this.#copyUsers(), "fleet: a copy");
    }
    this.#currentMs = this.clock.monotonicMs();
    return { services, position };
  }

  /**
   * Writes the copy in parts while clients are served. A part that the disk
   * refused is written again.
   */
  async #copyUsers(): Promise<void> {
    this.#isCopying = true;
    try {
      let isMore = true;
      while (isMore && !this.#stop.aborted) {
        const isKept = this.#remember((copy) => {
          isMore = copy.writeSome();
        });
        const delayMs = isKept ? FLEET_COPY_PAUSE_MS : FLEET_RETRY_MS;
        await pause(this.clock, delayMs, this.#stop);
      }
    } finally {
      this.#isCopying = false;
    }
  }

  /** Forgets a removed user. A later user of the same name starts from zero. */
  #forget(key: string): void {
    const share = this.#shares.get(key);
    if (share === undefined) return;
    this.#shares.delete(key);
    this.#due.delete(share);
    this.#urgent.delete(share);
    this.#held.delete(share);
  }

  /**
   * Writes to disk. If that fails, the member continues; what was not written
   * is lost when the process ends.
   *
   * @returns False if it failed.
   */
  #remember(keep: (copy: NodeCopy) => void): boolean {
    if (this.#copy === undefined) return true;
    try {
      keep(this.#copy);
      return true;
    } catch (error) {
      if (!(error instanceof StoreError)) throw error;
      if (this.#forgetting.happens()) {
        this.#logger.log("error", "fleet: cannot keep a copy", {
          code: error.code,
          reason: error.message,
        });
      }
      return false;
    }
  }

  /** Takes note that the source has answered. */
  #heard(sentMs: number, unixMs: number): void {
    const nowMs = this.clock.monotonicMs();
    this.#answerMs = nowMs - sentMs;
    // The fleet's time is written to formats that take only whole numbers.
    this.#offsetMs = Math.round(
      unixMs - (this.clock.unixMs() - this.#answerMs / 2),
    );
    if (this.#answerMs > FLEET_SLOW_MS && this.#slowness.happens()) {
      this.#logger.log("warn", "fleet: the source is slow", {
        ms: Math.round(this.#answerMs),
      });
    }
    const offsetS = this.#offsetMs / 1_000;
    if (Math.abs(offsetS) > FLEET_CLOCK_WARN_S && this.#skew.happens()) {
      this.#logger.log(
        "warn",
        "fleet: this machine's clock is off; set it by NTP",
        { seconds: Math.round(-offsetS) },
      );
    }
    this.#back();
  }

  #back(): void {
    if (!this.#isOut) return;
    this.#isOut = false;
    // Users who connected during the outage have no seats yet.
    this.#refreshedMs = -Infinity;
    // Usage of the outage is reported at once, not at the next long tick.
    for (const share of this.#due) this.#urgent.add(share);
    this.salts.flush();
    this.#logger.log("info", "fleet: the source is back");
  }

  /** Takes note that the source did not answer, or refused. */
  #fail(error: unknown): void {
    if (!isOutage(error)) throw error;
    if (this.#stop.aborted) return;
    this.#reports.failed++;
    if (this.#isOut) return;
    this.#isOut = true;
    this.#tickLater();
    this.#logger.log(
      "error",
      this.#options.replay === "strict"
        ? "fleet: the source does not answer; open connections go on, new " +
          "ones are refused"
        : "fleet: the source does not answer; users are served on",
      { code: error.code, reason: messageOf(error) },
    );
  }

  /** Registers work that disposal waits for. */
  #track(work: Promise<unknown>, what: string): void {
    this.#underway.add(work);
    const done = work.finally(() => this.#underway.delete(work));
    detach(done, what, { logger: this.#logger });
  }
}

/**
 * The services whose users are followed, and the position of the next changes.
 */
interface Followed {
  readonly services: readonly string[];
  readonly position: string;
}

function keyOf(
  { service, name }: { readonly service: string; readonly name: string },
): string {
  return `${service}/${name}`;
}

function isOutage(error: unknown): error is TransportError | StoreError {
  return error instanceof TransportError || error instanceof StoreError;
}

/** A report and its result. */
interface Answer {
  readonly report: UsageReport;
  readonly outcome: ReportOutcome;
  readonly sentMs: number;
}

/** Splits a list into parts that fit in one message each. */
function batches<T>(all: readonly T[]): T[][] {
  return Array.from(
    { length: Math.ceil(all.length / MAX_FLEET_BATCH) },
    (_, i) => all.slice(i * MAX_FLEET_BATCH, (i + 1) * MAX_FLEET_BATCH),
  );
}
