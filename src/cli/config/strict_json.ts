/**
 * JSON as other programs write it: without comments, perhaps with a byte order
 * mark.
 *
 * @module
 */

/** @returns `undefined` for what is no strict JSON. */
export function parseStrictJson(text: string): unknown {
  try {
    return JSON.parse(text.replace(/^\uFEFF/, ""));
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    return undefined;
  }
}
