/**
 * What a client says before it hears anything, where that may name the target
 * it has asked for by an address. The bytes stay what they are.
 *
 * @module
 */
import { concat } from "../../bytes.ts";
import { type Clock, Deadline } from "../../clock.ts";
import { firstName } from "../../codec/first_name.ts";
import { MAX_SNIFFED_BYTES, SNIFF_WAIT_MS } from "../../limits.ts";
import type { ByteReader } from "../../streams/byte_reader.ts";

/** What becomes of names that clients say first. */
export interface SniffOptions {
  /** True to ask the server for the name, too; else routes alone see it. */
  readonly override: boolean;
}

/** What a client has said. */
export interface Sniffed {
  /** The bytes to send on; may be empty. */
  readonly said: Uint8Array;
  /** The name in it, in lower case. */
  readonly name: string | undefined;
}

/**
 * Reads until a name is there, or none can come any more.
 *
 * @param said What has come already.
 * @param signal Its abort gives the wait up.
 */
export async function sniff(
  source: Pick<ByteReader, "read">,
  said: Uint8Array,
  { clock, signal }: { readonly clock: Clock; readonly signal: AbortSignal },
): Promise<Sniffed> {
  using wait = new Deadline(clock, {
    delayMs: SNIFF_WAIT_MS,
    code: "ERR_NET_TIMEOUT",
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
