/**
 * Published lists of rules: they are fetched, kept on disk, and fetched again
 * at intervals.
 *
 * A new list replaces the old one only if routes can be made of it. Otherwise,
 * and while its host does not answer, the last good list is used.
 *
 * @module
 */
import type { Fetched } from "../../adapters/net/fetch_document.ts";
import { type Clock, pause } from "../../clock.ts";
import { faultOf, messageOf, UmbraError } from "../../errors.ts";
import { LIST_RETRY_MS } from "../../limits.ts";
import type { Logger } from "../../observe.ts";
import type { KeptFile } from "../kept_file.ts";

/** One list. */
export interface FollowedList {
  /** The name in `rule_sets`. */
  readonly name: string;
  /** The address of the list. */
  readonly url: URL;
  /** Milliseconds between two fetches; less while the host does not answer. */
  readonly refreshMs: number;
  /** The copy on disk; not set if there is none. */
  readonly cache?: Pick<KeptFile, "read" | "write"> | undefined;
}

/** The dependencies of followed lists. */
export interface FollowWorld {
  /**
   * Fetches the content, unless its tag is still the same. @throws {UmbraError}
   */
  fetch(
    url: URL,
    tag: string | undefined,
    signal: AbortSignal,
  ): Promise<Fetched>;
  /** Schedules the next fetch. */
  readonly clock: Clock;
}

/** Receives contents. @throws {UmbraError} If no routes can be made of them. */
export type UseLists = (
  contents: ReadonlyMap<string, Uint8Array>,
) => Promise<void>;

/** The state of a list, for the operator. */
export interface FollowedListStatus {
  /**
   * Time when the content changed, in milliseconds since 1970, as far as known.
   */
  readonly changedUnixMs: number;
  /**
   * Time of the last fetch, in milliseconds since 1970; not set before the
   * first.
   */
  readonly lookedUnixMs?: number;
  /** True if the last fetch failed. */
  readonly isStale: boolean;
}

/** The state of one list. */
interface State {
  readonly list: FollowedList;
  bytes: Uint8Array;
  tag?: string | undefined;
  /** True if the content was fetched since the start; false for a kept copy. */
  readonly isFetched: boolean;
  /** True if the last fetch failed. */
  isStale: boolean;
  changedUnixMs: number;
  lookedUnixMs?: number;
}

/** Lists that are fetched again at intervals. */
export class FollowedLists implements Disposable {
  readonly #world: FollowWorld;
  readonly #states: readonly State[];
  readonly #stop = new AbortController();
  /** Warnings of the start for the operator. */
  readonly warnings: readonly string[];

  private constructor(states: readonly State[], world: FollowWorld) {
    this.#states = states;
    this.#world = world;
    this.warnings = states.flatMap(({ list, bytes, isFetched }) =>
      isFetched ? keep(list, bytes) ?? [] : []
    );
  }

  /**
   * Reads the kept copies, and fetches the lists that have none.
   *
   * @throws {UmbraError} If a list can be neither read nor fetched.
   */
  static async load(
    lists: readonly FollowedList[],
    world: FollowWorld,
    signal: AbortSignal,
  ): Promise<FollowedLists> {
    const states = await Promise.all(lists.map(async (list): Promise<State> => {
      const kept = list.cache?.read();
      if (kept !== undefined) {
        return {
          list,
          bytes: kept.bytes,
          isFetched: false,
          isStale: false,
          changedUnixMs: Math.round(kept.savedUnixMs),
        };
      }
      const { bytes, tag } = await world.fetch(list.url, undefined, signal);
      const lookedUnixMs = world.clock.unixMs();
      return {
        list,
        bytes: bytes!,
        tag,
        isFetched: true,
        isStale: false,
        changedUnixMs: lookedUnixMs,
        lookedUnixMs,
      };
    }));
    return new FollowedLists(states, world);
  }

  /** The content of each list, by name. */
  get contents(): ReadonlyMap<string, Uint8Array> {
    return new Map(this.#states.map(({ list, bytes }) => [list.name, bytes]));
  }

  /** The status of each list, by name. */
  get status(): ReadonlyMap<string, FollowedListStatus> {
    return new Map(
      this.#states.map(({ list, changedUnixMs, lookedUnixMs, isStale }) => [
        list.name,
        {
          changedUnixMs,
          isStale,
          ...lookedUnixMs !== undefined && { lookedUnixMs },
        },
      ]),
    );
  }

  /**
   * Fetches the lists at intervals until disposal.
   *
   * @param logger Logs lists that change or cannot be fetched.
   * @param use Receives contents; they are not used if it throws.
   */
  async follow(logger: Logger, use: UseLists): Promise<void> {
    await Promise.all(
      this.#states.map((state) => this.#followOne(state, logger, use)),
    );
  }

  /** Ends {@link FollowedLists.follow}. */
  [Symbol.dispose](): void {
    this.#stop.abort();
  }

  async #followOne(
    state: State,
    logger: Logger,
    use: UseLists,
  ): Promise<void> {
    const { list: { refreshMs } } = state;
    const { signal } = this.#stop;
    // A kept copy may be old.
    let waitMs = state.isFetched ? refreshMs : 0;
    while (!signal.aborted) {
      if (waitMs > 0) await pause(this.#world.clock, waitMs, signal);
      if (signal.aborted) return;
      await this.#look(state, logger, use);
      waitMs = state.isStale ? Math.min(refreshMs, LIST_RETRY_MS) : refreshMs;
    }
  }

  /** Fetches a list once. Only the first of consecutive failures is logged. */
  async #look(state: State, logger: Logger, use: UseLists): Promise<void> {
    const { list, tag } = state;
    const { name } = list;
    const { signal } = this.#stop;
    try {
      const { bytes, ...fetched } = await this.#world.fetch(
        list.url,
        tag,
        signal,
      );
      if (bytes !== undefined && !isSame(bytes, state.bytes)) {
        await use(new Map(this.contents).set(name, bytes));
        state.bytes = bytes;
        state.changedUnixMs = this.#world.clock.unixMs();
        const { length } = bytes;
        logger.log("info", "list of rules has changed", {
          list: name,
          bytes: length,
        });
      }
      state.tag = fetched.tag ?? tag;
      state.lookedUnixMs = this.#world.clock.unixMs();
      if (state.isStale) {
        logger.log("info", "list of rules can be fetched again", {
          list: name,
        });
      }
      state.isStale = false;
      const reason = bytes && keep(list, bytes);
      if (reason !== undefined) logger.log("warn", reason);
    } catch (error) {
      if (signal.aborted) return;
      if (!(error instanceof UmbraError)) throw error;
      if (!state.isStale) {
        logger.log("warn", "list of rules is not updated", {
          list: name,
          ...faultOf(error),
        });
      }
      state.isStale = true;
    }
  }
}

/** @returns Why the list is not kept; `undefined` if it is kept. */
function keep(
  { name, cache }: FollowedList,
  bytes: Uint8Array,
): string | undefined {
  if (cache === undefined) {
    return `the list of rules "${name}" is not kept: this system names no cache ` +
      "folder";
  }
  try {
    cache.write(bytes);
    return undefined;
  } catch (error) {
    return `cannot keep the list of rules "${name}": ${messageOf(error)}`;
  }
}

function isSame(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}
