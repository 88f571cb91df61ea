/**
 * Limits how many equal lines the log gets.
 *
 * @module
 */
import type { Clock } from "../../clock.ts";
import type { LogFields, Logger, LogLevel } from "../../observe.ts";

/** Lines of one kind that are written in a minute. */
export const MAX_LINES_PER_MINUTE = 60;

/**
 * Kinds that are counted at the same time. Lines of further kinds are not
 * limited.
 */
export const MAX_LINE_KINDS = 256;

/** Milliseconds of a minute, from the first line of a kind. */
const MINUTE_MS = 60_000;

/**
 * Writes the first lines of each kind in a minute, counts the others, and
 * writes the count at the end of the minute.
 *
 * A kind is a message with an error code. Failures of connections and warnings
 * are limited; errors and successes are not.
 */
export class LimitedLogger implements Logger, Disposable {
  readonly #logger: Logger;
  readonly #clock: Clock;
  readonly #maxLines: number;
  readonly #kinds = new Map<string, Kind>();

  /**
   * @param logger Receives the lines.
   * @param clock Measures the minute.
   * @param maxLines Lines of one kind in a minute; may be `Infinity`.
   */
  constructor(
    logger: Logger,
    clock: Clock,
    maxLines: number = MAX_LINES_PER_MINUTE,
  ) {
    this.#logger = logger;
    this.#clock = clock;
    this.#maxLines = maxLines;
  }

  /** Implements {@link Logger}. */
  enabled(level: LogLevel): boolean {
    return this.#logger.enabled(level);
  }

  /** Implements {@link Logger}. */
  log(level: LogLevel, message: string, fields?: LogFields): void {
    const kind = this.#kindOf(level, message, fields?.["code"]);
    if (kind !== undefined && ++kind.lines > this.#maxLines) return;
    this.#logger.log(level, message, fields);
  }

  /** Writes the pending counts and ends all minutes. */
  [Symbol.dispose](): void {
    for (const key of this.#kinds.keys()) this.#end(key);
  }

  /** @returns `undefined` for a line that is not limited. */
  #kindOf(
    level: LogLevel,
    message: string,
    code: LogFields[string],
  ): Kind | undefined {
    const failed = level === "info" && code !== undefined;
    if (level !== "warn" && !failed) return undefined;
    const key = `${level} ${code} ${message}`;
    const known = this.#kinds.get(key);
    if (known !== undefined || this.#kinds.size >= MAX_LINE_KINDS) return known;
    const kind: Kind = {
      level,
      message,
      code,
      lines: 0,
      startMs: this.#clock.monotonicMs(),
      cancel: this.#clock.schedule(() => this.#end(key), MINUTE_MS),
    };
    this.#kinds.set(key, kind);
    return kind;
  }

  #end(key: string): void {
    const kind = this.#kinds.get(key)!;
    const { level, message, code, lines, startMs } = kind;
    kind.cancel();
    this.#kinds.delete(key);
    const repeated = lines - this.#maxLines;
    if (repeated <= 0) return;
    const seconds = (this.#clock.monotonicMs() - startMs) / 1_000;
    this.#logger.log(level, `${message}, and more of the same`, {
      code,
      repeated,
      seconds: Math.round(seconds),
    });
  }
}

interface Kind {
  readonly level: LogLevel;
  readonly message: string;
  readonly code: LogFields[string];
  /** Number of lines, written or not. */
  lines: number;
  readonly startMs: number;
  cancel(): void;
}
