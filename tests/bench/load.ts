/**
 * The client of a benchmark, on Bun: a SOCKS5 client that measures.
 *
 * Usage: `bun load.ts PROXY_PORT TARGET_PORT KIND CONNECTIONS SECONDS [NAME]`,
 * where KIND is `down`, `up`, `rate`, `first`, `sessions` or `hold`. With
 * PROXY_PORT 0 it connects directly to the target; NAME replaces 127.0.0.1 in
 * requests. Prints one JSON object.
 *
 * @module
 */
import process from "node:process";
import type {
  BunHandlers,
  BunNet,
  BunSocket,
} from "../../src/adapters/net/_bun_types.ts";

declare const Bun: BunNet;

type Socket = BunSocket<State>;

const [proxyPort, targetPort, kind, connections, seconds] = [
  Number(process.argv[2]),
  Number(process.argv[3]),
  process.argv[4]!,
  Number(process.argv[5]),
  Number(process.argv[6]),
];

interface State {
  readonly onOpen: (socket: Socket) => void;
  readonly onData: (socket: Socket, chunk: Uint8Array) => void;
  readonly onDrain: (socket: Socket) => void;
  readonly onClose: () => void;
  phase: number;
  got: number;
}

/** Milliseconds without a finished session after which none is expected. */
const STUCK_MS = 15_000;

const GREETING = Uint8Array.of(5, 1, 0);
const NAME = process.argv[7];

const REQUEST = Uint8Array.of(
  ...[5, 1, 0],
  ...NAME === undefined
    ? [1, 127, 0, 0, 1]
    : [3, NAME.length, ...new TextEncoder().encode(NAME)],
  targetPort >> 8,
  targetPort & 0xff,
);

/** Opens a connection through the proxy and calls the handlers. */
function open(handlers: Partial<State>): void {
  const nothing = (): void => {};
  const state: State = {
    onOpen: nothing,
    onData: nothing,
    onDrain: nothing,
    onClose: nothing,
    phase: proxyPort === 0 ? 2 : 0,
    got: 0,
    ...handlers,
  };
  const socket: BunHandlers<State> = {
    binaryType: "uint8array",
    open(socket): void {
      socket.data = state;
      if (state.phase === 2) state.onOpen(socket);
      else socket.write(GREETING);
    },
    data(socket, chunk): void {
      if (state.phase === 2) return state.onData(socket, chunk);
      state.got += chunk.length;
      if (state.phase === 0 && state.got === 2) {
        state.phase = 1;
        socket.write(REQUEST);
      } else if (state.phase === 1 && state.got === 12) {
        state.phase = 2;
        state.onOpen(socket);
      }
    },
    drain: (socket) => state.onDrain(socket),
    end: (socket) => socket.end(),
    close: () => state.onClose(),
    error: () => {},
    connectError: () => state.onClose(),
  };
  // A refused dial is reported through `connectError`.
  Bun.connect({
    hostname: "127.0.0.1",
    port: proxyPort === 0 ? targetPort : proxyPort,
    allowHalfOpen: true,
    socket,
  }).catch(() => {});
}

function letter(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

/** Measures bytes a second over all connections, without the first second. */
function throughput(): void {
  let bytes = 0;
  const block = new Uint8Array(1 << 18);
  const pour = (socket: Socket): void => {
    for (;;) {
      const taken = socket.write(block);
      if (taken > 0) bytes += taken;
      if (taken < block.length) return;
    }
  };
  for (let i = 0; i < connections; i++) {
    open({
      onOpen(socket): void {
        socket.write(letter(kind === "down" ? "D" : "U"));
        if (kind === "up") pour(socket);
      },
      onData: (_socket, chunk) => void (bytes += chunk.length),
      onDrain: kind === "up" ? pour : () => {},
    });
  }
  setTimeout(() => {
    bytes = 0;
    const start = performance.now();
    setTimeout(() => {
      const value = bytes / 2 ** 20 / ((performance.now() - start) / 1_000);
      finish({ value, unit: "MiB/s" });
    }, seconds * 1_000);
  }, 1_000);
}

/** Measures new connections a second; each sends and receives one byte. */
function rate(): void {
  let done = 0;
  let all = 0;
  let failed = 0;
  let counting = false;
  const next = (): void => {
    let answered = false;
    open({
      onOpen: (socket) => void socket.write(letter("P")),
      onData(socket): void {
        answered = true;
        socket.end();
      },
      onClose(): void {
        all++;
        if (counting) answered ? done++ : failed++;
        next();
      },
    });
  };
  for (let i = 0; i < connections; i++) next();
  setTimeout(() => {
    counting = true;
    const start = performance.now();
    setTimeout(() => {
      const value = done / ((performance.now() - start) / 1_000);
      finish({ value, unit: "1/s", all, failed });
    }, seconds * 1_000);
  }, 1_000);
}

/**
 * Measures milliseconds from the connect to the first byte, one connection at a
 * time, without the first second.
 */
function first(): void {
  const times: number[] = [];
  const begin = performance.now() + 1_000;
  const next = (): void => {
    const start = performance.now();
    if (start > begin + seconds * 1_000) {
      const perSecond = times.length / ((start - begin) / 1_000);
      times.sort((a, b) => a - b);
      finish({ value: times[times.length >> 1]!, unit: "ms", perSecond });
      return;
    }
    open({
      onOpen: (socket) => void socket.write(letter("P")),
      onData(socket): void {
        if (start >= begin) times.push(performance.now() - start);
        socket.end();
      },
      onClose: next,
    });
  };
  next();
}

/**
 * Runs a number of short sessions, 32 at a time. It also ends if no session has
 * finished for {@link STUCK_MS}: the open ones have then lost their wake-up.
 */
function sessions(): void {
  let started = 0;
  let answered = 0;
  let ended = 0;
  let lastMs = performance.now();
  const result = (): Record<string, unknown> => ({
    ...{ value: ended, unit: "sessions" },
    ...{ answered, stuck: connections - ended },
  });
  const next = (): void => {
    if (started === connections) return;
    started++;
    open({
      onOpen: (socket) => void socket.write(letter("P")),
      onData(socket): void {
        answered++;
        socket.end();
      },
      onClose(): void {
        lastMs = performance.now();
        if (++ended === connections) finish(result());
        next();
      },
    });
  };
  setInterval(() => {
    if (performance.now() - lastMs > STUCK_MS) finish(result());
  }, 1_000);
  for (let i = 0; i < 32; i++) next();
}

/** Holds connections open: prints when all have answered, then waits. */
function hold(): void {
  let answered = 0;
  let opened = 0;
  const openSome = (): void => {
    const batch = Math.min(50, connections - opened);
    opened += batch;
    for (let i = 0; i < batch; i++) {
      open({
        onOpen: (socket) => void socket.write(letter("H")),
        onData(): void {
          answered++;
          if (answered === opened && opened < connections) openSome();
          if (answered < connections) return;
          print({ value: answered, unit: "connections" });
          setTimeout(() => process.exit(0), seconds * 1_000);
        },
      });
    }
  };
  openSome();
}

function print(result: Record<string, unknown>): void {
  process.stdout.write(`${JSON.stringify(result)}\n`);
}

function finish(result: Record<string, unknown>): void {
  print(result);
  process.exit(0);
}

if (kind === "rate") rate();
else if (kind === "first") first();
else if (kind === "sessions") sessions();
else if (kind === "hold") hold();
else throughput();
