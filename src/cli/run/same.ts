/**
 * Compares two configurations of a service.
 *
 * @module
 */

/** True if all parts are equal; functions are not compared. */
export function same(one: unknown, other: unknown): boolean {
  return fingerprint(one) === fingerprint(other);
}

function fingerprint(value: unknown): string {
  return JSON.stringify(value, (_key, part) => {
    if (part instanceof Uint8Array) return part.join();
    if (part instanceof Map) return Object.fromEntries(part);
    return part;
  }) ?? "";
}
