/**
 * Reads a client's first bytes, which may contain the name of a target that was
 * requested by address. The bytes are not changed.
 *
 * @module
 */
import { concat } from "../../bytes.ts";
import { type Clock, Deadline } from "../../clock.ts";
import { firstName } from "../../codec/first_name.ts";
import { MAX_SNIFFED_BYTES, SNIFF_WAIT_MS } from "../../limits.ts";
import type { ByteReader } from "../../streams/byte_reader.ts";

/** How the names in first bytes are used. */
export interface SniffOptions {
  /**
   * True to send the name to the server as well; otherwise only routes use it.
   */
  readonly override: boolean;
}

/** The result of reading the first bytes. */
export interface Sniffed {
  /** The bytes to send on; may be empty. */
  readonly said: Uint8Array;
  /** The name in the bytes, in lower case. */
  readonly name: string | undefined;
}

/**
 * Reads until a name is found, or none can follow.
 *
 * @param said Bytes already read.
 * @param signal Its abort ends the wait.
 */
export async function sniff(
  source: Pick<ByteReader, "read">,
  said: Uint8Array,
  { clock, signal }: { readonly clock: Clock; readonly signal: AbortSignal },
): Promise<Sniffed> {
  using wait = new Deadline(clock, {
    delayMs: SNIFF_WAIT_MS,
    parent: signal,
  });
  try {
    for (;;) {
      const first = firstName(said.subarray(0, MAX_SNIFFED_BYTES));
      if (first.kind === "name") return { said, name: first.name };
      if (first.kind === "none" || said.length >= MAX_SNIFFED_BYTES) break;
      const more = await source.read(wait.signal);
      if (more === undefined) break;
      said = said.length === 0 ? more : concat(said, more);
    }
  } catch (error) {
    if (error !== wait.signal.reason || signal.aborted) throw error;
  }
  return { said, name: undefined };
}
