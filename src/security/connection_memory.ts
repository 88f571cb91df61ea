/**
 * The connections of ShadowsocksR's clients, by the ids they carry: none is
 * served twice, as long as its time stamp may still be good.
 *
 * A client draws an id for itself when it starts and counts its connections.
 * Of each client the last {@link PACKET_WINDOW} ids are remembered one by one;
 * whatever is older counts as seen. A client is forgotten when every recording
 * of it is too old to be served.
 *
 * Security: it forgets no client whose replay would be served. When it is full
 * of such clients it takes no new one; so no user and, where users have no
 * names, no client network may fill it alone.
 *
 * @module
 */
import type { Clock } from "../clock.ts";
import { networkOf } from "../codec/ip_address.ts";
import { PolicyError, ProtocolError } from "../errors.ts";
import {
  MAX_SSR_CLIENTS,
  MAX_SSR_SKEW_S,
  SSR_CLIENT_SHARE,
  SSR_EARLIER_CONNECTIONS,
} from "../limits.ts";
import { SlidingWindow } from "./sliding_window.ts";

/** The header of a connection. */
export interface ConnectionId {
  /** The user of the connection; not set where there are no users. */
  readonly user?: string;
  /** The client's own number: 4 bytes. */
  readonly client: number;
  /** The client's count of connections, 32 bits. */
  readonly connection: number;
}

/** One client. */
interface Client {
  /** See {@link ownerOf}. */
  readonly owner: string;
  /** Ids are counted from here. */
  readonly first: number;
  readonly seen: SlidingWindow;
  /** The time at which the client was last heard. */
  heardMs: number;
}

/** The connections of one server. */
export class ConnectionMemory {
  /** Seconds a time stamp may differ from our clock. */
  readonly maxSkewSeconds: number;
  readonly #clock: Clock;
  /** The time of the start, on the clock that is never set. */
  readonly #startMs: number;
  readonly #capacity: number;
  /** The clients, in the order in which they were heard. */
  readonly #clients = new Map<string, Client>();
  /** The number of clients of each owner. */
  readonly #counts = new Map<string, number>();

  /**
   * Has seen nothing.
   *
   * @param clock Decides when a client may be forgotten.
   * @param options `maxSkewSeconds`: how far time stamps may be off;
   * `capacity`: clients at once.
   */
  constructor(
    clock: Clock,
    { maxSkewSeconds = MAX_SSR_SKEW_S, capacity = MAX_SSR_CLIENTS }: {
      readonly maxSkewSeconds?: number;
      readonly capacity?: number;
    } = {},
  ) {
    this.#clock = clock;
    this.maxSkewSeconds = maxSkewSeconds;
    this.#capacity = capacity;
    this.#startMs = clock.monotonicMs();
  }

  /**
   * It has seen every connection since then, as the clock is set now;
   * milliseconds since 1970.
   */
  get sinceUnixMs(): number {
    const ageMs = this.#clock.monotonicMs() - this.#startMs;
    return this.#clock.unixMs() - ageMs;
  }

  /**
   * Records a connection, in the same step as it looks it up. Only for headers
   * that are authentic and of now.
   *
   * @throws {ProtocolError} `ERR_SS_REPLAY` when it was seen, or is too old to
   * tell.
   * @throws {PolicyError} `ERR_POLICY_LIMIT` for a new client, when there are
   * too many.
   */
  add({ user, client, connection }: ConnectionId, host: string): void {
    const name = `${client} ${user ?? ""}`;
    const entry = this.#clients.get(name) ??
      this.#enter(ownerOf(user, host), connection);
    // Back to the end of the order.
    this.#clients.delete(name);
    this.#clients.set(name, entry);
    entry.heardMs = this.#clock.monotonicMs();
    const id = connection - entry.first;
    if (id >= 0 && entry.seen.add(BigInt(id))) return;
    throw new ProtocolError(
      "ERR_SS_REPLAY",
      "Cannot accept request: its connection id was seen before, or is too " +
        "old to tell",
    );
  }

  #enter(owner: string, connection: number): Client {
    this.#makeRoom(owner);
    this.#count(owner, 1);
    return {
      owner,
      first: connection - SSR_EARLIER_CONNECTIONS,
      seen: new SlidingWindow(),
      heardMs: 0,
    };
  }

  /** Forgets clients whose time stamps are out of date. */
  #makeRoom(owner: string): void {
    const nowMs = this.#clock.monotonicMs();
    // A stamp that was ahead is good for twice the skew; stamps are whole.
    const keepMs = (2 * this.maxSkewSeconds + 1) * 1_000;
    for (const [name, client] of this.#clients) {
      if (nowMs - client.heardMs <= keepMs) break;
      this.#clients.delete(name);
      this.#count(client.owner, -1);
    }
    const most = Math.ceil(this.#capacity * SSR_CLIENT_SHARE);
    const isFull = this.#clients.size >= this.#capacity;
    if (!isFull && (this.#counts.get(owner) ?? 0) < most) return;
    throw new PolicyError(
      "ERR_POLICY_LIMIT",
      `Too many ShadowsocksR clients in ${2 * this.maxSkewSeconds} s: ` +
        `${this.#capacity} are remembered, ${most} for one user or client ` +
        "address",
    );
  }

  #count(owner: string, difference: number): void {
    const count = (this.#counts.get(owner) ?? 0) + difference;
    if (count === 0) this.#counts.delete(owner);
    else this.#counts.set(owner, count);
  }
}

/** The owner in whose share a client is counted. */
function ownerOf(user: string | undefined, host: string): string {
  return user === undefined ? `network ${networkOf(host)}` : `user ${user}`;
}
