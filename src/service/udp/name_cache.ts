/**
 * Addresses of names that datagrams are sent to: each packet names its target
 * again, and none may wait for another one's look-up.
 *
 * @module
 */
import { Deadline } from "../../clock.ts";
import { parseIp } from "../../codec/ip_address.ts";
import { PolicyError } from "../../errors.ts";
import {
  CONNECT_TIMEOUT_MS,
  MAX_CACHED_NAMES,
  MAX_LOOKUPS,
  NAME_FAILURE_TTL_MS,
  NAME_TTL_MS,
} from "../../limits.ts";
import type { Dependencies } from "../service.ts";

type World = Pick<Required<Dependencies>, "transport" | "clock">;

interface Entry {
  readonly ips: Promise<readonly string[]>;
  /** What became of it; empty when it failed. */
  known?: readonly string[];
  /** Infinite while it is looked up. */
  untilMs: number;
}

/** Bounded; the name that was asked for first is forgotten first. */
export class NameCache {
  readonly #world: World;
  readonly #entries = new Map<string, Entry>();
  #lookups = 0;

  /** Starts empty. */
  constructor(world: World) {
    this.#world = world;
  }

  /**
   * The addresses of a host, at once when it is an address or known.
   *
   * @throws {TransportError} `ERR_NET_NAME_…`, `ERR_NET_TIMEOUT`; also for a
   * short while after a look-up failed so.
   * @throws {PolicyError} `ERR_POLICY_LIMIT` when too many are looked up.
   */
  resolve(host: string): Promise<readonly string[]> {
    if (parseIp(host) !== undefined) return Promise.resolve([host]);
    const key = host.toLowerCase();
    const known = this.#entries.get(key);
    if (known !== undefined && known.untilMs > this.#nowMs()) return known.ips;
    if (this.#lookups >= MAX_LOOKUPS) {
      return Promise.reject(
        new PolicyError("ERR_POLICY_LIMIT", "Too many names are looked up"),
      );
    }
    const entry: Entry = { ips: this.#lookUp(key), untilMs: Infinity };
    this.#keep(key, entry);
    entry.ips.then(
      (ips) => {
        entry.known = ips;
        entry.untilMs = this.#nowMs() + NAME_TTL_MS;
      },
      // Whoever waits for the addresses hears of it.
      () => {
        entry.known = [];
        entry.untilMs = this.#nowMs() + NAME_FAILURE_TTL_MS;
      },
    );
    return entry.ips;
  }

  /**
   * The addresses of a name as far as they are known, without a look-up; none
   * after one that failed.
   */
  known(host: string): readonly string[] | undefined {
    const entry = this.#entries.get(host.toLowerCase());
    return entry !== undefined && entry.untilMs > this.#nowMs()
      ? entry.known
      : undefined;
  }

  async #lookUp(host: string): Promise<readonly string[]> {
    const { transport, clock } = this.#world;
    using deadline = new Deadline(clock, CONNECT_TIMEOUT_MS, "ERR_NET_TIMEOUT");
    this.#lookups++;
    try {
      return await transport.resolve(host, { signal: deadline.signal });
    } finally {
      this.#lookups--;
    }
  }

  #keep(key: string, entry: Entry): void {
    this.#entries.delete(key);
    if (this.#entries.size >= MAX_CACHED_NAMES) {
      const [oldest] = this.#entries.keys();
      this.#entries.delete(oldest!);
    }
    this.#entries.set(key, entry);
  }

  #nowMs(): number {
    return this.#world.clock.monotonicMs();
  }
}
