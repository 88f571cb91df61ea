/**
 * Lists of rules that are published: fetched, kept on disk, and looked at again
 * from time to time.
 *
 * A list takes the place of the one before only if routes can be made of it;
 * until then, and whenever its host is silent, the last good one counts.
 *
 * @module
 */
import type { Fetched } from "../../adapters/net/fetch_document.ts";
import { type Clock, pause } from "../../clock.ts";
import { messageOf, UmbraError } from "../../errors.ts";
import { LIST_RETRY_MS } from "../../limits.ts";
import type { Logger } from "../../observe.ts";
import type { KeptFile } from "../kept_file.ts";

/** One list. */
export interface FollowedList {
  /** The name in `rule_sets`. */
  readonly name: string;
  /** The address of the list. */
  readonly url: URL;
  /** Milliseconds between two looks; less while its host is silent. */
  readonly refreshMs: number;
  /** Not set: no copy is kept. */
  readonly cache?: Pick<KeptFile, "read" | "write"> | undefined;
}

/** The world of followed lists. */
export interface FollowWorld {
  /** The content, unless it has this tag. @throws {UmbraError} */
  fetch(
    url: URL,
    tag: string | undefined,
    signal: AbortSignal,
  ): Promise<Fetched>;
  /** The timer of the next look. */
  readonly clock: Clock;
}

/** Takes contents. @throws {UmbraError} When no routes can be made of them. */
export type UseLists = (
  contents: ReadonlyMap<string, Uint8Array>,
) => Promise<void>;

/** How a list is kept up to date. */
export interface FollowedListStatus {
  /** Milliseconds since 1970 when the content changed, as far as is known. */
  readonly changedUnixMs: number;
  /**
   * Milliseconds since 1970 when the host was last asked; not set before that.
   */
  readonly lookedUnixMs?: number;
  /** True if the last look failed. */
  readonly isStale: boolean;
}

/** The state of one list. */
interface State {
  readonly list: FollowedList;
  bytes: Uint8Array;
  tag?: string | undefined;
  /** True if it is of this start, and not a copy that was kept. */
  readonly isFetched: boolean;
  /** True if the last look failed. */
  isStale: boolean;
  changedUnixMs: number;
  lookedUnixMs?: number;
}

/** Lists that are followed. */
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
   * Takes the copies that were kept, and fetches the lists that have none.
   *
   * @throws {UmbraError} When a list cannot be had, not even an old one.
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

  /** The content of each list, by its name. */
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
   * Looks at the lists again and again, until they are disposed of.
   *
   * @param logger Hears of lists that change, and of those that cannot be had.
   * @param use Takes contents; where it throws, they are not used.
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
    // A copy that was kept may be old.
    let waitMs = state.isFetched ? refreshMs : 0;
    while (!signal.aborted) {
      if (waitMs > 0) await pause(this.#world.clock, waitMs, signal);
      if (signal.aborted) return;
      await this.#look(state, logger, use);
      waitMs = state.isStale ? Math.min(refreshMs, LIST_RETRY_MS) : refreshMs;
    }
  }

  /** Looks once; an error is logged once, until it is over. */
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
        logger.log("info", "list of rules is back", { list: name });
      }
      state.isStale = false;
      const reason = bytes && keep(list, bytes);
      if (reason !== undefined) logger.log("warn", reason);
    } catch (error) {
      if (signal.aborted) return;
      if (!(error instanceof UmbraError)) throw error;
      if (!state.isStale) {
        logger.log("warn", "list of rules stays as it is", {
          list: name,
          code: error.code,
          reason: error.message,
        });
      }
      state.isStale = true;
    }
  }
}

/** @returns Why it is not kept, if so. */
function keep(
  { name, cache }: FollowedList,
  bytes: Uint8Array,
): string | undefined {
  if (cache === undefined) {
    return `the list of rules "${name}" is kept nowhere: this system names no ` +
      "folder for such files";
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
