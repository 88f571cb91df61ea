/**
 * The log of a running program, according to its settings.
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
  /** The form in which targets are shown. */
  readonly privacy: LogPrivacy;
  /** True to write debug lines. */
  readonly verbose: boolean;
  /** True to write every line of a connection; limits then do not apply. */
  readonly connections: boolean;
  /** True to leave out the time. */
  readonly withoutTime: boolean;
  /** True to colour the level. */
  readonly colour: boolean;
  /** Number of the worker, added to every line. */
  readonly worker?: number | undefined;
}

/** The dependencies of a log. */
export interface ProgramLogWorld {
  /**
   * Writes bytes; resolves with the number of bytes that the system accepted.
   */
  readonly write: (bytes: Uint8Array) => Promise<number>;
  /** Gives the time of lines and measures minutes. */
  readonly clock: Clock;
  /** Makes the key that hides targets. */
  readonly randomBytes: RandomBytes;
}

/**
 * Returns a logger. Its disposal writes pending counts, and waits a short time
 * for the last write.
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
        "log lines were lost because they could not be written",
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

/** Adds the number of the worker to each line. */
function withWorker(logger: Logger, worker: number | undefined): Logger {
  if (worker === undefined) return logger;
  return {
    enabled: (level) => logger.enabled(level),
    log: (level, message, fields) =>
      logger.log(level, message, { ...fields, worker }),
  };
}
