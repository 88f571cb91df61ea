/**
 * The nodes of a fleet in the engine.
 *
 * ```text
 * n:NODE    hash   inc incarnation   at time of its last heartbeat, ms
 *                  v version   rt runtime   st start, ms   rd 1: ready
 *                  c connections   r bytes a second   ms answer   off clock, ms
 *                  id ids of its fleet keys   k sealed services
 * heard     zset   node, score = at
 * drained   hash   node → since when, ms
 * ```
 *
 * Services are sealed, so that an attacker who can write to the engine cannot send
 * clients to another address.
 *
 * @module
 */
import { StoreError } from "../../errors.ts";
import type {
  FleetNode,
  NodeBeat,
  NodeDirectory,
  NodeList,
  NodeService,
} from "../../fleet.ts";
import {
  FLEET_COPY_BATCH,
  MAX_FLEET_NODES,
  NODE_FORGET_MS,
} from "../../limits.ts";
import { type RandomBytes, systemRandomBytes } from "../../random.ts";
import type { EngineClient } from "./_engine_client.ts";
import type { FleetNames } from "./_fleet_names.ts";
import { BEAT, DRAIN, LEAVE } from "./_scripts.ts";
import {
  type Fields,
  numberIn,
  partsOf,
  type Sealing,
  textOf,
} from "./_user_form.ts";
import type { SealedFor } from "./fleet_keys.ts";

/** The fields that are read of a node. */
const NODE_FIELDS = [
  ...["at", "v", "rt", "st", "rd", "c", "r", "ms", "off", "id", "k"],
] as const;

/** Maximum length of a text from another node in characters. */
const SHOWN_LENGTH = 64;

/** The nodes of a fleet that an engine stores. */
export class NodeRows implements NodeDirectory {
  readonly #client: EngineClient;
  readonly #names: FleetNames;
  readonly #sealing: Sealing;
  readonly #node: string;
  readonly #randomBytes: RandomBytes;
  /**
   * The last sealed services, which are reused while they do not change: each
   * sealing uses up a nonce of the key.
   */
  #sealed: { readonly text: string; readonly bytes: Uint8Array } | undefined;

  /**
   * @param node The node whose heartbeats are written; an operator has none.
   */
  constructor(
    client: EngineClient,
    { names, sealing, node = "", randomBytes = systemRandomBytes }: {
      readonly names: FleetNames;
      readonly sealing: Sealing;
      readonly node?: string;
      readonly randomBytes?: RandomBytes;
    },
  ) {
    this.#client = client;
    this.#names = names;
    this.#sealing = sealing;
    this.#node = node;
    this.#randomBytes = randomBytes;
  }

  async beat(incarnation: number, beat: NodeBeat): Promise<boolean> {
    const { heard, drained } = this.#names;
    const [isDraining] = await this.#client.run(BEAT, [[
      ...[this.#names.node(this.#node), heard, drained],
      ...[this.#node, incarnation],
      ...["v", beat.version, "rt", beat.runtime],
      ...["st", Math.round(beat.startedUnixMs), "rd", beat.isReady ? 1 : 0],
      ...["c", beat.connections, "r", Math.round(beat.bytesPerSecond)],
      ...[
        "ms",
        beat.answerMs.toFixed(2),
        "off",
        Math.round(beat.clockOffsetMs),
      ],
      ...["id", this.#sealing.keys.ids.join(), "k", this.#seal(beat.services)],
    ]]);
    return isDraining === 1;
  }

  async leave(incarnation: number): Promise<void> {
    await this.#client.run(LEAVE, [[
      ...[this.#names.node(this.#node), this.#names.heard],
      ...[this.#node, incarnation],
    ]]);
  }

  async list(): Promise<NodeList> {
    const { heard, drained } = this.#names;
    const [time, newest, drains] = await this.#client.all([
      ["TIME"],
      ["ZREVRANGE", heard, 0, MAX_FLEET_NODES - 1],
      ["HKEYS", drained],
    ]);
    const [seconds, micros] = partsOf(time).map((part) => Number(textOf(part)));
    const unixMs = seconds! * 1_000 + Math.floor(micros! / 1_000);
    const draining = new Set(partsOf(drains).map(textOf));
    const names = partsOf(newest).map(textOf).sort();
    const nodes: FleetNode[] = [];
    for (let i = 0; i < names.length; i += FLEET_COPY_BATCH) {
      const batch = names.slice(i, i + FLEET_COPY_BATCH);
      const replies = await this.#client.all(
        batch.map((node) => ["HMGET", this.#names.node(node), ...NODE_FIELDS]),
      );
      for (const [at, node] of batch.entries()) {
        const values = partsOf(replies[at]);
        const fields = new Map(
          NODE_FIELDS.flatMap((name, i) => {
            const value = values[i];
            return value instanceof Uint8Array ? [[name, value] as const] : [];
          }),
        );
        const heardUnixMs = numberIn(fields, "at");
        // The node may have left, or its key may have expired, between the two
        // reads.
        if (heardUnixMs === undefined) continue;
        if (unixMs - heardUnixMs > NODE_FORGET_MS) continue;
        const isDraining = draining.has(node);
        nodes.push({ ...this.#read(node, fields), heardUnixMs, isDraining });
      }
    }
    return { nodes, unixMs };
  }

  async setDraining(node: string, isDraining: boolean): Promise<boolean> {
    const [found] = await this.#client.run(DRAIN, [[
      ...[this.#names.node(node), this.#names.drained],
      ...[node, isDraining ? 1 : 0],
    ]]);
    return found === 1;
  }

  #read(
    node: string,
    fields: Fields,
  ): Omit<FleetNode, "heardUnixMs" | "isDraining"> {
    const number = (name: string): number => numberIn(fields, name) || 0;
    const text = (name: string): string =>
      textOf(fields.get(name) ?? new Uint8Array()).slice(0, SHOWN_LENGTH);
    const services = this.#open(node, fields.get("k"));
    return {
      node,
      version: text("v"),
      runtime: text("rt"),
      startedUnixMs: number("st"),
      isReady: number("rd") === 1,
      connections: number("c"),
      bytesPerSecond: number("r"),
      answerMs: number("ms"),
      clockOffsetMs: number("off"),
      services: services ?? [],
      isSealed: services === undefined,
      keyIds: text("id").split(",").filter((id) => id !== "").map(Number),
    };
  }

  #seal(services: readonly NodeService[]): Uint8Array {
    const text = JSON.stringify(services);
    if (this.#sealed?.text !== text) {
      const { keys, fleet } = this.#sealing;
      const whose = sealedFor(fleet, this.#node);
      const bytes = keys.seal(text, whose, this.#randomBytes);
      this.#sealed = { text, bytes };
    }
    return this.#sealed.bytes;
  }

  /** @returns `undefined` if the services were sealed with another key. */
  #open(
    node: string,
    bytes: Uint8Array | undefined,
  ): NodeService[] | undefined {
    const { keys, fleet } = this.#sealing;
    try {
      const text = keys.open(
        bytes ?? new Uint8Array(),
        sealedFor(fleet, node),
      );
      return JSON.parse(text) as NodeService[];
    } catch (error) {
      if (error instanceof StoreError) return undefined;
      throw error;
    }
  }
}

/** A node's id cannot equal a user's: only that of a user contains a slash. */
function sealedFor(fleet: string, node: string): SealedFor {
  return { fleet, id: node, version: 0 };
}
