/**
 * The latest requests to a local, each with its target and the rule that
 * decided.
 *
 * The outcome of a request is read only when the list is requested.
 *
 * @module
 */
import { MAX_RECENT_REQUESTS } from "../limits.ts";
import type { LocalRequest } from "../observe.ts";

/** A request as JSON data. */
export interface RecentRequest extends
  Pick<
    LocalRequest,
    "startedUnixMs" | "client" | "target" | "bytesUp" | "bytesDown"
  > {
  /** The number of the request, which distinguishes requests in two lists. */
  readonly id: number;
  /** The user of the request; not set if users have no names. */
  readonly user?: string;
  /**
   * The route, for example `direct: routes[1] domain "a.test"`; not set if no
   * rule decided.
   */
  readonly way?: string;
  /** Name of the server; not set if no server carries the request. */
  readonly server?: string;
  /** Duration in milliseconds; not set while the connection is open. */
  readonly durationMs?: number;
  /** The error code; not set if the request did not fail. */
  readonly code?: string;
}

/** The last {@link MAX_RECENT_REQUESTS} requests. */
export class RecentRequests {
  readonly #ring: LocalRequest[] = [];
  #count = 0;

  /** Adds a request, which may still change. */
  add(request: LocalRequest): void {
    this.#ring[this.#count++ % MAX_RECENT_REQUESTS] = request;
  }

  /** Returns the requests in their present state, the newest first. */
  get latest(): readonly RecentRequest[] {
    const { length } = this.#ring;
    return Array.from({ length }, (_, i) => {
      const id = this.#count - 1 - i;
      return describe(id, this.#ring[id % MAX_RECENT_REQUESTS]!);
    });
  }
}

function describe(id: number, request: LocalRequest): RecentRequest {
  const { startedUnixMs, client, target, bytesUp, bytesDown } = request;
  const { user, way, server, durationMs, code } = request;
  return {
    ...{ id, startedUnixMs, client, target, bytesUp, bytesDown },
    ...user !== undefined && { user },
    ...way !== undefined && { way },
    ...server !== undefined && { server },
    ...durationMs !== undefined && { durationMs },
    ...code !== undefined && { code },
  };
}
