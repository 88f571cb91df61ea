/**
 * What sessions of ShadowsocksR depend on, besides keys.
 *
 * @module
 */
import type { Clock } from "../../clock.ts";
import { MD5 } from "../../crypto/legacy_digest.ts";
import type { RandomBytes } from "../../random.ts";
import type { ConnectionMemory } from "../../security/connection_memory.ts";
import type { IvMemory } from "../stream_cipher/iv_memory.ts";

/** What both ends depend on. */
export interface SsrWorld {
  /** Makes and checks time stamps. */
  readonly clock: Clock;
  /** Makes IVs, ids and paddings. */
  readonly randomBytes: RandomBytes;
}

/** What a server depends on. */
export interface SsrServerWorld extends SsrWorld {
  /** The connection ids that it has seen. */
  readonly connections: ConnectionMemory;
  /** The IVs and hellos that it has seen or sent. */
  readonly memory: IvMemory;
  /** Returns the client's address. */
  readonly clientHost: () => string;
}

/** The two IVs of a connection; empty for ciphers without IVs. */
export interface Ivs {
  /** Our IV, known from the start. */
  readonly sent: Uint8Array;
  /** The peer's IV; empty until it has arrived. */
  readonly received: Uint8Array;
}

/**
 * Checks and records bytes that are unique for a connection.
 *
 * @param bytes Any length; a digest is recorded.
 * @returns The pending answer, if there is one; see `AcceptStep.question`.
 * @throws {ProtocolError} `ERR_SS_REPLAY` if they were seen before.
 */
export function acceptOnce(
  { memory }: Pick<SsrServerWorld, "memory">,
  bytes: Uint8Array,
): Promise<boolean> | undefined {
  return memory.acceptStream(MD5.hash(bytes));
}

/** The pending answers of shared replay filters. */
export class Questions {
  readonly #open: Promise<boolean>[] = [];

  /** Adds a pending answer, if there is one. */
  add(question: Promise<boolean> | undefined): void {
    if (question === undefined) return;
    // If the client leaves before its request, the answer is never used.
    question.catch(() => {});
    this.#open.push(question);
  }

  /** Joins the answers: true if all are. */
  get all(): Promise<boolean> | undefined {
    if (this.#open.length === 0) return undefined;
    return Promise.all(this.#open).then((answers) => answers.every(Boolean));
  }
}
