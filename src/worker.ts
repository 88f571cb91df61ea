/**
 * Entry of one worker of `--workers`; see `cli/run/workers.ts`.
 *
 * @module
 */
import type { Observed } from "./admin/observations.ts";
import { catchDefects, type Host } from "./cli/run/host.ts";
import { complain } from "./cli/output.ts";
import { describeError, EXIT, isVerbose, runProgram } from "./cli/program.ts";
import type { FromWorker, ToWorker } from "./cli/run/workers.ts";

/**
 * The part of a worker's global scope that is used here. TypeScript's types for
 * workers conflict with those for windows.
 */
interface WorkerScope {
  onmessage: ((event: { readonly data: ToWorker }) => void) | null;
  postMessage(message: FromWorker): void;
}

// An error that is thrown here reaches the program, which replaces this worker.
const onDefect = catchDefects((error) => {
  throw error;
});
const scope = globalThis as unknown as WorkerScope;
const stop = Promise.withResolvers<string>();
let reload = (): void => {};

scope.onmessage = ({ data }) => {
  if (data.kind === "stop") return stop.resolve(data.signal);
  if (data.kind === "reload") return reload();
  let observed: Observed | undefined;
  const host: Host = {
    worker: data.index,
    salts: data.salts,
    stopSignal: () => stop.promise,
    onReload: (listener) => {
      reload = listener;
    },
    onDefect,
    listening: () => scope.postMessage({ kind: "listening" }),
    stopped: (snapshot) => {
      observed = snapshot;
    },
    runWorkers: () => Promise.reject(new Error("A worker has no workers")),
  };
  const ended = (code: number): void =>
    scope.postMessage({ kind: "ended", code, ...observed && { observed } });
  runProgram(data.argv, data.names, host).then(ended, (error) => {
    complain(`umbra: ${describeError(error, isVerbose(data.argv))}\n`);
    ended(EXIT.failure);
  });
};
