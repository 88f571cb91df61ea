/**
 * One server of a group: its outbound, its health and its probes.
 *
 * @module
 */
import type { StopSignal } from "../../../on_abort.ts";
import { unixMsAt } from "../../../clock.ts";
import { type Address, formatAddress } from "../../../codec/address.ts";
import { codeOf, detach } from "../../../defect.ts";
import { DialTimes } from "../../../dial_times.ts";
import { type ErrorCode, UmbraError } from "../../../errors.ts";
import {
  MAX_RACE_DELAY_MS,
  MIN_RACE_DELAY_MS,
  RACE_FACTOR,
} from "../../../limits.ts";
import { silentLogger, silentMetrics } from "../../../observe.ts";
import type { RosterEntry } from "../../../roster.ts";
import type { Channel } from "../../../streams/channel.ts";
import type { Dependencies } from "../../service.ts";
import type { PacketChannel } from "../outbound.ts";
import { Shadowsocks, type UpstreamServer } from "../shadowsocks.ts";
import { type HealthState, ServerHealth } from "./health.ts";
import type { GroupOptions } from "./options.ts";
import type { Candidate } from "./policies/policy.ts";
import { probe } from "./probe.ts";
import type {
  GroupServerStatus,
  HealthStatus,
  SwitchReason,
} from "./server_status.ts";
import { type Expectation, Silence } from "./silence.ts";
import { UdpHealth } from "./udp_health.ts";
import type { StreamWatch } from "./watched_session.ts";

/** What a server needs of its group. */
export interface GroupServerOptions
  extends Pick<GroupOptions, "probe" | "probeTarget" | "probeTimeoutMs"> {
  /** The name, see `UpstreamServer.name`; unique within the group. */
  readonly name: string;
  /** Milliseconds to resolve and connect to it. */
  readonly connectTimeoutMs: number;
  /** Returns a random number from 0 to 1, 1 excluded. */
  random(): number;
  /** True if the group's limit allows another probe now. */
  mayProbe(): boolean;
  /** Called when the state for TCP has changed. */
  changed(server: GroupServer, before: HealthState, silentMs: number): void;
}

/** One server. */
export class GroupServer implements Candidate {
  /** The server as configured. */
  readonly server: UpstreamServer;
  /** See {@link Candidate.name}. */
  readonly name: string;
  /** The health of TCP. */
  readonly health: ServerHealth;
  /** The health of UDP. */
  readonly udp: UdpHealth = new UdpHealth();
  /** True if the operator has disabled it. */
  disabled = false;
  /** Share for TCP; with 0 it is not used. */
  tcpWeight: number;
  /** Share for UDP; with 0 it is not used. */
  udpWeight: number;
  /** True if the group has other servers. */
  hasOthers = false;
  readonly #options: GroupServerOptions;
  readonly #world: Required<Dependencies>;
  readonly #outbound: Shadowsocks;
  readonly #prober: Shadowsocks;
  readonly #silence: Silence;
  readonly #stopped = new AbortController();
  readonly #connectTimes = new DialTimes();
  readonly #results = new Map<string, number>();
  readonly #probeResults = new Map<string, number>();
  readonly #switches = new Map<SwitchReason, number>();
  #probing: Promise<boolean> | undefined;
  #cancelProbe: (() => void) | undefined;
  /** Streams, and clients that send datagrams, plus 1 until it is stopped. */
  #uses = 1;
  readonly #leavePlugin: () => void;
  #open = 0;
  #bytesUp = 0;
  #bytesDown = 0;

  /** Makes a server, which connects when it is used. */
  constructor(
    server: UpstreamServer,
    options: GroupServerOptions,
    world: Required<Dependencies>,
  ) {
    this.server = server;
    this.name = options.name;
    this.tcpWeight = server.tcpWeight ?? 1;
    this.udpWeight = server.udpWeight ?? 1;
    this.#options = options;
    this.#world = world;
    const { clock } = world;
    server.running?.hold();
    this.#leavePlugin = server.running?.onReady(() => {
      if (this.health.lastErrorCode !== "ERR_NET_PLUGIN") return;
      this.resetWait(clock.monotonicMs());
    }) ?? (() => {});
    this.health = new ServerHealth({
      probes: options.probe !== "never",
      random: options.random,
    });
    this.#silence = new Silence(
      clock,
      (target) => this.#learn((now) => this.health.silent(target, now)),
    );
    const { connectTimeoutMs } = options;
    this.#outbound = new Shadowsocks(
      server,
      connectTimeoutMs,
      world,
      (target) => this.#watch(formatAddress(target)),
    );
    // Probes are not counted as traffic of users.
    this.#prober = new Shadowsocks(server, connectTimeoutMs, {
      ...world,
      logger: silentLogger,
      metrics: silentMetrics,
    });
  }

  /** The weight for TCP; see {@link Candidate.weight}. */
  get weight(): number {
    return this.tcpWeight;
  }

  /** See {@link Candidate.connects}. */
  get connects(): ServerHealth["connects"] {
    return this.health.connects;
  }

  /** See {@link Candidate.probes}. */
  get probes(): ServerHealth["probes"] {
    return this.health.probes;
  }

  /** See {@link Candidate.outcomes}. */
  get outcomes(): ServerHealth["outcomes"] {
    return this.health.outcomes;
  }

  /** True unless the server has a plugin that does not listen. */
  get isReady(): boolean {
    return this.server.running?.isReady ?? true;
  }

  /** Milliseconds a connect may take before another server is tried as well. */
  get patienceMs(): number {
    const usualMs = this.connects.value ?? 0;
    return Math.min(
      MAX_RACE_DELAY_MS,
      Math.max(MIN_RACE_DELAY_MS, RACE_FACTOR * usualMs),
    );
  }

  /**
   * Opens a stream.
   *
   * @throws {UmbraError} If it cannot be opened. The failure is recorded unless
   * the signal was aborted.
   */
  open(
    target: Address,
    first: Uint8Array,
    signal: StopSignal,
  ): Promise<Channel> {
    const { clock } = this.#world;
    const startMs = clock.monotonicMs();
    this.health.tried(startMs);
    return this.#outbound.open(target, first, signal).then((channel) => {
      channel.server = this.name;
      const tookMs = clock.monotonicMs() - startMs;
      this.#connectTimes.add(tookMs);
      count(this.#results, "ok");
      this.#learn((now) => this.health.connected(tookMs, now));
      return channel;
    }, (error) => {
      if (signal.aborted || !(error instanceof UmbraError)) throw error;
      count(this.#results, error.code);
      if (!OUR_OWN_FAULTS.has(error.code)) {
        this.#learn((now) => this.health.connectFailed(error.code, now));
      }
      throw error;
    });
  }

  /** Reports that another server connected faster. */
  lost(): void {
    this.#learn((now) => this.health.slow(now));
  }

  /**
   * Makes a channel for the datagrams of one client.
   *
   * @param isLost True if flows of this server should move.
   */
  packets(isLost: () => boolean): PacketChannel {
    const { clock } = this.#world;
    const channel = this.#outbound.packets();
    let isFree = false;
    this.#uses++;
    let countedAt = -1;
    return {
      policy: channel.policy,
      seal: (packet) => {
        const out = channel.seal(packet);
        this.#bytesUp += packet.payload.length;
        const streamsWork = this.health.state === "up";
        countedAt = this.udp.sent(countedAt, streamsWork, clock.monotonicMs());
        return out;
      },
      open: (datagram) => {
        const packet = channel.open(datagram);
        this.#bytesDown += packet.payload.length;
        this.udp.heard(clock.monotonicMs());
        return packet;
      },
      get isLost(): boolean {
        return isLost();
      },
      ...channel.bind && { bind: channel.bind },
      free: () => {
        channel.free();
        if (!isFree) this.#unused();
        isFree = true;
      },
    };
  }

  /** Reports that it has replaced another server. */
  switchedTo(reason: SwitchReason): void {
    count(this.#switches, reason);
  }

  /**
   * Probes the server.
   *
   * @param timeoutMs Milliseconds for the probe.
   * @returns True if it was answered.
   */
  probe(timeoutMs: number = this.#options.probeTimeoutMs): Promise<boolean> {
    this.#cancelProbe?.();
    this.#cancelProbe = undefined;
    this.#probing ??= this.#probe(timeoutMs).finally(() => {
      this.#probing = undefined;
      this.#planProbe(BUSY_MS);
    });
    return this.#probing;
  }

  /** True if a probe is running. */
  get isProbing(): boolean {
    return this.#probing !== undefined;
  }

  /** Lets the server be tried again soon, because no other works either. */
  resetWait(nowMs: number): void {
    this.health.resetWait(nowMs);
    this.#planProbe();
  }

  /** Lets the server be tried at once, because the network has changed. */
  endWaits(nowMs: number): void {
    this.health.endWaits(nowMs);
    this.udp.endWait(nowMs);
    this.#planProbe();
  }

  /** Stops watching and probing. Open streams stay. */
  stop(): void {
    if (!this.#stopped.signal.aborted) this.#unused();
    this.#stopped.abort();
    this.#leavePlugin();
    this.#cancelProbe?.();
    this.#silence.stop();
  }

  /** Returns the status of the server. */
  status(selected: boolean, pinned: boolean): GroupServerStatus {
    const { health, udp, tcpWeight, udpWeight, disabled } = this;
    const { value: connectMs } = this.connects;
    const { value: probeMs } = this.probes;
    const { lastErrorCode } = health;
    return {
      name: this.name,
      address: formatAddress(this.server.endpoint),
      method: this.server.method.name,
      tcpWeight,
      udpWeight,
      tcp: {
        ...this.#state(health, tcpWeight),
        failureRate: this.outcomes.failureRate,
        ...connectMs !== undefined && { connectMs },
        ...probeMs !== undefined && { probeMs },
        ...lastErrorCode !== undefined && { lastErrorCode },
      },
      udp: { ...this.#state(udp, udpWeight), failureRate: 0 },
      selected,
      pinned,
      disabled,
      open: this.#open,
      bytesUp: this.#bytesUp,
      bytesDown: this.#bytesDown,
      connects: this.#connectTimes.snapshot,
      results: Object.fromEntries(this.#results),
      probes: Object.fromEntries(this.#probeResults),
      switches: Object.fromEntries(this.#switches),
    };
  }

  #state(
    { state, sinceMs, nextTryMs }: ServerHealth | UdpHealth,
    weight: number,
  ): Pick<HealthStatus, "state" | "sinceUnixMs" | "nextTryUnixMs"> {
    const { clock } = this.#world;
    const isOff = this.disabled || weight === 0;
    return {
      state: isOff ? "disabled" : state,
      sinceUnixMs: Math.round(unixMsAt(clock, sinceMs)),
      ...!isOff && state !== "up" && this.hasOthers &&
        { nextTryUnixMs: Math.round(unixMsAt(clock, nextTryMs)) },
    };
  }

  /** Applies an event to the health, and reacts to a change of state. */
  #learn(event: (nowMs: number) => void): void {
    const { state: before, sinceMs } = this.health;
    const nowMs = this.#world.clock.monotonicMs();
    event(nowMs);
    const { state } = this.health;
    if (state === before || this.#stopped.signal.aborted) return;
    const silentMs = before === "suspect" ? nowMs - sinceMs : 0;
    this.#options.changed(this, before, silentMs);
    this.#planProbe();
  }

  /** Releases the server when its last user has left. */
  #unused(): void {
    this.#uses--;
    if (this.#uses === 0) this.server.running?.release();
  }

  #watch(target: string): StreamWatch {
    let expectation: RosterEntry<Expectation> | undefined;
    let wasAnswered = true;
    this.#open++;
    this.#uses++;
    const watch: StreamWatch = {
      sent: (bytes) => {
        this.#bytesUp += bytes;
        // Only the first of several writes in a row starts the wait.
        if (!wasAnswered || this.#stopped.signal.aborted) return;
        wasAnswered = false;
        expectation = this.#silence.expect(target);
      },
      received: (bytes) => {
        this.#bytesDown += bytes;
        this.#silence.heard();
        wasAnswered = true;
        expectation?.remove();
        if (this.health.state !== "up") {
          this.#learn((now) => this.health.heard(now));
        }
      },
      ended: () => {
        expectation?.remove();
      },
      closed: () => {
        watch.ended();
        this.#open--;
        this.#unused();
      },
    };
    return watch;
  }

  /**
   * Schedules the next probe, if the state needs one.
   *
   * @param leastMs The least milliseconds until then.
   */
  #planProbe(leastMs = 0): void {
    this.#cancelProbe?.();
    this.#cancelProbe = undefined;
    const { health } = this;
    // If there is no other server, traffic shows when it works again.
    const isAsked = this.hasOthers
      ? health.state !== "up"
      : health.state === "suspect";
    const isWanted = isAsked && !this.disabled && this.tcpWeight > 0 &&
      this.#options.probe !== "never" &&
      this.#probing === undefined && !this.#stopped.signal.aborted;
    if (!isWanted) return;
    const { clock } = this.#world;
    const delayMs = Math.max(leastMs, health.nextTryMs - clock.monotonicMs());
    if (delayMs <= 0) return this.#probeBecause();
    this.#cancelProbe = clock.schedule(() => this.#probeBecause(), delayMs);
  }

  #probeBecause(): void {
    this.#cancelProbe = undefined;
    const { health } = this;
    if (health.state === "up") return;
    if (!this.#options.mayProbe()) {
      this.#cancelProbe = this.#world.clock.schedule(
        () => this.#probeBecause(),
        BUSY_MS,
      );
      return;
    }
    const { probeTimeoutMs } = this.#options;
    const timeoutMs = health.state === "suspect"
      ? Math.min(health.suspicionTimeoutMs, probeTimeoutMs)
      : probeTimeoutMs;
    detach(this.probe(timeoutMs), "probe", this.#world);
  }

  async #probe(timeoutMs: number): Promise<boolean> {
    const { clock } = this.#world;
    try {
      const tookMs = await probe(this.#prober, {
        target: this.#options.probeTarget,
        timeoutMs,
        clock,
        signal: this.#stopped.signal,
      });
      count(this.#probeResults, "ok");
      this.#learn((now) => this.health.probed(tookMs, now));
      return true;
    } catch (error) {
      if (this.#stopped.signal.aborted) return false;
      if (!(error instanceof UmbraError)) throw error;
      const code = codeOf(error);
      count(this.#probeResults, code);
      this.#world.logger.log("debug", "probe failed", {
        server: this.name,
        code,
      });
      if (!OUR_OWN_FAULTS.has(code)) {
        this.#learn((now) => this.health.probeFailed(code, now));
      }
      return false;
    }
  }
}

/**
 * Milliseconds between two probes, and between two tries at the limit of
 * probes.
 */
const BUSY_MS = 1_000;

/** Codes that say nothing about the server. */
const OUR_OWN_FAULTS: ReadonlySet<ErrorCode> = new Set(
  [
    "ERR_NET_DESCRIPTORS",
    "ERR_NET_ABORTED",
    "ERR_NET_PERMISSION",
    "ERR_POLICY_LIMIT",
  ] as const,
);

function count<K>(counts: Map<K, number>, key: K): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}
