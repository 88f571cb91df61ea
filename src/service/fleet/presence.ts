/**
 * A node among the others: it says from time to time that it is there, hears if
 * the operator wants it to take no new clients, and knows who else is there.
 *
 * Nothing of what it serves depends on it: while the source is away the node
 * says nothing, and knows what it knew.
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

/** What a server knows of itself. */
export interface NodeFacts extends
  Pick<
    NodeBeat,
    "version" | "runtime" | "isReady" | "connections" | "services"
  > {
  /** Milliseconds since 1970 when it started, by its own clock. */
  readonly startedUnixMs: number;
  /** Payload since then, both directions together. */
  readonly bytes: number;
}

/** The member's part. */
export interface PresenceOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  /** The nodes; `undefined` while the source is away, or knows none. */
  directory(): NodeDirectory | undefined;
  /** That of this node at present. */
  incarnation(): number;
  /** The latest measurements of the source. */
  source(): Pick<NodeBeat, "answerMs" | "clockOffsetMs">;
}

/** Who is there. */
export interface KnownNodes extends NodeList {
  /** False if the source did not answer, and this is what was known. */
  readonly isCurrent: boolean;
}

/** One node among the others. */
export class Presence implements AsyncDisposable {
  readonly #options: PresenceOptions;
  readonly #stop = new Stop();
  readonly #refusals: Episode;
  #running: Promise<void> | undefined;
  #isDraining = false;
  /** True if the source has refused the last question. */
  #isRefused = false;
  /** Bytes at the last beat, and when that was. */
  #bytes = 0;
  #beatMs: number;
  #list: NodeList = { nodes: [], unixMs: 0 };
  #isCurrent = false;
  #listedMs = -Infinity;
  #listing: Promise<void> | undefined;

  /** Says nothing yet. */
  constructor(options: PresenceOptions) {
    this.#options = options;
    this.#refusals = new Episode(options.clock);
    this.#beatMs = options.clock.monotonicMs();
  }

  /** True if the operator wants this node to take no new clients. */
  get isDraining(): boolean {
    return this.#isDraining;
  }

  /** Begins to say that the node is there, until disposal. */
  start(facts: () => NodeFacts): void {
    this.#running = this.#run(facts);
    detach(this.#running, "fleet: the presence of the node", this.#options);
  }

  /** The nodes as of a second ago; while the source is away, as they were known. */
  async nodes(): Promise<KnownNodes> {
    const { clock } = this.#options;
    if (clock.monotonicMs() - this.#listedMs >= NODE_LIST_MS) {
      this.#listing ??= this.#read().finally(() => this.#listing = undefined);
      await this.#listing;
    }
    return { ...this.#list, isCurrent: this.#isCurrent };
  }

  /**
   * Lets a node take no new clients, or take them again.
   *
   * @returns False if there is no such node.
   * @throws {TransportError | StoreError} When the source did not do it.
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

  /** Says that the node has gone, where it can. */
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
    });
    this.#listedMs = this.#options.clock.monotonicMs();
  }

  /**
   * Asks the source, if it is there. The member tells that it does not answer; a
   * refusal may be of this alone.
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
      // Of a source that refuses everything the member tells.
      const isSecond = this.#isRefused;
      this.#isRefused = true;
      if (!isSecond || !this.#refusals.happens()) return;
      this.#options.logger.log("error", "fleet: this node is not listed", {
        code: error.code,
        reason: error.message,
      });
    }
  }
}
