/**
 * Many short UDP associations through a SOCKS5 proxy, on Bun. Each associates,
 * sends a datagram to an echo, waits for the answer, and closes.
 *
 * Usage: `bun associations.ts PROXY_PORT COUNT`; prints one JSON object.
 *
 * @module
 */
import { createSocket, type Socket as Datagrams } from "node:dgram";
import { once } from "node:events";
import { connect } from "node:net";
import process from "node:process";

const [proxyPort, count] = [Number(process.argv[2]), Number(process.argv[3])];

/** Number of concurrent associations. */
const AT_ONCE = 16;

/** Milliseconds without an answer after which the datagram is sent again. */
const AGAIN_MS = 1_000;

/** Number of attempts before an association counts as stuck. */
const TRIES = 5;

const echo = createSocket("udp4");
echo.on(
  "message",
  (bytes, { port, address }) => echo.send(bytes, port, address),
);
echo.bind(0, "127.0.0.1");
await once(echo, "listening");
const target = echo.address().port;

let answered = 0;
let repeated = 0;
let next = 0;
await Promise.all(Array.from({ length: AT_ONCE }, work));
process.stdout.write(
  `${JSON.stringify({ value: next, answered, repeated })}\n`,
);
process.exit(0);

async function work(): Promise<void> {
  const socket = createSocket("udp4");
  socket.bind(0, "127.0.0.1");
  await once(socket, "listening");
  while (next < count) {
    next++;
    await associate(socket);
  }
  socket.close();
}

async function associate(socket: Datagrams): Promise<void> {
  const control = connect(proxyPort, "127.0.0.1");
  control.on("error", () => {});
  await once(control, "connect");
  control.write(Uint8Array.of(5, 1, 0));
  await once(control, "data");
  control.write(Uint8Array.of(5, 3, 0, 1, 0, 0, 0, 0, 0, 0));
  const [reply] = await once(control, "data") as [Uint8Array];
  const port = reply[8]! << 8 | reply[9]!;
  const datagram = Uint8Array.of(
    ...[0, 0, 0, 1, 127, 0, 0, 1, target >> 8, target & 0xff],
    ...[1, 2, 3, 4],
  );
  for (let i = 0; i < TRIES; i++) {
    if (i > 0) repeated++;
    socket.send(datagram, port, "127.0.0.1");
    if (await answer(socket)) {
      answered++;
      break;
    }
  }
  control.destroy();
}

function answer(socket: Datagrams): Promise<boolean> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => end(false), AGAIN_MS);
    const onMessage = (): void => end(true);
    const end = (value: boolean): void => {
      clearTimeout(timer);
      socket.off("message", onMessage);
      resolve(value);
    };
    socket.on("message", onMessage);
  });
}
