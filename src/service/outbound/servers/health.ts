/**
 * The health of a server, derived from its traffic: if it works, how long
 * connects take, and when to try it again. Pure: events and times are
 * arguments.
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
 * `up`: it works, or was never used. `suspect`: it does not answer, and others
 * are preferred until a probe decides. `down`: it is used only if no other
 * works, and is tried again.
 */
export type HealthState = "up" | "suspect" | "down";

/** The options by which a server is judged. */
export interface HealthOptions {
  /** True if the server may be probed. */
  readonly probes: boolean;
  /** Returns a random number from 0 to 1, 1 excluded; spreads the tries. */
  random(): number;
}

/** The health of one server for TCP. */
export class ServerHealth {
  /** Durations of connects in milliseconds. */
  readonly connects: MovingAverage = new MovingAverage();
  /** Durations of probes in milliseconds. */
  readonly probes: MovingAverage = new MovingAverage();
  /** Results of the last connects and probes. */
  readonly outcomes: Outcomes = new Outcomes();
  /** The code of the last failure; not set if there was none. */
  lastErrorCode: ErrorCode | undefined;
  readonly #options: HealthOptions;
  #state: HealthState = "up";
  #sinceMs = 0;
  #nextTryMs = 0;
  /** Failed tries since it went down. */
  #failures = 0;
  #lastProbeMs = -Infinity;
  /** The target whose silence caused the suspicion. */
  #suspiciousTarget: string | undefined;
  /** Targets that are slow themselves, and until when this is remembered. */
  readonly #slowTargets = new Map<string, number>();
  /** Unanswered connections, counted if the server may not be probed. */
  #silentConnections = 0;
  readonly #silentTargets = new Set<string>();

  /** Starts in the state `up`. */
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
   * The time of the next try while `down`, or of the next probe while
   * `suspect`.
   */
  get nextTryMs(): number {
    return this.#nextTryMs;
  }

  /** Milliseconds for a probe that decides a suspicion. */
  get suspicionTimeoutMs(): number {
    const usual = this.probes.value ?? this.connects.value ?? 0;
    return Math.max(MIN_SUSPICION_MS, SUSPICION_FACTOR * usual);
  }

  /** True if it is down, and one connection should try it now. */
  isDue(nowMs: number): boolean {
    return this.#state === "down" && nowMs >= this.#nextTryMs;
  }

  /** Reports that a connection tries it; others wait for the next time. */
  tried(nowMs: number): void {
    if (this.isDue(nowMs)) this.#wait(nowMs);
  }

  /**
   * Reports a successful connect, which does not prove that the server answers.
   */
  connected(tookMs: number, nowMs: number): void {
    this.connects.add(tookMs, nowMs);
    this.outcomes.add(false);
  }

  /** Reports a failed connect. */
  connectFailed(code: ErrorCode, nowMs: number): void {
    this.#failed(code, nowMs);
  }

  /** Reports that the server sent bytes that prove it knows the key. */
  heard(nowMs: number): void {
    this.#silentConnections = 0;
    this.#silentTargets.clear();
    if (this.#state !== "up") this.#enter("up", nowMs);
    this.#failures = 0;
  }

  /** Reports that a connect was so slow that another server was faster. */
  slow(nowMs: number): void {
    if (this.#state === "up" && this.#options.probes) this.#suspect(nowMs);
  }

  /**
   * Reports that the server has sent nothing, on any connection, since bytes
   * for a target were sent.
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
    // The set stays small: at the limit it is cleared.
    this.#silentTargets.add(target);
    if (
      this.#silentConnections < SILENT_CONNECTIONS &&
      this.#silentTargets.size < SILENT_TARGETS
    ) return;
    this.#silentConnections = 0;
    this.#silentTargets.clear();
    this.#failed("ERR_NET_TIMEOUT", nowMs);
  }

  /** Reports a successful probe. */
  probed(tookMs: number, nowMs: number): void {
    this.#lastProbeMs = nowMs;
    this.probes.add(tookMs, nowMs);
    this.outcomes.add(false);
    if (this.#suspiciousTarget !== undefined) {
      this.#believeSlow(this.#suspiciousTarget, nowMs);
    }
    this.heard(nowMs);
  }

  /** Reports a probe that failed or was not answered. */
  probeFailed(code: ErrorCode, nowMs: number): void {
    this.#lastProbeMs = nowMs;
    this.#failed(code, nowMs);
  }

  /**
   * Shortens the wait to that after one failure, because no other server works.
   */
  resetWait(nowMs: number): void {
    if (this.#state !== "down") return;
    this.#failures = 0;
    this.#wait(nowMs);
  }

  /** Ends every wait: with another network, all may have changed. */
  endWaits(nowMs: number): void {
    this.#failures = 0;
    this.#nextTryMs = Math.min(this.#nextTryMs, nowMs);
    this.#lastProbeMs = -Infinity;
    this.#slowTargets.clear();
    this.#silentConnections = 0;
    this.#silentTargets.clear();
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
