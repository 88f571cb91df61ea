/**
 * The names that addresses were answers for: a program that asks DNS itself
 * connects to an address, and rules on names shall hold for it all the same.
 *
 * @module
 */
import type { Clock } from "../../clock.ts";
import { formatIp, unmapIpv4 } from "../../codec/ip_address.ts";
import type { DnsAddresses } from "../../codec/dns_records.ts";
import {
  MAX_ANSWER_TTL_S,
  MAX_REVERSE_NAMES,
  REVERSE_NAME_GRACE_S,
} from "../../limits.ts";

interface Entry {
  readonly name: string;
  readonly untilMs: number;
}

/**
 * Bounded; the address that was answered first is forgotten first. Where names
 * share an address, the one that was asked for last counts.
 */
export class ReverseNames {
  readonly #clock: Clock;
  readonly #entries = new Map<string, Entry>();

  /**
   * Remembers nothing yet.
   *
   * @param clock Measures how long a name is remembered.
   */
  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Addresses, those whose time is over included. */
  get size(): number {
    return this.#entries.size;
  }

  /** Takes note of what a name resolves to. */
  remember(name: string, { addresses, ttlSeconds }: DnsAddresses): void {
    const seconds = Math.min(ttlSeconds, MAX_ANSWER_TTL_S) +
      REVERSE_NAME_GRACE_S;
    const untilMs = this.#clock.monotonicMs() + seconds * 1_000;
    for (const address of addresses) {
      const key = formatIp(unmapIpv4(address));
      this.#entries.delete(key);
      if (this.#entries.size >= MAX_REVERSE_NAMES) {
        const [oldest] = this.#entries.keys();
        this.#entries.delete(oldest!);
      }
      this.#entries.set(key, { name, untilMs });
    }
  }

  /** The name of an address, 4 or 16 bytes, while that is remembered. */
  nameOf(address: Uint8Array): string | undefined {
    const key = formatIp(unmapIpv4(address));
    const entry = this.#entries.get(key);
    if (entry === undefined) return undefined;
    if (entry.untilMs > this.#clock.monotonicMs()) return entry.name;
    this.#entries.delete(key);
    return undefined;
  }
}
