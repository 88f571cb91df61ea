/**
 * The program with one changed line, to see which test fails.
 *
 * @module
 */
import {
  cpSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { ROOT } from "./runtimes.ts";

/** A copy of `src`; removed when disposed of. */
export class MutantSource implements Disposable {
  /** Folder of the copy. */
  readonly path: string;
  readonly #parent: string;

  /**
   * Copies and changes the sources.
   *
   * @param file Path below `src`.
   * @param from The old text, which must occur once.
   * @param to The new text.
   */
  constructor(file: string, from: string, to: string) {
    this.#parent = mkdtempSync(join(tmpdir(), "umbra-mutant-"));
    this.path = join(this.#parent, "src");
    cpSync(join(ROOT, "src"), this.path, { recursive: true });
    // Bun looks for packages there.
    symlinkSync(
      join(ROOT, "node_modules"),
      join(this.#parent, "node_modules"),
      "dir",
    );
    const path = join(this.path, file);
    const parts = readFileSync(path, "utf8").split(from);
    if (parts.length !== 2) {
      this[Symbol.dispose]();
      throw new Error(`${file} has ${parts.length - 1} times ${from}`);
    }
    writeFileSync(path, parts.join(to));
  }

  /** Returns the URL for importing a changed file. */
  urlOf(file: string): string {
    return pathToFileURL(join(this.path, file)).href;
  }

  /** Removes the copy. */
  [Symbol.dispose](): void {
    rmSync(this.#parent, { recursive: true, force: true });
  }
}

/** The server without its silence: it closes at the first error. */
export function withoutDrain(): MutantSource {
  return new MutantSource(
    "streams/drain.ts",
    "while (!signal.aborted)",
    "while (false)",
  );
}

/** The server whose deadline starts again after an error. */
export function withSecondDeadline(): MutantSource {
  return new MutantSource(
    "service/server/client_connection.ts",
    "await drain(this.#client.reader, patience.signal);",
    "using again = this.#patience();\n" +
      "await drain(this.#client.reader, again.signal);",
  );
}
