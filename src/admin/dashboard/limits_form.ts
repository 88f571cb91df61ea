/// <reference lib="dom" />
/**
 * The limits of a user as a form, in units that people use.
 *
 * @module
 */
import type { UserLimits } from "../../users.ts";
import { byId, field, within } from "./dom.ts";
import { translate } from "./translate.ts";

const GIB = 2 ** 30;
const BYTES_PER_MBIT = 125_000;

/** One limit: its input, and how it is written and read. */
interface LimitField {
  readonly input: string;
  readonly limit: keyof UserLimits;
  readonly write: (value: number) => string;
  readonly read: (text: string) => number;
}

const FIELDS: readonly LimitField[] = [
  {
    input: "quota",
    limit: "quotaBytes",
    write: (bytes) => String(bytes / GIB),
    read: (text) => Math.round(Number(text) * GIB),
  },
  {
    input: "speed",
    limit: "bytesPerSecond",
    write: (bytes) => String(bytes / BYTES_PER_MBIT),
    read: (text) => Math.round(Number(text) * BYTES_PER_MBIT),
  },
  {
    input: "connections",
    limit: "maxConnections",
    write: String,
    read: Number,
  },
  { input: "hosts", limit: "maxHosts", write: String, read: Number },
  {
    input: "expires",
    limit: "expiresUnixMs",
    write: localMinute,
    read: (text) => new Date(text).getTime(),
  },
];

/** Puts the form into a dialog. */
export function placeLimits(dialog: HTMLDialogElement): void {
  const template = byId("limits", HTMLTemplateElement);
  const form = within(dialog, "div.limits", HTMLElement);
  form.append(template.content.cloneNode(true));
  translate(form);
}

/** Writes limits into the form. */
export function writeLimits(form: ParentNode, limits: UserLimits): void {
  for (const { input, limit, write } of FIELDS) {
    const value = limits[limit];
    field(form, input).value = value === undefined ? "" : write(value);
  }
}

/**
 * Reads the limits of the form.
 *
 * @param old The limits that were written; an unchanged field keeps the exact
 * value.
 */
export function readLimits(form: ParentNode, old: UserLimits): UserLimits {
  const entries = FIELDS.flatMap(({ input, limit, write, read }) => {
    const { value } = field(form, input);
    const before = old[limit];
    if (value === "") return [];
    const same = before !== undefined && write(before) === value;
    return [[limit, same ? before : read(value)]];
  });
  return Object.fromEntries(entries);
}

/** Formats local time to the minute for `<input type="datetime-local">`. */
function localMinute(unixMs: number): string {
  const offsetMs = new Date(unixMs).getTimezoneOffset() * 60_000;
  return new Date(unixMs - offsetMs).toISOString().slice(0, 16);
}
