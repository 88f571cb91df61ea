/**
 * Runs several threads of the program on one port.
 *
 * Workers share the port, over which the system distributes new connections
 * (SO_REUSEPORT), and the memory of salts; they share nothing else. The program
 * starts them, replaces one that dies, forwards signals and waits for all.
 *
 * @module
 */
import { type Observed, sumObserved } from "../../admin/observations.ts";
import type { Logger } from "../../observe.ts";
import type { SharedSalts } from "../../security/replay_filter.ts";

/** A message to a worker. */
export type ToWorker =
  /** Run this command line as the worker of this number. */
  | {
    readonly kind: "start";
    readonly index: number;
    readonly argv: readonly string[];
    readonly names: readonly (string | undefined)[];
    /** The memory of salts of all workers. */
    readonly salts: SharedSalts;
  }
  /** Read the configuration again. */
  | { readonly kind: "reload" }
  /** Stop with the grace of the command line. */
  | { readonly kind: "stop"; readonly signal: string };

/** A message of a worker. */
export type FromWorker =
  /** The services of the worker listen. */
  | { readonly kind: "listening" }
  /** The worker has ended, with the exit code that a program would have. */
  | {
    readonly kind: "ended";
    readonly code: number;
    /** The counts of the worker; not set if it never served. */
    readonly observed?: Observed;
  };

/** A worker thread of either runtime. */
export interface WorkerThread {
  postMessage(message: ToWorker): void;
  terminate(): void;
  onmessage: ((event: { readonly data: FromWorker }) => void) | null;
  onerror:
    | ((event: { readonly message?: string; preventDefault(): void }) => void)
    | null;
}

/** The options of workers. */
export interface WorkersOptions {
  /** The number of workers, at least 2. */
  readonly count: number;
  /**
   * Command line and names of the program, and the state that its workers
   * share.
   */
  readonly start: Omit<ToWorker & { kind: "start" }, "kind" | "index">;
  /** Makes a thread that waits for its `start` message. */
  spawn(): WorkerThread;
  /** Logs workers that end. */
  readonly logger: Logger;
  /** Milliseconds before a dead worker is replaced. */
  readonly respawnMs: number;
  /** Resolves with the name of a signal when all workers must stop. */
  stopSignal(): Promise<string>;
  /** Calls `listener` when all workers must reload. */
  onReload(listener: () => void): void;
  /** Called once, when every worker listens. */
  listening(): void;
}

/**
 * Runs workers until the signal.
 *
 * @returns The sum of what they have served; `undefined` if all have died.
 * @throws {WorkerFailure} If a worker cannot start; the worker has logged why.
 */
export async function runWorkers(
  options: WorkersOptions,
): Promise<Observed | undefined> {
  let served: Observed | undefined;
  const onServed = (observed: Observed): void => {
    served = served ? sumObserved([served, observed]) : observed;
  };
  const signal = options.stopSignal();
  const crew = Array.from(
    { length: options.count },
    (_, i) => new Member(i + 1, options, onServed),
  );
  try {
    const started = await startCrew(crew, signal);
    options.onReload(() => started.forEach((member) => member.reload()));
    options.listening();
    const name = await signal;
    await Promise.all(started.map((member) => member.stop(name)));
    return served;
  } catch (error) {
    for (const member of crew) member.terminate();
    throw error;
  }
}

/**
 * Starts the workers one after the other, until all run or a signal stops them.
 *
 * @returns The workers that run.
 */
async function startCrew(
  crew: readonly Member[],
  signal: Promise<unknown>,
): Promise<Member[]> {
  let stopping = false;
  const stop = (): boolean => stopping = true;
  signal.then(stop, stop);
  const started: Member[] = [];
  for (const member of crew) {
    if (stopping) break;
    // The start is sequential: if the first worker cannot listen, there is one
    // error only.
    await member.start();
    started.push(member);
  }
  return started;
}

/** A worker could not start; the worker has logged why. */
export class WorkerFailure extends Error {
  /** Exit code of the program. */
  readonly code: number;

  /** @param code See {@link WorkerFailure.code}. */
  constructor(code: number) {
    super(`A worker ended with code ${code}`);
    this.code = code;
  }
}

/** A place among the workers, and its present thread. */
class Member {
  readonly #index: number;
  readonly #options: WorkersOptions;
  readonly #onServed: (observed: Observed) => void;
  readonly #stopped = Promise.withResolvers<void>();
  #thread: WorkerThread | undefined;
  #stopping = false;

  constructor(
    index: number,
    options: WorkersOptions,
    onServed: (observed: Observed) => void,
  ) {
    this.#index = index;
    this.#options = options;
    this.#onServed = onServed;
  }

  /** Resolves when the thread listens. */
  start(): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const { spawn, start } = this.#options;
    const thread = this.#thread = spawn();
    let listening = false;
    thread.onmessage = ({ data }) => {
      if (data.kind === "listening") {
        listening = true;
        return resolve();
      }
      if (data.observed !== undefined) this.#onServed(data.observed);
      if (this.#stopping) {
        this.#stopped.resolve();
      } else if (!listening) {
        reject(new WorkerFailure(data.code));
      } else this.#replace(`it ended with code ${data.code}`);
    };
    thread.onerror = (event) => {
      event.preventDefault();
      const reason = event.message ?? "unknown error";
      if (this.#stopping) this.#stopped.resolve();
      else if (listening) this.#replace(reason);
      else reject(new Error(`Worker ${this.#index} cannot start: ${reason}`));
    };
    const message = { kind: "start", index: this.#index, ...start } as const;
    thread.postMessage(message);
    return promise;
  }

  reload(): void {
    this.#thread?.postMessage({ kind: "reload" });
  }

  async stop(signal: string): Promise<void> {
    this.#stopping = true;
    this.#thread?.postMessage({ kind: "stop", signal });
    await this.#stopped.promise;
    this.terminate();
  }

  terminate(): void {
    this.#stopping = true;
    this.#thread?.terminate();
    this.#thread = undefined;
  }

  #replace(reason: string): void {
    const { logger, respawnMs } = this.#options;
    this.#thread?.terminate();
    logger.log("error", `worker ${this.#index} died and is replaced`, {
      reason,
    });
    this.#thread = undefined;
    setTimeout(() => {
      if (this.#stopping) this.#stopped.resolve();
      else this.start().catch((error: Error) => this.#replace(error.message));
    }, respawnMs);
  }
}
