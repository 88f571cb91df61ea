/**
 * The vectors of stream ciphers, with keys as our methods have them.
 *
 * @module
 */
import type { KeyStreamMethod } from "../../src/crypto/key_stream.ts";
import { masterKeyFromPassword } from "../../src/crypto/master_key.ts";
import { STREAM_METHODS } from "../../src/crypto/stream_methods.ts";
import vectors from "../vectors/stream.json" with { type: "json" };
import { hex } from "./bytes.ts";

/** What a method makes of {@link STREAM_TEXT}. */
export interface StreamVector {
  /** The method. */
  readonly method: KeyStreamMethod;
  /** Of the method's key length. */
  readonly key: Uint8Array;
  /** Of the method's IV length. */
  readonly iv: Uint8Array;
  /** Of the first 300 bytes. */
  readonly turned: Uint8Array;
  /** SHA-256 of what becomes of 70,000 bytes, in hex. */
  readonly longDigest: string;
}

/** The password that the keys are made of. */
export const STREAM_PASSWORD: string = vectors.password;

/** The text of every vector. */
export const STREAM_TEXT: Uint8Array = Uint8Array.from(
  { length: 70_000 },
  (_, i) => 7 * i + 13 * Math.floor(i / 256) + 1,
);

/** One for each method. */
export const STREAM_VECTORS: readonly StreamVector[] = STREAM_METHODS.map(
  (method) => {
    const all: Readonly<Record<string, Entry>> = vectors.methods;
    const entry = all[method.name];
    if (entry === undefined) throw new Error(`${method.name} has no vector`);
    return {
      method,
      key: masterKeyFromPassword(STREAM_PASSWORD, method),
      iv: hex(entry.iv),
      turned: hex(entry.ct300),
      longDigest: entry.sha256_70000,
    };
  },
);

interface Entry {
  readonly iv: string;
  readonly ct300: string;
  readonly "sha256_70000": string;
}
