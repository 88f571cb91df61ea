/**
 * The interface by which an adapter runs other programs. Types only.
 *
 * @module
 */

/** A program to run. */
export interface ProgramCommand {
  /** The full path of the program. */
  readonly path: string;
  /** The arguments after the program's name. */
  readonly args: readonly string[];
  /** The whole environment of the program. */
  readonly env: Readonly<Record<string, string>>;
  /**
   * Called with each line of the output, cut at `MAX_PROGRAM_LINE`; must not
   * throw.
   */
  onLine(line: string): void;
}

/** A program that was started. */
export interface RunningProgram {
  /**
   * Resolves with the way in which the program ended, such as
   * `ended with code 1`. It never rejects.
   */
  readonly ended: Promise<string>;
  /**
   * Sends SIGTERM, and SIGKILL if the program still runs after 3 seconds.
   * Idempotent.
   */
  end(): void;
}

/** Runs programs. All of them end with this process, however it ends. */
export interface Programs {
  /** Starts a program. A failure to start is reported by `ended`. */
  start(command: ProgramCommand): RunningProgram;
}

/** Used where programs may not be run. */
export const noPrograms: Programs = {
  start: () => ({
    ended: Promise.resolve("was not started: programs may not be run here"),
    end: () => {},
  }),
};
