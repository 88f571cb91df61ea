/**
 * Writes lines of the log in the background; nothing waits for them.
 *
 * @module
 */
import { type Clock, pause } from "../../clock.ts";
import { LOG_FLUSH_MS, MAX_UNWRITTEN_LOG } from "../../limits.ts";

/** The options of a writer of lines. */
export interface LineWriterOptions {
  /**
   * Writes bytes; resolves with the number of bytes that the system accepted.
   */
  readonly write: (bytes: Uint8Array) => Promise<number>;
  /** Measures the wait at disposal. */
  readonly clock: Clock;
  /** Called when writing works again, with the number of lost lines. */
  readonly recovered: (lost: number) => void;
}

/**
 * Writes lines in order, one write at a time. A line that does not fit into
 * {@link MAX_UNWRITTEN_LOG} waiting characters, because the reader of the log
 * has stopped, is lost and counted; so is a line that cannot be written,
 * because the disk is full or the reader is gone.
 */
export class LineWriter implements AsyncDisposable {
  readonly #options: LineWriterOptions;
  #lines: string[] = [];
  /** Characters that wait or are being written. */
  #unwritten = 0;
  #lost = 0;
  #writing: Promise<void> | undefined;

  constructor(options: LineWriterOptions) {
    this.#options = options;
  }

  /** Accepts a line, with its line feed. */
  write(line: string): void {
    if (this.#unwritten + line.length > MAX_UNWRITTEN_LOG) {
      this.#lost++;
      return;
    }
    this.#lines.push(line);
    this.#unwritten += line.length;
    this.#writing ??= this.#writeAll();
  }

  /** Waits for the last write, at most {@link LOG_FLUSH_MS}. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#writing === undefined) return;
    const wait = new AbortController();
    await Promise.race([
      this.#writing,
      pause(this.#options.clock, LOG_FLUSH_MS, wait.signal),
    ]);
    wait.abort();
  }

  /** Writes all waiting lines. Never rejects. */
  async #writeAll(): Promise<void> {
    // Lines that are logged in one turn are written together.
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
      // The log cannot report its own failure now: the lines are counted, and
      // reported when writing works again.
      return false;
    }
  }

  #tellLost(): void {
    const lost = this.#lost;
    this.#lost = 0;
    if (lost > 0) this.#options.recovered(lost);
  }
}
