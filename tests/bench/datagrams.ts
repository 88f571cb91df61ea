/**
 * UDP through a SOCKS5 proxy, on Bun: both ends of it, applications and their
 * target, on Umbra's own sockets, whose buffers lose nothing.
 *
 * Usage: `bun datagrams.ts PROXY_PORT KIND RATE SECONDS`, where KIND is
 *
 * ```text
 * echo   4 applications, each with 32 datagrams of 500 bytes under way
 * up     one application sends RATE datagrams of 1,200 bytes a second
 * down   one target does, to one application
 * both   RATE datagrams of 1,200 bytes a second are echoed
 * ```
 *
 * PROXY_PORT 0 sends straight to the target. Prints one JSON object: `value` is
 * echoes a second, or the part in a hundred of what was sent that has arrived.
 *
 * @module
 */
import { once } from "node:events";
import { connect } from "node:net";
import process from "node:process";
import { linuxTransport } from "../../src/adapters/net/linux/transport.ts";
import type { DatagramSocket, Endpoint } from "../../src/transport.ts";

const [proxyPort, kind, rate, seconds] = [
  Number(process.argv[2]),
  process.argv[3]!,
  Number(process.argv[4]),
  Number(process.argv[5]),
];

const CLIENTS = 4;
const WINDOW = 32;
const ECHO_BYTES = 500;
const RATED_BYTES = 1_200;

/** Milliseconds without an answer after which a window is sent again. */
const LOST_MS = 200;

/** Milliseconds between two bursts of a measurement at a rate. */
const TICK_MS = 1;

/**
 * Maximum of datagrams in a burst: a delayed sender does not catch up
 * completely.
 */
const MAX_BURST = 32;

/** Milliseconds for the last datagrams to arrive. */
const LINGER_MS = 500;

const HERE = { host: "127.0.0.1", port: 0 };
const { bind } = await linuxTransport();
const target = await bind(HERE);

/**
 * The kernel's loss counts of these sockets must be 0, else the result is void.
 */
const sockets: DatagramSocket[] = [target];

/** An application, and the address to which it sends. */
interface Application {
  readonly socket: DatagramSocket;
  readonly relay: Endpoint;
  /** Returns a datagram for the target. */
  wrap(bytes: number): Uint8Array;
}

async function application(): Promise<Application> {
  const socket = await bind(HERE);
  sockets.push(socket);
  if (proxyPort === 0) {
    const wrap = (bytes: number): Uint8Array => new Uint8Array(bytes);
    return { socket, relay: target.address, wrap };
  }
  const control = connect(proxyPort, "127.0.0.1");
  await once(control, "connect");
  control.write(Uint8Array.of(5, 1, 0));
  await once(control, "data");
  control.write(Uint8Array.of(5, 3, 0, 1, 0, 0, 0, 0, 0, 0));
  const [reply] = await once(control, "data") as [Uint8Array];
  const { port } = target.address;
  const header = [0, 0, 0, 1, 127, 0, 0, 1, port >> 8, port & 255];
  return {
    socket,
    relay: { host: "127.0.0.1", port: reply[8]! << 8 | reply[9]! },
    wrap(bytes): Uint8Array {
      const datagram = new Uint8Array(header.length + bytes);
      datagram.set(header);
      return datagram;
    },
  };
}

/** Counts received datagrams. */
function counted(
  socket: DatagramSocket,
  then: (payload: Uint8Array, from: Endpoint) => void = () => {},
): { count: number } {
  const counter = { count: 0 };
  socket.handTo({
    take({ payload, from }): void {
      counter.count++;
      then(payload, from);
    },
    fail(error): void {
      throw error;
    },
  });
  return counter;
}

/** Sends a datagram. A datagram that the system refuses counts as lost. */
function post(socket: DatagramSocket, payload: Uint8Array, to: Endpoint): void {
  socket.post(payload, to, () => {});
}

function echoAll(): void {
  counted(target, (payload, from) => post(target, payload, from));
}

/** Measures echoes a second, without the first second. */
async function echoes(): Promise<void> {
  echoAll();
  let answered = 0;
  let lost = 0;
  for (let i = 0; i < CLIENTS; i++) {
    const { socket, relay, wrap } = await application();
    const datagram = wrap(ECHO_BYTES);
    let underWay = 0;
    let lastMs = 0;
    const fill = (): void => {
      for (; underWay < WINDOW; underWay++) post(socket, datagram, relay);
    };
    counted(socket, () => {
      answered++;
      underWay = Math.max(0, underWay - 1);
      lastMs = performance.now();
      fill();
    });
    setInterval(() => {
      if (performance.now() - lastMs < LOST_MS) return;
      lost += underWay;
      underWay = 0;
      fill();
    }, LOST_MS);
    fill();
  }
  await pause(1_000);
  const [before, start] = [answered, performance.now()];
  lost = 0;
  await pause(seconds * 1_000);
  const value = (answered - before) / ((performance.now() - start) / 1_000);
  finish({ value, unit: "1/s", lost });
}

/** Measures the share of the datagrams sent at a rate that arrives. */
async function rated(): Promise<void> {
  const { socket, relay, wrap } = await application();
  const datagram = wrap(RATED_BYTES);
  let asker: Endpoint | undefined;
  const atTarget = counted(target, (payload, from) => {
    asker = from;
    if (kind === "both") post(target, payload, from);
  });
  const atApplication = counted(socket);
  const answer = new Uint8Array(RATED_BYTES);
  // The first datagram opens the path.
  while (asker === undefined) {
    post(socket, datagram, relay);
    await pause(100);
  }
  const { count } = kind === "up" ? atTarget : atApplication;
  const sent = await pour(() =>
    kind === "down"
      ? post(target, answer, asker!)
      : post(socket, datagram, relay)
  );
  await pause(LINGER_MS);
  const arrived = (kind === "up" ? atTarget : atApplication).count - count;
  const value = 100 * Math.min(1, arrived / sent);
  finish({ value, unit: "%", sent, arrived });
}

/** @returns The number of sent datagrams. */
async function pour(send: () => void): Promise<number> {
  const start = performance.now();
  let due = 0;
  let sent = 0;
  for (let elapsed; (elapsed = performance.now() - start) < seconds * 1_000;) {
    const burst = Math.min(elapsed * rate / 1_000 - due, MAX_BURST);
    for (let i = 0; i < burst; i++, sent++) send();
    // Datagrams that were not sent in time are not sent later.
    due = elapsed * rate / 1_000;
    await pause(TICK_MS);
  }
  return sent;
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

function finish(result: Readonly<Record<string, unknown>>): void {
  const here = sockets.reduce((sum, { dropped }) => sum + dropped, 0);
  process.stdout.write(`${JSON.stringify({ ...result, lostHere: here })}\n`);
  process.exit(0);
}

if (kind === "echo") await echoes();
else await rated();
