/**
 * Addresses of names that datagrams are sent to. Each packet contains its
 * target again, and must not wait for the look-up of another packet.
 *
 * The addresses of a name may change while datagrams are sent (DDNS). A name in
 * use is therefore looked up every few seconds, while the known addresses are
 * still used. Only a name that was not used for longer is waited for.
 *
 * @module
 */
import { type Clock, Deadline } from "../../clock.ts";
import { parseIp } from "../../codec/ip_address.ts";
import { PolicyError, TransportError } from "../../errors.ts";
import {
  CONNECT_TIMEOUT_MS,
  MAX_CACHED_NAMES,
  MAX_LOOKUPS,
  NAME_FAILURE_TTL_MS,
  NAME_REFRESH_MS,
  NAME_STALE_MS,
  NAME_TTL_MS,
} from "../../limits.ts";
import type { Transport } from "../../transport.ts";
import { putNewest } from "../../recently_used.ts";

/** The resolver and the clock. */
interface World {
  readonly transport: Pick<Transport, "resolve">;
  readonly clock: Clock;
}

type Addresses = readonly string[];

/** One name. */
interface Entry {
  /** The addresses of the last look-up that found any. */
  ips: Addresses | undefined;
  /** The time when they were found. */
  foundMs: number;
  /** The error of the last failed look-up. */
  failure: unknown;
  /** The time of the last failure. */
  failedMs: number;
  /** The pending look-up. */
  lookup: Promise<Addresses> | undefined;
}

/** A bounded cache; the name that was looked up first is dropped first. */
export class NameCache {
  readonly #world: World;
  readonly #entries = new Map<string, Entry>();
  #lookups = 0;

  /** Makes an empty cache. */
  constructor(world: World) {
    this.#world = world;
  }

  /**
   * Returns the addresses of a host.
   *
   * @param looks Called if a look-up starts.
   * @throws {TransportError} `ERR_NET_NAME_…`, `ERR_NET_TIMEOUT`; also for a
   * short while after a failed look-up.
   * @throws {PolicyError} `ERR_POLICY_LIMIT` if too many names are being looked
   * up.
   */
  resolve(host: string, looks?: () => void): Promise<Addresses> {
    return Promise.resolve(this.find(host, looks));
  }

  /**
   * Works like {@link NameCache.resolve}, but returns no promise if the host is
   * an address or is known.
   */
  find(host: string, looks?: () => void): Addresses | Promise<Addresses> {
    if (parseIp(host) !== undefined) return [host];
    const key = host.toLowerCase();
    const entry = this.#entries.get(key) ?? newEntry();
    const ageMs = this.#nowMs() - entry.foundMs;
    const known = ageMs < NAME_STALE_MS ? entry.ips : undefined;
    if (known !== undefined) {
      const fresh = ageMs < NAME_REFRESH_MS;
      if (fresh || entry.lookup !== undefined) return known;
    }
    const failure = entry.lookup ? undefined : this.#refresh(key, entry, looks);
    if (known !== undefined && (failure || ageMs < NAME_TTL_MS)) return known;
    return entry.lookup ?? Promise.reject(failure);
  }

  /**
   * Returns the known addresses of a name without a look-up; an empty list
   * shortly after a failed one.
   */
  known(host: string): Addresses | undefined {
    const entry = this.#entries.get(host.toLowerCase());
    if (entry === undefined) return undefined;
    const { ips, foundMs, failedMs } = entry;
    const nowMs = this.#nowMs();
    if (ips !== undefined && nowMs - foundMs < NAME_TTL_MS) return ips;
    return nowMs - failedMs < NAME_FAILURE_TTL_MS ? ips ?? [] : undefined;
  }

  /**
   * Starts a look-up.
   *
   * @returns The reason if it is not started.
   */
  #refresh(key: string, entry: Entry, looks?: () => void): unknown {
    if (this.#nowMs() - entry.failedMs < NAME_FAILURE_TTL_MS) {
      return entry.failure;
    }
    if (this.#lookups >= MAX_LOOKUPS) {
      return new PolicyError(
        "ERR_POLICY_LIMIT",
        "Too many pending name look-ups",
      );
    }
    this.#keep(key, entry);
    looks?.();
    const ended = (): void => {
      entry.lookup = undefined;
    };
    entry.lookup = this.#lookUp(key, entry);
    entry.lookup.then(ended, ended);
    return undefined;
  }

  /** @throws {TransportError} If no addresses are known either. */
  async #lookUp(host: string, entry: Entry): Promise<Addresses> {
    const { transport, clock } = this.#world;
    using deadline = new Deadline(clock, { delayMs: CONNECT_TIMEOUT_MS });
    this.#lookups++;
    try {
      entry.ips = await transport.resolve(host, { signal: deadline.signal });
      entry.foundMs = this.#nowMs();
      return entry.ips;
    } catch (error) {
      entry.failure = error;
      entry.failedMs = this.#nowMs();
      // This failure is an answer: the name has no addresses any more.
      if (isNotFound(error)) entry.ips = undefined;
      const ageMs = entry.failedMs - entry.foundMs;
      if (entry.ips === undefined || ageMs >= NAME_STALE_MS) throw error;
      return entry.ips;
    } finally {
      this.#lookups--;
    }
  }

  #keep(key: string, entry: Entry): void {
    putNewest(this.#entries, key, entry, MAX_CACHED_NAMES);
  }

  #nowMs(): number {
    return this.#world.clock.monotonicMs();
  }
}

function newEntry(): Entry {
  return {
    ips: undefined,
    foundMs: -Infinity,
    failure: undefined,
    failedMs: -Infinity,
    lookup: undefined,
  };
}

function isNotFound(error: unknown): boolean {
  return error instanceof TransportError &&
    error.code === "ERR_NET_NAME_NOT_FOUND";
}
