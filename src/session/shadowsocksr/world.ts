/**
 * What ends of ShadowsocksR are made of, besides keys.
 *
 * @module
 */
import type { Clock } from "../../clock.ts";
import { MD5 } from "../../crypto/legacy_digest.ts";
import type { RandomBytes } from "../../random.ts";
import type { ConnectionMemory } from "../../security/connection_memory.ts";
import type { SaltFilter } from "../salt_filter.ts";
import { replayed } from "../salt_filter.ts";

/** What both ends need. */
export interface SsrWorld {
  /** Judges and makes time stamps. */
  readonly clock: Clock;
  /** Makes IVs, ids and paddings. */
  readonly randomBytes: RandomBytes;
}

/** What a server needs, too. */
export interface SsrServerWorld extends SsrWorld {
  /** The connection ids it has seen. */
  readonly connections: ConnectionMemory;
  /** IVs and hellos it has seen or sent, shared by all threads. */
  readonly filter: SaltFilter;
}

/** The two initialization vectors of a connection; empty where there are none. */
export interface Ivs {
  /** Ours: known from the start. */
  readonly sent: Uint8Array;
  /** The peer's: known once it has arrived. */
  readonly received: Uint8Array;
}

/**
 * Remembers what makes a connection unique.
 *
 * @param bytes Of any length; a digest of them is kept.
 * @throws {ProtocolError} `ERR_SS_REPLAY` when it was seen before.
 */
export function checkUnique(filter: SaltFilter, bytes: Uint8Array): void {
  if (!filter.add(MD5.hash(bytes))) throw replayed();
}
