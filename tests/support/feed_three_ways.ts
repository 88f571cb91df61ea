/**
 * Feeds a decoder whole, byte by byte, and with trailing bytes.
 *
 * @module
 */
import assert from "node:assert/strict";
import { concat } from "../../src/bytes.ts";
import { unaligned } from "./bytes.ts";

/**
 * Checks that a decoder needs every byte of a message, takes no byte more, and
 * neither keeps nor changes its input.
 *
 * @param decode Decodes the front of its input; `undefined` if bytes are
 * missing.
 * @param wire One message.
 * @param expected Its decoded value.
 */
export function feedThreeWays<T>(
  decode: (bytes: Uint8Array) => { message: T; length: number } | undefined,
  wire: Uint8Array,
  expected: T,
): void {
  for (let cut = 0; cut < wire.length; cut++) {
    assert.equal(
      decode(wire.subarray(0, cut)),
      undefined,
      `after ${cut} bytes`,
    );
  }
  for (const trailing of [0, 1, 300]) {
    const input = unaligned(concat(wire, new Uint8Array(trailing).fill(5)));
    const before = input.slice();
    const decoded = decode(input);
    assert.deepEqual(input, before);
    input.fill(0xee);
    assert.deepEqual(decoded, { message: expected, length: wire.length });
  }
}
