import assert from "node:assert/strict";
import { test } from "node:test";
import {
  Observations,
  type Observed,
} from "../../../../src/admin/observations.ts";
import {
  type FromWorker,
  runWorkers,
  type ToWorker,
  WorkerFailure,
  type WorkersOptions,
  type WorkerThread,
} from "../../../../src/cli/run/workers.ts";
import { FakeClock } from "../../../support/fake_clock.ts";

const SALTS = { recent: new ArrayBuffer(0), minute: new ArrayBuffer(0) };

test("runWorkers() starts one after the other, and stops all on the signal", async () => {
  const { crew, stop, running, listening } = start(3);
  assert.equal(crew.length, 1);
  for (let i = 0; i < 3; i++) {
    assert.deepEqual(crew[i]!.told[0], {
      kind: "start",
      index: i + 1,
      argv: ["server"],
      names: ["umbra"],
      salts: SALTS,
    });
    assert.equal(listening(), 0);
    crew[i]!.tell({ kind: "listening" });
    await turn();
  }
  assert.equal(listening(), 1);
  stop("SIGTERM");
  await turn();
  for (const thread of crew) {
    assert.deepEqual(thread.told.at(-1), { kind: "stop", signal: "SIGTERM" });
  }
  let over = false;
  running.then(() => over = true);
  crew[0]!.tell({ kind: "ended", code: 0 });
  crew[1]!.tell({ kind: "ended", code: 0, observed: observed(4, 20) });
  await turn();
  assert.ok(!over);
  crew[2]!.tell({ kind: "ended", code: 0, observed: observed(1, 7) });
  assert.deepEqual(await running, observed(5, 27));
  assert.ok(crew.every(({ terminated }) => terminated));
});

test("runWorkers() starts no more, when the signal comes meanwhile", async () => {
  const { crew, stop, running } = start(3);
  stop("SIGTERM");
  await turn();
  crew[0]!.tell({ kind: "listening" });
  await turn();
  assert.equal(crew.length, 1);
  assert.deepEqual(crew[0]!.told.at(-1), { kind: "stop", signal: "SIGTERM" });
  crew[0]!.tell({ kind: "ended", code: 0 });
  await running;
});

test("runWorkers() lets every worker read its configuration again", async () => {
  const { crew, reload, stop } = start(2);
  for (let i = 0; i < 2; i++) {
    crew[i]!.tell({ kind: "listening" });
    await turn();
  }
  reload();
  for (const { told } of crew) {
    assert.deepEqual(told.at(-1), { kind: "reload" });
  }
  stop("SIGTERM");
  for (const thread of crew) thread.tell({ kind: "ended", code: 0 });
});

test("runWorkers() fails with the exit code of a worker that cannot start", async () => {
  const { crew, running } = start(2);
  crew[0]!.tell({ kind: "ended", code: 1 });
  await assert.rejects(
    running,
    (error) => error instanceof WorkerFailure && error.code === 1,
  );
  assert.equal(crew.length, 1);
});

test("runWorkers() ends those that run, when a later one cannot start", async () => {
  const { crew, running } = start(2);
  crew[0]!.tell({ kind: "listening" });
  await turn();
  crew[1]!.fail("no such file");
  await assert.rejects(running, /Worker 2 cannot start: no such file/);
  assert.ok(crew[0]!.terminated);
});

test("runWorkers() replaces a worker that dies, and says so", async () => {
  const { crew, stop, running, lines } = start(1);
  crew[0]!.tell({ kind: "listening" });
  await turn();
  crew[0]!.fail("out of memory");
  await turn(20);
  assert.equal(crew.length, 2);
  assert.deepEqual(lines, [
    "error worker 1 died and is replaced: out of memory",
  ]);
  crew[1]!.tell({ kind: "listening" });
  crew[1]!.tell({ kind: "ended", code: 1 });
  await turn(20);
  assert.equal(crew.length, 3);
  crew[2]!.tell({ kind: "listening" });
  await turn();
  stop("SIGINT");
  await turn();
  crew[2]!.tell({ kind: "ended", code: 0 });
  await running;
});

test("runWorkers() stops while a dead worker waits to be replaced", async () => {
  const { crew, stop, running } = start(1);
  crew[0]!.tell({ kind: "listening" });
  await turn();
  crew[0]!.fail("gone");
  stop("SIGTERM");
  await running;
  assert.equal(crew.length, 1);
});

/** What a worker may have served. */
function observed(connections: number, bytesUp: number): Observed {
  const observations = new Observations(new FakeClock());
  for (let i = 0; i < connections; i++) observations.connectionOpened();
  observations.bytesRelayed("up", bytesUp);
  return observations.snapshot;
}

/** A thread that does what the test says. */
class FakeThread implements WorkerThread {
  onmessage: WorkerThread["onmessage"] = null;
  onerror: WorkerThread["onerror"] = null;
  terminated = false;
  readonly told: ToWorker[] = [];

  postMessage(message: ToWorker): void {
    this.told.push(message);
  }

  terminate(): void {
    this.terminated = true;
  }

  tell(data: FromWorker): void {
    this.onmessage?.({ data });
  }

  fail(message: string): void {
    this.onerror?.({ message, preventDefault: () => {} });
  }
}

function start(count: number): {
  crew: FakeThread[];
  stop: (signal: string) => void;
  reload: () => void;
  running: Promise<Observed | undefined>;
  lines: string[];
  /** How often everybody was told to listen. */
  listening: () => number;
} {
  const crew: FakeThread[] = [];
  const lines: string[] = [];
  let reload = (): void => {};
  let listening = 0;
  const { promise, resolve } = Promise.withResolvers<string>();
  const options: WorkersOptions = {
    count,
    start: { argv: ["server"], names: ["umbra"], salts: SALTS },
    spawn(): WorkerThread {
      const thread = new FakeThread();
      crew.push(thread);
      return thread;
    },
    logger: {
      enabled: () => true,
      log: (level, message, fields) =>
        lines.push(`${level} ${message}: ${fields?.["reason"]}`),
    },
    respawnMs: 5,
    stopSignal: () => promise,
    onReload: (listener) => reload = listener,
    listening: () => void listening++,
  };
  const running = runWorkers(options);
  running.catch(() => {});
  return {
    crew,
    stop: resolve,
    reload: () => reload(),
    running,
    lines,
    listening: () => listening,
  };
}

function turn(ms = 0): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
