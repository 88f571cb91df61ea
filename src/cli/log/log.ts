/**
 * The log on standard error: lines for people or JSON for machines.
 *
 * @module
 */
import type { LogFields, Logger, LogLevel } from "../../observe.ts";

/** The forms of log lines. */
export type LogFormat = "text" | "json";

/** The options of a logger. */
export interface LogOptions {
  /** The form of lines; default `text`. */
  readonly format?: LogFormat;
  /** Lowest level that is written; default `info`. */
  readonly level?: LogLevel;
  /** True to leave out the time; default false. */
  readonly withoutTime?: boolean;
  /** True to colour the level, in text only; default false. */
  readonly colour?: boolean;
}

/**
 * Returns a logger that passes finished lines, with their line feed, to
 * `write`.
 *
 * @param write Receives the lines.
 * @param nowMs Returns the time in milliseconds since 1970-01-01T00:00:00Z.
 */
export function createLogger(
  write: (line: string) => void,
  nowMs: () => number,
  options: LogOptions = {},
): Logger {
  const { format = "text", level = "info", withoutTime, colour = false } =
    options;
  const enabled = (one: LogLevel): boolean => SEVERITY[one] >= SEVERITY[level];
  return {
    enabled,
    log(one, message, fields = {}): void {
      if (!enabled(one)) return;
      const time = withoutTime ? undefined : new Date(nowMs()).toISOString();
      const line = format === "json"
        ? JSON.stringify({ time, level: one, message, ...fields })
        : formatText({ time, level: one, message, fields, colour });
      write(`${line}\n`);
    },
  };
}

const SEVERITY: Readonly<Record<LogLevel, number>> = {
  debug: 0,
  info: 1,
  warn: 2,
  error: 3,
};

/** SGR parameters: grey, green, yellow, red. ECMA-48 §8.3.117. */
const COLOUR: Readonly<Record<LogLevel, number>> = {
  debug: 90,
  info: 32,
  warn: 33,
  error: 31,
};

interface TextLine {
  readonly time: string | undefined;
  readonly level: LogLevel;
  readonly message: string;
  readonly fields: LogFields;
  readonly colour: boolean;
}

function formatText(line: TextLine): string {
  const { time, level, message, fields, colour } = line;
  const word = level.toUpperCase().padEnd(5);
  const shown = colour ? `\x1b[${COLOUR[level]}m${word}\x1b[0m` : word;
  const facts = Object.entries(fields)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => ` ${key}=${quote(String(value))}`);
  const prefix = time === undefined ? "" : `${time} `;
  return `${prefix}${shown} ${escapeControls(message)}${facts.join("")}`;
}

/**
 * Quotes a value. Names of targets come from clients, and must not forge lines
 * or fields.
 */
function quote(value: string): string {
  return /^[^\s"=\p{C}]+$/u.test(value)
    ? value
    : escapeControls(JSON.stringify(value));
}

function escapeControls(text: string): string {
  return text.replace(
    /[\p{C}\u2028\u2029]/gu,
    (char) => `\\u{${char.codePointAt(0)!.toString(16)}}`,
  );
}
