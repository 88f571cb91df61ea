/**
 * Entry of one worker of `--workers`; see `cli/run/workers.ts`.
 *
 * @module
 */
import type { Observed } from "./admin/observations.ts";
import type { Host } from "./cli/run/host.ts";
import { runProgram } from "./cli/program.ts";
import type { FromWorker, ToWorker } from "./cli/run/workers.ts";

/** The part of a worker's global scope used here; TypeScript's clashes. */
interface WorkerScope {
  onmessage: ((event: { readonly data: ToWorker }) => void) | null;
  postMessage(message: FromWorker): void;
}

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
    listening: () => scope.postMessage({ kind: "listening" }),
    stopped: (snapshot) => {
      observed = snapshot;
    },
    runWorkers: () => Promise.reject(new Error("A worker has no workers")),
  };
  runProgram(data.argv, data.names, host)
    .then((code) =>
      scope.postMessage({ kind: "ended", code, ...observed && { observed } })
    );
};
