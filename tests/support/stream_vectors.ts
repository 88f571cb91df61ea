/**
 * The vectors of stream ciphers, with Umbra's methods.
 *
 * @module
 */
import type { KeyStreamMethod } from "../../src/crypto/key_stream.ts";
import { masterKeyFromPassword } from "../../src/crypto/master_key.ts";
import { STREAM_METHODS } from "../../src/crypto/stream_methods.ts";
import vectors from "../vectors/stream.json" with { type: "json" };
import { hex } from "./bytes.ts";

/** The result of a method for {@link STREAM_TEXT}. */
export interface StreamVector {
  /** The method. */
  readonly method: KeyStreamMethod;
  /** A key of the method's length. */
  readonly key: Uint8Array;
  /** An IV of the method's length. */
  readonly iv: Uint8Array;
  /** The encrypted first 300 bytes. */
  readonly turned: Uint8Array;
  /** SHA-256 of 70,000 encrypted bytes, in hex. */
  readonly longDigest: string;
}

/** The password from which the keys are derived. */
export const STREAM_PASSWORD: string = vectors.password;

/** The text of every vector. */
export const STREAM_TEXT: Uint8Array = Uint8Array.from(
  { length: 70_000 },
  (_, i) => 7 * i + 13 * Math.floor(i / 256) + 1,
);

/** One vector for each method. */
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
