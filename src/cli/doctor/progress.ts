/**
 * Shows the progress of an operation: on a terminal one line that is redrawn,
 * anywhere else a line every few seconds.
 *
 * @module
 */
import type { Clock } from "../../clock.ts";

/** Milliseconds between two drawings on a terminal. */
const DRAW_MS = 100;

/** Milliseconds between two lines if the output is not a terminal. */
const LINE_MS = 2_000;

/** Width of a bar in columns. */
const BAR_WIDTH = 24;

/** The output that shows progress. */
export interface Screen {
  /** Writes text unchanged. */
  write(text: string): void;
  /** True if a line can be redrawn. */
  readonly isTerminal: boolean;
}

/** Shows the progress of one operation after another. */
export class Progress {
  readonly #screen: Screen;
  readonly #clock: Clock;
  #shownAtMs = -Infinity;
  #drawn = false;

  /** @param clock Limits how often a line is drawn. */
  constructor(screen: Screen, clock: Clock) {
    this.#screen = screen;
    this.#clock = clock;
    this.clear();
  }

  /**
   * Shows the progress, unless it was shown a moment ago.
   *
   * @param share From 0 to 1; not set if unknown.
   */
  show(share: number | undefined, text: string): void {
    const { isTerminal } = this.#screen;
    const nowMs = this.#clock.monotonicMs();
    if (nowMs - this.#shownAtMs < (isTerminal ? DRAW_MS : LINE_MS)) return;
    this.#shownAtMs = nowMs;
    if (!isTerminal) return this.#screen.write(`${text}\n`);
    this.#drawn = true;
    this.#screen.write(`\r\x1b[K${bar(share)} ${text}`);
  }

  /** Erases the drawn line before other output. Idempotent. */
  clear(): void {
    if (this.#drawn) this.#screen.write("\r\x1b[K");
    this.#drawn = false;
    // Without a terminal, a short operation gets no line.
    this.#shownAtMs = this.#screen.isTerminal
      ? -Infinity
      : this.#clock.monotonicMs();
  }
}

/**
 * Formats a bar, `[=======>          ]`; filled with dots if the share is
 * unknown.
 */
export function bar(share: number | undefined): string {
  if (share === undefined) return `[${".".repeat(BAR_WIDTH)}]`;
  const filled = Math.round(Math.min(1, Math.max(0, share)) * BAR_WIDTH);
  const arrow = filled === BAR_WIDTH ? "=" : ">";
  const done = filled === 0 ? "" : "=".repeat(filled - 1) + arrow;
  return `[${done.padEnd(BAR_WIDTH)}]`;
}
