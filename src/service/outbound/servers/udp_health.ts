/**
 * The health of a server for UDP, derived from its datagrams. It is suspected
 * if many datagrams, of several flows, have no answer at all. Pure.
 *
 * @module
 */
import {
  MAX_SERVER_RETRY_MS,
  SILENT_DATAGRAMS,
  SILENT_FLOWS,
  UDP_FLOW_GRACE_MS,
  UDP_RETRY_MS,
  UDP_SILENCE_MS,
} from "../../../limits.ts";
import type { HealthState } from "./health.ts";

/** The health of one server for UDP: `up` or `suspect`. */
export class UdpHealth {
  #state: HealthState = "up";
  #sinceMs = 0;
  #nextTryMs = 0;
  #failures = 0;
  /** Datagrams since the last answer. */
  #datagrams = 0;
  #firstMs = 0;
  #flows = 0;
  /**
   * The number of answers so far, so that a flow is counted once between two.
   */
  #turn = 0;

  /** True if new flows may use the server at this time. */
  isUsable(nowMs: number): boolean {
    return this.#state === "up" || nowMs >= this.#nextTryMs;
  }

  /**
   * Reports that a flow tries it while it is suspect; others wait for the next
   * time.
   */
  tried(nowMs: number): void {
    if (this.#state !== "up" && this.isUsable(nowMs)) this.#wait(nowMs);
  }

  /**
   * True if an existing flow should move.
   *
   * @param beganMs The start of the flow.
   */
  isLost(beganMs: number, nowMs: number): boolean {
    const sinceMs = Math.max(beganMs, this.#sinceMs);
    return this.#state !== "up" && nowMs - sinceMs >= UDP_FLOW_GRACE_MS;
  }

  /** See {@link HealthState}. */
  get state(): HealthState {
    return this.#state;
  }

  /** The start of the state, on the monotonic clock. */
  get sinceMs(): number {
    return this.#sinceMs;
  }

  /** The time from which it may be used again, if it is not `up`. */
  get nextTryMs(): number {
    return this.#nextTryMs;
  }

  /**
   * Reports a sent datagram.
   *
   * @param countedAt The result of this call for the flow's previous datagram;
   * -1 for the first.
   * @param streamsWork True if TCP to the same server works.
   * @returns The value to pass for the flow's next datagram.
   */
  sent(countedAt: number, streamsWork: boolean, nowMs: number): number {
    if (this.#datagrams++ === 0) {
      this.#firstMs = nowMs;
      this.#flows = 0;
    }
    if (countedAt !== this.#turn) this.#flows++;
    const isSilent = this.#datagrams >= SILENT_DATAGRAMS &&
      this.#flows >= SILENT_FLOWS &&
      nowMs - this.#firstMs >= UDP_SILENCE_MS;
    if (isSilent && streamsWork && this.#state === "up") this.#suspect(nowMs);
    return this.#turn;
  }

  /** Reports a valid datagram of the server. */
  heard(nowMs: number): void {
    this.#forget();
    this.#failures = 0;
    if (this.#state === "up") return;
    this.#state = "up";
    this.#sinceMs = nowMs;
  }

  /** Ends the wait: with another network, it may answer. */
  endWait(nowMs: number): void {
    this.#forget();
    this.#failures = 0;
    this.#nextTryMs = Math.min(this.#nextTryMs, nowMs);
  }

  #suspect(nowMs: number): void {
    this.#forget();
    this.#sinceMs = nowMs;
    this.#state = "suspect";
    this.#wait(nowMs);
  }

  #wait(nowMs: number): void {
    const waitMs = UDP_RETRY_MS * 2 ** this.#failures++;
    this.#nextTryMs = nowMs + Math.min(waitMs, MAX_SERVER_RETRY_MS);
  }

  #forget(): void {
    this.#datagrams = 0;
    this.#turn++;
  }
}
