/**
 * Programs that are controlled by a test.
 *
 * @module
 */
import type {
  ProgramCommand,
  Programs,
  RunningProgram,
} from "../../src/programs.ts";
import type { Endpoint } from "../../src/transport.ts";

/** A controlled program. */
export class FakeProgram implements RunningProgram {
  readonly command: ProgramCommand;
  readonly ended: Promise<string>;
  /** True if it was ended. */
  wasEnded = false;
  /** True if it ignores that. */
  isStubborn = false;
  readonly #end = Promise.withResolvers<string>();

  /** Starts the program. */
  constructor(command: ProgramCommand) {
    this.command = command;
    this.ended = this.#end.promise;
  }

  /** The address on which it listens as the plugin of a client. */
  get local(): Endpoint {
    const { SS_LOCAL_HOST: host, SS_LOCAL_PORT: port } = this.command.env;
    return { host: host!, port: Number(port) };
  }

  /** Writes a line. */
  say(line: string): void {
    this.command.onLine(line);
  }

  /** Ends the program. */
  exit(how = "ended with code 1"): void {
    this.#end.resolve(how);
  }

  end(): void {
    this.wasEnded = true;
    if (!this.isStubborn) this.exit("was ended by signal 15");
  }
}

/** Starts {@link FakeProgram}s. */
export class FakePrograms implements Programs {
  /** All started programs, in order. */
  readonly started: FakeProgram[] = [];

  /** The program that was started last. */
  get last(): FakeProgram {
    return this.started.at(-1)!;
  }

  start(command: ProgramCommand): FakeProgram {
    const program = new FakeProgram(command);
    this.started.push(program);
    return program;
  }
}
