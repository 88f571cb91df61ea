/**
 * The latest requests to a local: where each went, and which rule sent it there.
 *
 * What a request has become is read when somebody looks, and not before.
 *
 * @module
 */
import { MAX_RECENT_REQUESTS } from "../limits.ts";
import type { LocalRequest } from "../observe.ts";

/** One request, as JSON. */
export interface RecentRequest extends
  Pick<
    LocalRequest,
    "startedUnixMs" | "client" | "target" | "bytesUp" | "bytesDown"
  > {
  /** Counts the requests, so that two looks can tell them apart. */
  readonly id: number;
  /** The user whose password it was; not set where users have no names. */
  readonly user?: string;
  /** `direct: routes[1] domain "a.test"`; not set where no rule decides. */
  readonly way?: string;
  /** Name of the server; not set where none carries it. */
  readonly server?: string;
  /** Milliseconds that it took; not set while it is open. */
  readonly durationMs?: number;
  /** Why it failed; not set unless it did. */
  readonly code?: string;
}

/** The last {@link MAX_RECENT_REQUESTS} of them; an older one makes room. */
export class RecentRequests {
  readonly #ring: LocalRequest[] = [];
  #count = 0;

  /** Takes note of a request, which goes on to change. */
  add(request: LocalRequest): void {
    this.#ring[this.#count++ % MAX_RECENT_REQUESTS] = request;
  }

  /** As they are now, the latest first. */
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
