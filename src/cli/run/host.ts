/**
 * Where services run: in the program itself, or in one of its workers.
 *
 * @module
 */
import process from "node:process";
import type { Observed } from "../../admin/observations.ts";
import type { Logger } from "../../observe.ts";
import type { SharedSalts } from "../../security/replay_filter.ts";

/** The world of running services. */
export interface Host {
  /** Number of the worker, from 1; not set in the program itself. */
  readonly worker?: number;
  /** Salts that all workers remember together; not set without workers. */
  readonly salts?: SharedSalts;
  /** Settles with a signal's name when the services shall stop. */
  stopSignal(): Promise<string>;
  /** Calls `listener` at each SIGHUP. */
  onReload(listener: () => void): void;
  /**
   * From now on `listener` gets what nothing has caught; until then that ends
   * the program.
   */
  onDefect(listener: (error: unknown) => void): void;
  /** Called once, when every service listens. */
  listening(): void;
  /** Called once, when every service has stopped. */
  stopped(observed: Observed): void;
  /**
   * Runs the same command in so many workers until a signal.
   *
   * @returns What they have served together; a worker that died reports nothing,
   * `undefined` when all have.
   * @throws {Error} In a worker: it has none of its own.
   */
  runWorkers(count: number, logger: Logger): Promise<Observed | undefined>;
}

/** Signals that stop the program, with their numbers. */
const STOP_SIGNALS = { SIGINT: 2, SIGTERM: 15 } as const;

/**
 * What nothing has caught, in the program or in a worker.
 *
 * @param fatal Takes it until somebody else does.
 * @returns Implements {@link Host.onDefect}.
 */
export function catchDefects(
  fatal: (error: unknown) => void,
): Host["onDefect"] {
  let take = fatal;
  for (const event of ["uncaughtException", "unhandledRejection"]) {
    process.on(event, (error: unknown) => take(error));
  }
  return (listener) => {
    take = listener;
  };
}

/** Calls `listener` at each SIGHUP, on systems that have it. */
export function onHangup(listener: () => void): void {
  if (process.platform !== "win32") process.on("SIGHUP", listener);
}

/** The first signal that stops the program; the second ends it at once. */
export function firstSignal(): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<string>();
  let signalled = false;
  for (const [name, number] of Object.entries(STOP_SIGNALS)) {
    process.on(name, () => {
      if (signalled) process.exit(128 + number);
      signalled = true;
      resolve(name);
    });
  }
  return promise;
}
