/**
 * What is known of a server from the traffic it carries: whether it works, how
 * long connects take, when to try it again. Pure: events and times come in,
 * decisions are read.
 *
 * @module
 */
import type { ErrorCode } from "../../../errors.ts";
import {
  MAX_SERVER_RETRY_MS,
  MAX_SLOW_TARGETS,
  MIN_SUSPICION_MS,
  SERVER_RETRY_JITTER,
  SERVER_RETRY_MS,
  SILENT_CONNECTIONS,
  SILENT_TARGETS,
  SLOW_TARGET_MS,
  SUSPICION_FACTOR,
  SUSPICION_INTERVAL_MS,
} from "../../../limits.ts";
import { MovingAverage, Outcomes } from "./samples.ts";

/**
 * `up`: works, or was never used. `suspect`: silent, and others are preferred
 * until that is clear. `down`: used where no other works, and tried again.
 */
export type HealthState = "up" | "suspect" | "down";

/** The rules by which a server is judged. */
export interface HealthOptions {
  /** True if a probe can tell what a silence means. */
  readonly probes: boolean;
  /** A number from 0 to 1, 1 excluded; spreads the tries. */
  random(): number;
}

/** The health of one server for TCP. */
export class ServerHealth {
  /** Milliseconds that connects take. */
  readonly connects: MovingAverage = new MovingAverage();
  /** Milliseconds that probes take. */
  readonly probes: MovingAverage = new MovingAverage();
  /** The last connects and probes. */
  readonly outcomes: Outcomes = new Outcomes();
  /** Why the last of them failed; not set: none has. */
  lastErrorCode: ErrorCode | undefined;
  readonly #options: HealthOptions;
  #state: HealthState = "up";
  #sinceMs = 0;
  #nextTryMs = 0;
  /** Tries in vain since it went down. */
  #failures = 0;
  #lastProbeMs = -Infinity;
  /** The target whose silence made it suspect. */
  #suspiciousTarget: string | undefined;
  /** Targets that are slow themselves, and until when that is believed. */
  readonly #slowTargets = new Map<string, number>();
  /** Silence that no probe explains. */
  #silentConnections = 0;
  readonly #silentTargets = new Set<string>();

  /** Begins `up`. */
  constructor(options: HealthOptions) {
    this.#options = options;
  }

  /** See {@link HealthState}. */
  get state(): HealthState {
    return this.#state;
  }

  /** The start of the state, on the monotonic clock. */
  get sinceMs(): number {
    return this.#sinceMs;
  }

  /**
   * The time of the next try while it is `down`, or of a probe as `suspect`.
   */
  get nextTryMs(): number {
    return this.#nextTryMs;
  }

  /** Milliseconds a probe may take that is to clear a suspicion. */
  get suspicionTimeoutMs(): number {
    const usual = this.probes.value ?? this.connects.value ?? 0;
    return Math.max(MIN_SUSPICION_MS, SUSPICION_FACTOR * usual);
  }

  /** True if it is down, and it is time for one connection to try it. */
  isDue(nowMs: number): boolean {
    return this.#state === "down" && nowMs >= this.#nextTryMs;
  }

  /** A connection tries it although it is down; others wait for the result. */
  tried(nowMs: number): void {
    if (this.isDue(nowMs)) this.#wait(nowMs);
  }

  /** A connect succeeded. That the server answers is another matter. */
  connected(tookMs: number, nowMs: number): void {
    this.connects.add(tookMs, nowMs);
    this.outcomes.add(false);
  }

  /** A connect failed. */
  connectFailed(code: ErrorCode, nowMs: number): void {
    this.#failed(code, nowMs);
  }

  /** The server proved that it knows the key. */
  heard(nowMs: number): void {
    this.#silentConnections = 0;
    this.#silentTargets.clear();
    if (this.#state !== "up") this.#enter("up", nowMs);
    this.#failures = 0;
  }

  /** A connect took so long that another server won the race. */
  slow(nowMs: number): void {
    if (this.#state === "up" && this.#options.probes) this.#suspect(nowMs);
  }

  /**
   * Something was sent for a target, and the server has said nothing since, on
   * any connection.
   */
  silent(target: string, nowMs: number): void {
    if (this.#state !== "up") return;
    if (this.#options.probes) {
      if ((this.#slowTargets.get(target) ?? 0) > nowMs) return;
      this.#suspiciousTarget = target;
      this.#suspect(nowMs);
      return;
    }
    this.#silentConnections++;
    // As many as decide, no more.
    this.#silentTargets.add(target);
    if (
      this.#silentConnections < SILENT_CONNECTIONS &&
      this.#silentTargets.size < SILENT_TARGETS
    ) return;
    this.#silentConnections = 0;
    this.#silentTargets.clear();
    this.#failed("ERR_NET_TIMEOUT", nowMs);
  }

  /** A probe was answered. */
  probed(tookMs: number, nowMs: number): void {
    this.#lastProbeMs = nowMs;
    this.probes.add(tookMs, nowMs);
    this.outcomes.add(false);
    if (this.#suspiciousTarget !== undefined) {
      this.#believeSlow(this.#suspiciousTarget, nowMs);
    }
    this.heard(nowMs);
  }

  /** A probe failed, or met silence. */
  probeFailed(code: ErrorCode, nowMs: number): void {
    this.#lastProbeMs = nowMs;
    this.#failed(code, nowMs);
  }

  /** It is tried again as if it had failed once: everything else is down too. */
  resetWait(nowMs: number): void {
    if (this.#state !== "down") return;
    this.#failures = 0;
    this.#wait(nowMs);
  }

  #failed(code: ErrorCode, nowMs: number): void {
    this.lastErrorCode = code;
    this.outcomes.add(true);
    if (this.#state !== "down") {
      this.#enter("down", nowMs);
      this.#wait(nowMs);
    } else if (nowMs >= this.#nextTryMs) this.#wait(nowMs);
  }

  #suspect(nowMs: number): void {
    this.#enter("suspect", nowMs);
    this.#nextTryMs = Math.max(
      nowMs,
      this.#lastProbeMs + SUSPICION_INTERVAL_MS,
    );
  }

  #enter(state: HealthState, nowMs: number): void {
    this.#state = state;
    this.#sinceMs = nowMs;
    if (state === "up") this.#suspiciousTarget = undefined;
  }

  #wait(nowMs: number): void {
    const waitMs = Math.min(
      MAX_SERVER_RETRY_MS,
      SERVER_RETRY_MS * 2 ** this.#failures,
    );
    const spread = 1 + SERVER_RETRY_JITTER * (2 * this.#options.random() - 1);
    this.#failures++;
    this.#nextTryMs = nowMs + waitMs * spread;
  }

  #believeSlow(target: string, nowMs: number): void {
    this.#slowTargets.delete(target);
    this.#slowTargets.set(target, nowMs + SLOW_TARGET_MS);
    if (this.#slowTargets.size <= MAX_SLOW_TARGETS) return;
    const [oldest] = this.#slowTargets.keys();
    this.#slowTargets.delete(oldest!);
  }
}
