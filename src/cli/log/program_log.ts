/**
 * The log of a running program, from what its operator asked for.
 *
 * @module
 */
import type { Clock } from "../../clock.ts";
import type { Logger } from "../../observe.ts";
import type { RandomBytes } from "../../random.ts";
import { createLogger, type LogFormat } from "./log.ts";
import { LimitedLogger, MAX_LINES_PER_MINUTE } from "./log_limit.ts";
import { type LogPrivacy, privateLogger } from "./log_privacy.ts";

/** What was asked for. */
export interface ProgramLogOptions {
  /** How lines look. */
  readonly format: LogFormat;
  /** What they tell of targets. */
  readonly privacy: LogPrivacy;
  /** Whether debug lines are written. */
  readonly verbose: boolean;
  /** Whether each connection has its line: then none is left out. */
  readonly connections: boolean;
  /** Whether lines have no time. */
  readonly withoutTime: boolean;
  /** Whether the level is coloured. */
  readonly colour: boolean;
  /** Number of the worker, for every line. */
  readonly worker?: number | undefined;
}

/** What the log is made of. */
export interface ProgramLogWorld {
  /** Takes finished lines. */
  readonly write: (line: string) => void;
  /** Dates lines and measures minutes. */
  readonly clock: Clock;
  /** Hides targets. */
  readonly randomBytes: RandomBytes;
}

/** A logger; its disposal writes what it has counted but not told. */
export function programLogger(
  options: ProgramLogOptions,
  { write, clock, randomBytes }: ProgramLogWorld,
): Logger & Disposable {
  const { privacy, verbose, connections, worker } = options;
  const lines = createLogger(write, () => clock.unixMs(), {
    ...options,
    level: verbose ? "debug" : "info",
  });
  return new LimitedLogger(
    privateLogger(withWorker(lines, worker), privacy, randomBytes),
    clock,
    verbose || connections ? Infinity : MAX_LINES_PER_MINUTE,
  );
}

/** Tells in each line which worker it is about. */
function withWorker(logger: Logger, worker: number | undefined): Logger {
  if (worker === undefined) return logger;
  return {
    enabled: (level) => logger.enabled(level),
    log: (level, message, fields) =>
      logger.log(level, message, { ...fields, worker }),
  };
}
