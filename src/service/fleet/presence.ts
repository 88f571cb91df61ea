/**
 * The presence of a node in its fleet: it sends heartbeats, learns from them
 * whether the operator drains it, and knows the other nodes.
 *
 * Serving does not depend on it: while the source is unreachable, the node sends
 * no heartbeat and keeps the last list of nodes, over a restart as well.
 *
 * @module
 */
import { type Clock, pause } from "../../clock.ts";
import { detach } from "../../defect.ts";
import { StoreError, TransportError } from "../../errors.ts";
import type { NodeBeat, NodeDirectory, NodeList } from "../../fleet.ts";
import {
  MAX_NODE_SERVICES,
  NODE_BEAT_MS,
  NODE_EAGER_MS,
  NODE_LIST_KEEP_MS,
  NODE_LIST_MS,
} from "../../limits.ts";
import type { Logger } from "../../observe.ts";
import { Stop } from "../../on_abort.ts";
import { Episode } from "../episode.ts";

/** What a server reports about itself. */
export interface NodeFacts extends
  Pick<
    NodeBeat,
    "version" | "runtime" | "isReady" | "connections" | "services"
  > {
  /** Start time by the server's own clock; milliseconds since 1970. */
  readonly startedUnixMs: number;
  /** Payload bytes since the start, both directions together. */
  readonly bytes: number;
}

/** The options of a presence, which the member provides. */
export interface PresenceOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  /**
   * Returns the nodes in the source; `undefined` if the source is unreachable,
   * or keeps no nodes.
   */
  directory(): NodeDirectory | undefined;
  /** Returns the current incarnation of this node. */
  incarnation(): number;
  /** Keeps a list over a restart. Default: it is not kept. */
  keep?(list: NodeList): void;
  /** Returns the latest measurements of the source. */
  source(): Pick<NodeBeat, "answerMs" | "clockOffsetMs">;
}

/** A list of nodes that may be outdated. */
export interface KnownNodes extends NodeList {
  /** False if the source did not answer, and the list is an earlier one. */
  readonly isCurrent: boolean;
}

/** The presence of one node. */
export class Presence implements AsyncDisposable {
  readonly #options: PresenceOptions;
  readonly #stop = new Stop();
  readonly #refusals: Episode;
  #running: Promise<void> | undefined;
  #isDraining = false;
  /** True if the source refused the last question. */
  #isRefused = false;
  /** Payload bytes at the last heartbeat, and its time. */
  #bytes = 0;
  #beatMs: number;
  #list: NodeList = { nodes: [], unixMs: 0 };
  #isCurrent = false;
  #listedMs = -Infinity;
  #listing: Promise<void> | undefined;

  /** Heartbeats begin at {@link Presence.start}. */
  constructor(options: PresenceOptions) {
    this.#options = options;
    this.#refusals = new Episode(options.clock);
    this.#beatMs = options.clock.monotonicMs();
  }

  /** True if the operator drains this node. */
  get isDraining(): boolean {
    return this.#isDraining;
  }

  /** Sets the list that holds until the source answers. */
  recall(list: NodeList): void {
    this.#list = list;
  }

  /** Sends heartbeats until disposal. */
  start(facts: () => NodeFacts): void {
    this.#running = this.#run(facts);
    detach(this.#running, "fleet: the presence of the node", this.#options);
  }

  /**
   * Returns the nodes, at most a second old; while the source is away, the last
   * known ones.
   */
  async nodes(): Promise<KnownNodes> {
    const { clock } = this.#options;
    if (clock.monotonicMs() - this.#listedMs >= NODE_LIST_MS) {
      this.#listing ??= this.#read().finally(() => this.#listing = undefined);
      await this.#listing;
    }
    return { ...this.#list, isCurrent: this.#isCurrent };
  }

  /**
   * Drains or restores a node.
   *
   * @returns False if the node does not exist.
   * @throws {TransportError | StoreError} When the source does not answer, or
   * refuses.
   */
  async setDraining(node: string, isDraining: boolean): Promise<boolean> {
    const directory = this.#options.directory();
    if (directory === undefined) {
      throw new TransportError(
        "ERR_NET_CLOSED",
        "The fleet's source does not answer: try again when it is back",
      );
    }
    const isThere = await directory.setDraining(node, isDraining);
    this.#listedMs = -Infinity;
    return isThere;
  }

  /** Removes the node from the source, if the source answers. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#stop.aborted) return;
    this.#stop.abort(new TransportError("ERR_NET_CLOSED", "The node has left"));
    await Promise.allSettled([this.#running]);
    await this.#ask((directory) =>
      directory.leave(this.#options.incarnation())
    );
  }

  async #run(facts: () => NodeFacts): Promise<void> {
    const { clock } = this.#options;
    while (!this.#stop.aborted) {
      const now = facts();
      await this.#ask((directory) => this.#beat(directory, now));
      if (clock.monotonicMs() - this.#listedMs >= NODE_LIST_KEEP_MS) {
        await this.nodes();
      }
      const delayMs = now.isReady ? NODE_BEAT_MS : NODE_EAGER_MS;
      await pause(clock, delayMs, this.#stop);
    }
  }

  async #beat(
    directory: NodeDirectory,
    { bytes, startedUnixMs, services, ...facts }: NodeFacts,
  ): Promise<void> {
    const { clock, incarnation, source } = this.#options;
    const measured = source();
    const nowMs = clock.monotonicMs();
    const elapsedS = Math.max(1, nowMs - this.#beatMs) / 1_000;
    const bytesPerSecond = Math.max(0, bytes - this.#bytes) / elapsedS;
    this.#bytes = bytes;
    this.#beatMs = nowMs;
    this.#isDraining = await directory.beat(incarnation(), {
      ...facts,
      ...measured,
      bytesPerSecond,
      startedUnixMs: startedUnixMs + measured.clockOffsetMs,
      services: services.slice(0, MAX_NODE_SERVICES),
    });
  }

  async #read(): Promise<void> {
    this.#isCurrent = false;
    await this.#ask(async (directory) => {
      this.#list = await directory.list();
      this.#isCurrent = true;
      this.#options.keep?.(this.#list);
    });
    this.#listedMs = this.#options.clock.monotonicMs();
  }

  /**
   * Asks the source, if it is reachable. An outage is logged by the member; a
   * refusal may concern heartbeats only.
   */
  async #ask(
    question: (directory: NodeDirectory) => Promise<void>,
  ): Promise<void> {
    const directory = this.#options.directory();
    if (directory === undefined) return;
    try {
      await question(directory);
      this.#isRefused = false;
    } catch (error) {
      if (error instanceof TransportError) return;
      if (!(error instanceof StoreError)) throw error;
      // The member logs if the source refuses everything.
      const isSecond = this.#isRefused;
      this.#isRefused = true;
      if (!isSecond || !this.#refusals.happens()) return;
      this.#options.logger.log(
        "error",
        "fleet: cannot write the heartbeat of this node",
        {
          code: error.code,
          reason: error.message,
        },
      );
    }
  }
}
