/**
 * The log of a running program, from what its operator asked for.
 *
 * @module
 */
import type { Clock } from "../../clock.ts";
import type { Logger } from "../../observe.ts";
import type { RandomBytes } from "../../random.ts";
import { LineWriter } from "./line_writer.ts";
import { createLogger, type LogFormat } from "./log.ts";
import { LimitedLogger, MAX_LINES_PER_MINUTE } from "./log_limit.ts";
import { type LogPrivacy, privateLogger } from "./log_privacy.ts";

/** The log settings of a program. */
export interface ProgramLogOptions {
  /** The form of lines. */
  readonly format: LogFormat;
  /** The privacy of targets in the log. */
  readonly privacy: LogPrivacy;
  /** True if debug lines are written. */
  readonly verbose: boolean;
  /** True if each connection has its line: then none is left out. */
  readonly connections: boolean;
  /** True if lines have no time. */
  readonly withoutTime: boolean;
  /** True if the level is coloured. */
  readonly colour: boolean;
  /** Number of the worker, for every line. */
  readonly worker?: number | undefined;
}

/** The world of a log. */
export interface ProgramLogWorld {
  /** Writes some bytes; settles with how many the system has taken. */
  readonly write: (bytes: Uint8Array) => Promise<number>;
  /** Dates lines and measures minutes. */
  readonly clock: Clock;
  /** Hides targets. */
  readonly randomBytes: RandomBytes;
}

/**
 * A logger; its disposal writes what it has counted but not written, and waits a
 * little until all is written.
 */
export function programLogger(
  options: ProgramLogOptions,
  { write, clock, randomBytes }: ProgramLogWorld,
): Logger & AsyncDisposable {
  const { privacy, verbose, connections, worker } = options;
  const level = verbose ? "debug" : "info";
  const writer = new LineWriter({
    write,
    clock,
    recovered: (lost) =>
      logger.log(
        "warn",
        "log lines were lost, since they could not be written",
        {
          lost,
        },
      ),
  });
  const lines = createLogger(
    (line) => writer.write(line),
    () => clock.unixMs(),
    { ...options, level },
  );
  const logger = withWorker(lines, worker);
  const limited = new LimitedLogger(
    privateLogger(logger, privacy, randomBytes),
    clock,
    verbose || connections ? Infinity : MAX_LINES_PER_MINUTE,
  );
  return {
    enabled: (level) => limited.enabled(level),
    log: (level, message, fields) => limited.log(level, message, fields),
    async [Symbol.asyncDispose](): Promise<void> {
      limited[Symbol.dispose]();
      await writer[Symbol.asyncDispose]();
    },
  };
}

/** Names the worker in each line. */
function withWorker(logger: Logger, worker: number | undefined): Logger {
  if (worker === undefined) return logger;
  return {
    enabled: (level) => logger.enabled(level),
    log: (level, message, fields) =>
      logger.log(level, message, { ...fields, worker }),
  };
}
