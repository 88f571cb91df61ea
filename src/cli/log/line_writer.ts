/**
 * Lines on their way to the log, of which nothing ever waits.
 *
 * @module
 */
import { pause } from "../../clock.ts";
import type { Clock } from "../../clock.ts";
import { LOG_FLUSH_MS, MAX_UNWRITTEN_LOG } from "../../limits.ts";

/** The options of a writer of lines. */
export interface LineWriterOptions {
  /** Writes some bytes; settles with how many the system has taken. */
  readonly write: (bytes: Uint8Array) => Promise<number>;
  /** Measures the wait at the end. */
  readonly clock: Clock;
  /** Called when lines are written again, with how many were lost before. */
  readonly recovered: (lost: number) => void;
}

/**
 * Writes lines in their order, one write at a time. What comes while
 * {@link MAX_UNWRITTEN_LOG} characters wait, since the reader of the log has
 * stopped, is lost and counted; so is what cannot be written, since the disk is
 * full or the reader has gone.
 */
export class LineWriter implements AsyncDisposable {
  readonly #options: LineWriterOptions;
  #lines: string[] = [];
  /** Characters that wait, or are being written. */
  #unwritten = 0;
  #lost = 0;
  #writing: Promise<void> | undefined;

  /** Nothing is written yet. */
  constructor(options: LineWriterOptions) {
    this.#options = options;
  }

  /** Takes a line, with its line feed. */
  write(line: string): void {
    if (this.#unwritten + line.length > MAX_UNWRITTEN_LOG) {
      this.#lost++;
      return;
    }
    this.#lines.push(line);
    this.#unwritten += line.length;
    this.#writing ??= this.#writeAll();
  }

  /** Waits a little until everything is written. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#writing === undefined) return;
    const wait = new AbortController();
    await Promise.race([
      this.#writing,
      pause(this.#options.clock, LOG_FLUSH_MS, wait.signal),
    ]);
    wait.abort();
  }

  /** Never rejects. */
  async #writeAll(): Promise<void> {
    // What is logged in one go leaves in one write.
    await Promise.resolve();
    while (this.#lines.length > 0) {
      const lines = this.#lines;
      this.#lines = [];
      const text = lines.join("");
      const isWritten = await this.#writeText(text);
      this.#unwritten -= text.length;
      if (!isWritten) this.#lost += lines.length;
      else this.#tellLost();
    }
    this.#writing = undefined;
  }

  async #writeText(text: string): Promise<boolean> {
    const bytes = new TextEncoder().encode(text);
    try {
      for (let at = 0; at < bytes.length;) {
        at += await this.#options.write(bytes.subarray(at));
      }
      return true;
    } catch {
      // The log itself has failed: it is counted, and reported once it works again.
      return false;
    }
  }

  #tellLost(): void {
    const lost = this.#lost;
    this.#lost = 0;
    if (lost > 0) this.#options.recovered(lost);
  }
}
