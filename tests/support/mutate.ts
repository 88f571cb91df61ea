/**
 * Seeded mutations of messages, for fuzz tests.
 *
 * @module
 */
import process from "node:process";
import { concat } from "../../src/bytes.ts";
import { seededRandom } from "./bytes.ts";

/**
 * Makes broken messages of good ones: bytes flipped, replaced, removed,
 * doubled, moved between messages, the end cut off. The result depends only on
 * the seed.
 *
 * @param samples Good messages.
 * @param spice Bytes that mean something to the parser.
 * @param count Number of mutations.
 */
export function* mutations(
  samples: readonly Uint8Array[],
  spice: Uint8Array,
  { count, seed }: { readonly count: number; readonly seed: number },
): Generator<Uint8Array> {
  const next = seededRandom(seed);
  const below = (bound: number): number => next() % Math.max(1, bound);
  const sample = (): Uint8Array => samples[below(samples.length)]!;
  for (let i = 0; i < count; i++) {
    let bytes: Uint8Array = sample().slice();
    for (let edits = 1 + below(3); edits > 0; edits--) {
      const at = below(bytes.length);
      const end = at + 1 + below(8);
      switch (below(7)) {
        case 0:
          bytes[at]! ^= 1 << below(8);
          break;
        case 1:
          bytes[at] = spice[below(spice.length)]!;
          break;
        case 2:
          bytes = concat(bytes.subarray(0, at), bytes.subarray(end));
          break;
        case 3:
          bytes = concat(bytes.subarray(0, end), bytes.subarray(at));
          break;
        case 4:
          bytes = concat(
            bytes.subarray(0, at),
            Uint8Array.of(spice[below(spice.length)]!),
            bytes.subarray(at),
          );
          break;
        case 5:
          bytes = bytes.slice(0, at);
          break;
        default:
          bytes = concat(bytes.subarray(0, at), sample().subarray(below(40)));
      }
    }
    yield bytes;
  }
}

/**
 * Number of mutations for each parser, unless UMBRA_FUZZ_INPUTS in the
 * environment sets another.
 */
export const MUTATIONS: number = Number(
  process.env["UMBRA_FUZZ_INPUTS"] ?? 100_000,
);

/** Time limit for all of them in milliseconds; a busy machine needs a few. */
export const FUZZ_BUDGET_MS: number = Math.max(60_000, MUTATIONS * 0.6);
