/**
 * The names that addresses were answers for. A program that resolves names
 * itself connects to an address; with this table, rules on names apply to it.
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
import { putNewest } from "../../recently_used.ts";

interface Entry {
  readonly name: string;
  readonly untilMs: number;
}

/**
 * A bounded table; the address that was recorded first is dropped first. If
 * several names share an address, the latest one is used.
 */
export class ReverseNames {
  readonly #clock: Clock;
  readonly #entries = new Map<string, Entry>();

  /**
   * Makes an empty table.
   *
   * @param clock Measures how long a name is remembered.
   */
  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Recorded addresses, including expired ones. */
  get size(): number {
    return this.#entries.size;
  }

  /** Records the addresses of a name. */
  remember(name: string, { addresses, ttlSeconds }: DnsAddresses): void {
    const seconds = Math.min(ttlSeconds, MAX_ANSWER_TTL_S) +
      REVERSE_NAME_GRACE_S;
    const untilMs = this.#clock.monotonicMs() + seconds * 1_000;
    for (const address of addresses) {
      const key = formatIp(unmapIpv4(address));
      putNewest(this.#entries, key, { name, untilMs }, MAX_REVERSE_NAMES);
    }
  }

  /** Returns the name of an address of 4 or 16 bytes, unless it has expired. */
  nameOf(address: Uint8Array): string | undefined {
    const key = formatIp(unmapIpv4(address));
    const entry = this.#entries.get(key);
    if (entry === undefined) return undefined;
    if (entry.untilMs > this.#clock.monotonicMs()) return entry.name;
    this.#entries.delete(key);
    return undefined;
  }
}
