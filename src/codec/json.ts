/**
 * Parses JSON of other programs: without comments, with or without a byte order
 * mark.
 *
 * @module
 */

/** @returns `undefined` if the text is not strict JSON. */
export function parseStrictJson(text: string): unknown {
  try {
    return JSON.parse(text.replace(/^\uFEFF/, ""));
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    return undefined;
  }
}

/** True if a value of JSON is an object. */
export function isObject(
  value: unknown,
): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
