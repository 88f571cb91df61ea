/**
 * Addresses of names that datagrams are sent to: each packet names its target
 * again, and none may wait for another one's look-up.
 *
 * A name may move while datagrams go on (DDNS). So one in use is looked up
 * every few seconds, while the addresses that are known serve; only a name that
 * was quiet for longer is waited for.
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

/** The look-ups and the clock. */
interface World {
  readonly transport: Pick<Transport, "resolve">;
  readonly clock: Clock;
}

type Addresses = readonly string[];

/** One name. */
interface Entry {
  /** Those of the last look-up that found any. */
  ips: Addresses | undefined;
  /** The time of the answer. */
  foundMs: number;
  /** Why the last look-up failed. */
  failure: unknown;
  /** The time of the failure. */
  failedMs: number;
  /** The one under way. */
  lookup: Promise<Addresses> | undefined;
}

/** Bounded; the name that was looked up first is forgotten first. */
export class NameCache {
  readonly #world: World;
  readonly #entries = new Map<string, Entry>();
  #lookups = 0;

  /** Starts empty. */
  constructor(world: World) {
    this.#world = world;
  }

  /**
   * The addresses of a host.
   *
   * @param looks Called if a look-up starts.
   * @throws {TransportError} `ERR_NET_NAME_…`, `ERR_NET_TIMEOUT`; also for a
   * short while after a look-up failed so.
   * @throws {PolicyError} `ERR_POLICY_LIMIT` when too many are looked up.
   */
  resolve(host: string, looks?: () => void): Promise<Addresses> {
    return Promise.resolve(this.find(host, looks));
  }

  /**
   * As {@link NameCache.resolve}, and without a promise when the host is an
   * address or known.
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
   * The addresses of a name as far as they are known, without a look-up; none
   * shortly after one that failed.
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
   * @returns Why it does not.
   */
  #refresh(key: string, entry: Entry, looks?: () => void): unknown {
    if (this.#nowMs() - entry.failedMs < NAME_FAILURE_TTL_MS) {
      return entry.failure;
    }
    if (this.#lookups >= MAX_LOOKUPS) {
      return new PolicyError(
        "ERR_POLICY_LIMIT",
        "Too many names are looked up",
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

  /** @throws {TransportError} When no addresses are known either. */
  async #lookUp(host: string, entry: Entry): Promise<Addresses> {
    const { transport, clock } = this.#world;
    using deadline = new Deadline(clock, {
      delayMs: CONNECT_TIMEOUT_MS,
      code: "ERR_NET_TIMEOUT",
    });
    this.#lookups++;
    try {
      entry.ips = await transport.resolve(host, { signal: deadline.signal });
      entry.foundMs = this.#nowMs();
      return entry.ips;
    } catch (error) {
      entry.failure = error;
      entry.failedMs = this.#nowMs();
      // That is an answer: the name has no addresses any more.
      if (isNotFound(error)) entry.ips = undefined;
      const ageMs = entry.failedMs - entry.foundMs;
      if (entry.ips === undefined || ageMs >= NAME_STALE_MS) throw error;
      return entry.ips;
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
