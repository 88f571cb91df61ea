/**
 * Programs that do what a test says.
 *
 * @module
 */
import type {
  ProgramCommand,
  Programs,
  RunningProgram,
} from "../../src/programs.ts";
import type { Endpoint } from "../../src/transport.ts";

/** One of them. */
export class FakeProgram implements RunningProgram {
  readonly command: ProgramCommand;
  readonly ended: Promise<string>;
  /** True if it was told to end. */
  wasEnded = false;
  /** True if it goes on all the same. */
  isStubborn = false;
  readonly #end = Promise.withResolvers<string>();

  /** Runs. */
  constructor(command: ProgramCommand) {
    this.command = command;
    this.ended = this.#end.promise;
  }

  /** Where it was told to listen as the plugin of a client. */
  get local(): Endpoint {
    const { SS_LOCAL_HOST: host, SS_LOCAL_PORT: port } = this.command.env;
    return { host: host!, port: Number(port) };
  }

  /** Writes a line. */
  say(line: string): void {
    this.command.onLine(line);
  }

  /** Ends by itself. */
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
  /** All that were started, the first one first. */
  readonly started: FakeProgram[] = [];

  /** The one that was started last. */
  get last(): FakeProgram {
    return this.started.at(-1)!;
  }

  start(command: ProgramCommand): FakeProgram {
    const program = new FakeProgram(command);
    this.started.push(program);
    return program;
  }
}
