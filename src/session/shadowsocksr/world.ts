/**
 * What ends of ShadowsocksR are made of, besides keys.
 *
 * @module
 */
import type { Clock } from "../../clock.ts";
import { MD5 } from "../../crypto/legacy_digest.ts";
import type { RandomBytes } from "../../random.ts";
import type { ConnectionMemory } from "../../security/connection_memory.ts";
import type { IvMemory } from "../stream_cipher/iv_memory.ts";

/** The world of both ends. */
export interface SsrWorld {
  /** Judges and makes time stamps. */
  readonly clock: Clock;
  /** Makes IVs, ids and paddings. */
  readonly randomBytes: RandomBytes;
}

/** The world of a server. */
export interface SsrServerWorld extends SsrWorld {
  /** The connection ids it has seen. */
  readonly connections: ConnectionMemory;
  /** IVs and hellos it has seen or sent. */
  readonly memory: IvMemory;
  /** Gives the client's address, if asked. */
  readonly clientHost: () => string;
}

/** The two IVs of a connection; empty where there are none. */
export interface Ivs {
  /** Ours: known from the start. */
  readonly sent: Uint8Array;
  /** The peer's; empty until it has arrived. */
  readonly received: Uint8Array;
}

/**
 * Remembers what makes a connection unique.
 *
 * @param bytes Of any length; a digest of them is kept.
 * @returns An answer that is still to come; see `AcceptStep.question`.
 * @throws {ProtocolError} `ERR_SS_REPLAY` when it was seen before.
 */
export function acceptOnce(
  { memory }: Pick<SsrServerWorld, "memory">,
  bytes: Uint8Array,
): Promise<boolean> | undefined {
  return memory.acceptStream(MD5.hash(bytes));
}

/** The questions to memories that others share over a network. */
export class Questions {
  readonly #open: Promise<boolean>[] = [];

  /** Keeps a question until it is handed on; without one, nothing. */
  add(question: Promise<boolean> | undefined): void {
    if (question === undefined) return;
    // If the client leaves before its request, no one asks for the answer.
    question.catch(() => {});
    this.#open.push(question);
  }

  /** Joins them: true if all are. */
  get all(): Promise<boolean> | undefined {
    if (this.#open.length === 0) return undefined;
    return Promise.all(this.#open).then((answers) => answers.every(Boolean));
  }
}
