/**
 * Remembers connections of ShadowsocksR clients by their ids, so that none is
 * served twice while its time stamp may still be valid.
 *
 * A client chooses an id at its start and counts its connections. The last
 * {@link PACKET_WINDOW} connection ids of each client are remembered; older
 * ones count as seen. A client is forgotten when recordings of its connections
 * are too old to be served.
 *
 * Security: no client is forgotten whose replay would be served. If the memory
 * is full of such clients, new ones are refused. Therefore no single user may
 * fill it, and, where users have no names, no single client network.
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

/** The ids in the header of a connection. */
export interface ConnectionId {
  /** The user of the connection; not set where there are no users. */
  readonly user?: string;
  /** The client's id, 32 bits. */
  readonly client: number;
  /** The client's count of connections, 32 bits. */
  readonly connection: number;
}

/** One client. */
interface Client {
  /** See {@link ownerOf}. */
  readonly owner: string;
  /** The connection id that corresponds to 0 in the window. */
  readonly first: number;
  readonly seen: SlidingWindow;
  /** The time of the client's last connection. */
  heardMs: number;
}

/** The connections of one server's clients. */
export class ConnectionMemory {
  /** Seconds a time stamp may differ from our clock. */
  readonly maxSkewSeconds: number;
  readonly #clock: Clock;
  /** The start, on the monotonic clock. */
  readonly #startMs: number;
  readonly #capacity: number;
  /** The clients, ordered by their last connections. */
  readonly #clients = new Map<string, Client>();
  /** The number of clients of each owner. */
  readonly #counts = new Map<string, number>();

  /**
   * Makes an empty memory.
   *
   * @param clock Decides when a client may be forgotten.
   * @param options `maxSkewSeconds`: how far time stamps may differ;
   * `capacity`: the most clients.
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
   * The time since when every connection was recorded, by the clock as it is
   * set now; milliseconds since 1970.
   */
  get sinceUnixMs(): number {
    const ageMs = this.#clock.monotonicMs() - this.#startMs;
    return this.#clock.unixMs() - ageMs;
  }

  /**
   * Checks and records a connection in one step. Call it only for authenticated
   * headers with a valid time stamp.
   *
   * @throws {ProtocolError} `ERR_SS_REPLAY` if it was seen, or is too old to
   * decide.
   * @throws {PolicyError} `ERR_POLICY_LIMIT` for a new client, if there are too
   * many.
   */
  add({ user, client, connection }: ConnectionId, host: string): void {
    const name = `${client} ${user ?? ""}`;
    const entry = this.#clients.get(name) ??
      this.#enter(ownerOf(user, host), connection);
    // The client moves to the end of the order.
    this.#clients.delete(name);
    this.#clients.set(name, entry);
    entry.heardMs = this.#clock.monotonicMs();
    const id = connection - entry.first;
    if (id >= 0 && entry.seen.add(BigInt(id))) return;
    throw new ProtocolError(
      "ERR_SS_REPLAY",
      "Cannot accept request: its connection id was used before, or is too " +
        "old to decide",
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

  /** Forgets clients whose time stamps have expired. */
  #makeRoom(owner: string): void {
    const nowMs = this.#clock.monotonicMs();
    // A stamp that was ahead is valid for twice the skew; stamps are whole
    // seconds.
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

/** Returns the owner whose share includes a client. */
function ownerOf(user: string | undefined, host: string): string {
  return user === undefined ? `network ${networkOf(host)}` : `user ${user}`;
}
