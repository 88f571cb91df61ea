/**
 * The place where services run: the program itself, or one of its workers.
 *
 * @module
 */
import process from "node:process";
import type { Observed } from "../../admin/observations.ts";
import type { Logger } from "../../observe.ts";
import type { SharedSalts } from "../../security/replay_filter.ts";

/** The environment of running services. */
export interface Host {
  /** Number of the worker, from 1; not set in the program itself. */
  readonly worker?: number;
  /** Memory of salts that all workers share; not set without workers. */
  readonly salts?: SharedSalts;
  /** Resolves with the name of a signal when the services must stop. */
  stopSignal(): Promise<string>;
  /** Calls `listener` at each SIGHUP. */
  onReload(listener: () => void): void;
  /**
   * Sets the listener for errors that nothing has caught. Before the call such
   * an error ends the program.
   */
  onDefect(listener: (error: unknown) => void): void;
  /** Called once, when every service listens. */
  listening(): void;
  /** Called once, when every service has stopped. */
  stopped(observed: Observed): void;
  /**
   * Runs the same command in `count` workers until a signal.
   *
   * @returns The sum of what they have served. A worker that died reports
   * nothing; `undefined` if all have died.
   * @throws {Error} In a worker, which cannot have workers.
   */
  runWorkers(count: number, logger: Logger): Promise<Observed | undefined>;
}

/** Signals that stop the program, with their numbers. */
const STOP_SIGNALS = { SIGINT: 2, SIGTERM: 15 } as const;

/**
 * Catches all errors that nothing else has caught, in the program or in a
 * worker.
 *
 * @param fatal Receives them until another listener is set.
 * @returns An implementation of {@link Host.onDefect}.
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

/**
 * Resolves with the first signal that stops the program; a second signal exits
 * at once.
 */
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
