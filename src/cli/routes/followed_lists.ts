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
  /** Its name in `rule_sets`. */
  readonly name: string;
  /** Where it is. */
  readonly url: URL;
  /** Milliseconds between two looks; less while its host is silent. */
  readonly refreshMs: number;
  /** Not set: it is kept nowhere. */
  readonly cache?: Pick<KeptFile, "read" | "write"> | undefined;
}

/** What lists are looked at with. */
export interface FollowWorld {
  /** The content, unless it has this tag. @throws {UmbraError} */
  fetch(
    url: URL,
    tag: string | undefined,
    signal: AbortSignal,
  ): Promise<Fetched>;
  /** Tells when to look again. */
  readonly clock: Clock;
  /** Hears of lists that change, and of those that cannot be had. */
  readonly logger: Logger;
}

/** What is known of one list. */
interface State {
  readonly list: FollowedList;
  bytes: Uint8Array;
  tag?: string | undefined;
  /** True if it is of this start, and not a copy that was kept. */
  readonly isFetched: boolean;
  /** True if the last look failed. */
  isStale: boolean;
}

/** Lists that are followed. */
export class FollowedLists implements Disposable {
  readonly #world: FollowWorld;
  readonly #states: readonly State[];
  readonly #stop = new AbortController();

  private constructor(states: readonly State[], world: FollowWorld) {
    this.#states = states;
    this.#world = world;
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
        return { list, bytes: kept.bytes, isFetched: false, isStale: false };
      }
      const { bytes, tag } = await world.fetch(list.url, undefined, signal);
      return { list, bytes: bytes!, tag, isFetched: true, isStale: false };
    }));
    const followed = new FollowedLists(states, world);
    for (const { list, bytes, isFetched } of states) {
      if (isFetched) followed.#keep(list, bytes);
    }
    return followed;
  }

  /** The content of each list, by its name. */
  get contents(): ReadonlyMap<string, Uint8Array> {
    return new Map(this.#states.map(({ list, bytes }) => [list.name, bytes]));
  }

  /**
   * Looks at the lists again and again, until they are disposed of.
   *
   * @param use Takes contents, and throws an {@link UmbraError} when no routes
   * can be made of them; then they are not used.
   */
  async follow(
    use: (contents: ReadonlyMap<string, Uint8Array>) => void,
  ): Promise<void> {
    await Promise.all(this.#states.map((state) => this.#followOne(state, use)));
  }

  /** Ends {@link FollowedLists.follow}. */
  [Symbol.dispose](): void {
    this.#stop.abort();
  }

  async #followOne(
    state: State,
    use: (contents: ReadonlyMap<string, Uint8Array>) => void,
  ): Promise<void> {
    const { list: { refreshMs } } = state;
    const { signal } = this.#stop;
    // A copy that was kept may be old: look at once, but for fetched ones.
    let waitMs = state.isFetched ? refreshMs : 0;
    while (!signal.aborted) {
      if (waitMs > 0) await pause(this.#world.clock, waitMs, signal);
      if (signal.aborted) return;
      await this.#look(state, use);
      waitMs = state.isStale ? Math.min(refreshMs, LIST_RETRY_MS) : refreshMs;
    }
  }

  #keep({ name, cache }: FollowedList, bytes: Uint8Array): void {
    try {
      cache?.write(bytes);
    } catch (error) {
      const reason = messageOf(error);
      this.#world.logger.log("warn", "cannot keep the list of rules", {
        list: name,
        reason,
      });
    }
  }

  /** One look; what goes wrong is told once, until it is well again. */
  async #look(
    state: State,
    use: (contents: ReadonlyMap<string, Uint8Array>) => void,
  ): Promise<void> {
    const { list: { name, url }, tag } = state;
    const { logger } = this.#world;
    const { signal } = this.#stop;
    try {
      const fetched = await this.#world.fetch(url, tag, signal);
      const { bytes } = fetched;
      if (bytes !== undefined && !isSame(bytes, state.bytes)) {
        use(new Map(this.contents).set(name, bytes));
        state.bytes = bytes;
        logger.log("info", "list of rules has changed", {
          list: name,
          bytes: bytes.length,
        });
      }
      state.tag = fetched.tag ?? tag;
      if (state.isStale) {
        logger.log("info", "list of rules is back", { list: name });
      }
      state.isStale = false;
      if (bytes !== undefined) this.#keep(state.list, bytes);
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

function isSame(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}
