/**
 * What an adapter must provide to run other programs. Types only.
 *
 * @module
 */

/** A program to run. */
export interface ProgramCommand {
  /** Full path. */
  readonly path: string;
  /** The arguments behind the name. */
  readonly args: readonly string[];
  /** The whole environment of the program. */
  readonly env: Readonly<Record<string, string>>;
  /**
   * Told each line of its output, cut at `MAX_PROGRAM_LINE`; must not throw.
   */
  onLine(line: string): void;
}

/** A program that was started. */
export interface RunningProgram {
  /** Settles with how it ended: `ended with code 1`. It never rejects. */
  readonly ended: Promise<string>;
  /**
   * Ends it: SIGTERM, and SIGKILL where that has not helped in 3 seconds.
   * Idempotent.
   */
  end(): void;
}

/** Runs programs; none of them outlives this process, however it ends. */
export interface Programs {
  /** Starts one. What goes wrong with it is how it `ended`. */
  start(command: ProgramCommand): RunningProgram;
}

/** The stand-in where no programs may run. */
export const noPrograms: Programs = {
  start: () => ({
    ended: Promise.resolve("was not started: no programs are run here"),
    end: () => {},
  }),
};
