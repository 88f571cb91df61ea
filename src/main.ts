/**
 * Entry of the program on every runtime, from source and compiled.
 *
 * @module
 */
import process from "node:process";
import { untakenSockets } from "./adapters/system/inherited_sockets.ts";
import { tellReady } from "./adapters/system/service_manager.ts";
import {
  catchDefects,
  firstSignal,
  type Host,
  onHangup,
} from "./cli/run/host.ts";
import { shareSalts } from "./security/replay_filter.ts";
import { complain, tolerateClosedPipes } from "./cli/output.ts";
import { describeError, EXIT, isVerbose, runProgram } from "./cli/program.ts";
import { runWorkers, type WorkerThread } from "./cli/run/workers.ts";

/** Milliseconds before a worker that died is replaced. */
const RESPAWN_MS = 1_000;

tolerateClosedPipes();
const argv = process.argv.slice(2);
const names = [process.argv0, process.execPath];
const onDefect = catchDefects(die);
const host: Host = {
  stopSignal: firstSignal,
  onReload: onHangup,
  onDefect,
  listening,
  stopped: () => {},
  runWorkers: (count, logger) =>
    runWorkers({
      count,
      start: { argv, names, salts: shareSalts() },
      spawn: spawnWorker,
      logger,
      respawnMs: RESPAWN_MS,
      stopSignal: firstSignal,
      onReload: onHangup,
      listening,
    }),
};
runProgram(argv, names, host).then((code) => process.exit(code), die);

function die(error: unknown): void {
  complain(`umbra: ${describeError(error, isVerbose(argv))}\n`);
  process.exit(EXIT.failure);
}

/**
 * Systemd starts dependent units only after this; without it, the start times
 * out.
 */
function listening(): void {
  for (const address of untakenSockets()) {
    complain(
      `umbra: The service manager listens on ${address}, but no service uses ` +
        "it: set the same address in the .socket unit and the configuration\n",
    );
  }
  if (tellReady()) return;
  complain(
    "umbra: Cannot tell the service manager that umbra is ready: this needs " +
      "the C library and, on Deno, --allow-ffi; set Type=exec in the unit\n",
  );
}

/**
 * The worker's file is beside this one, both in the source and in a compiled
 * program.
 */
function spawnWorker(): WorkerThread {
  const url = new URL("./worker.ts", import.meta.url);
  return new Worker(url, { type: "module" }) as unknown as WorkerThread;
}
