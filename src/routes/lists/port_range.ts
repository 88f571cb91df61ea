/**
 * Ranges of ports in text.
 *
 * @module
 */
import type { PortRange } from "../condition.ts";

/**
 * Reads `1000:2000`, `:80` or `8000:`.
 *
 * @returns `undefined` for any other text.
 */
export function parsePortRange(text: string): PortRange | undefined {
  const match = /^(\d{0,5}):(\d{0,5})$/.exec(text);
  if (match === null || text === ":") return undefined;
  const from = Number(match[1]);
  const to = match[2] === "" ? 0xffff : Number(match[2]);
  return from <= to && to <= 0xffff ? { from, to } : undefined;
}
