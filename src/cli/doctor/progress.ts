/**
 * How far something is, for people who wait: one line that is drawn again and
 * again on a terminal, a line now and then anywhere else.
 *
 * @module
 */
import type { Clock } from "../../clock.ts";

/** Milliseconds between two drawings on a terminal. */
const DRAW_MS = 100;

/** Milliseconds between two lines where there is no terminal. */
const LINE_MS = 2_000;

/** Columns of a bar. */
const BAR_WIDTH = 24;

/** The output that shows progress. */
export interface Screen {
  /** Writes text as it is. */
  write(text: string): void;
  /** True if a line may be drawn over. */
  readonly isTerminal: boolean;
}

/** Shows one thing after the other. */
export class Progress {
  readonly #screen: Screen;
  readonly #clock: Clock;
  #shownAtMs = -Infinity;
  #drawn = false;

  /** @param clock Limits how often. */
  constructor(screen: Screen, clock: Clock) {
    this.#screen = screen;
    this.#clock = clock;
    this.clear();
  }

  /**
   * Shows how far it is, unless it did so just now.
   *
   * @param share From 0 to 1; not set: unknown.
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

  /** Wipes the drawn line, for what is to be written next. Idempotent. */
  clear(): void {
    if (this.#drawn) this.#screen.write("\r\x1b[K");
    this.#drawn = false;
    // What is quickly over needs no line.
    this.#shownAtMs = this.#screen.isTerminal
      ? -Infinity
      : this.#clock.monotonicMs();
  }
}

/** `[=======>          ]`; full of dots where the share is not known. */
export function bar(share: number | undefined): string {
  if (share === undefined) return `[${".".repeat(BAR_WIDTH)}]`;
  const filled = Math.round(Math.min(1, Math.max(0, share)) * BAR_WIDTH);
  const arrow = filled === BAR_WIDTH ? "=" : ">";
  const done = filled === 0 ? "" : "=".repeat(filled - 1) + arrow;
  return `[${done.padEnd(BAR_WIDTH)}]`;
}
