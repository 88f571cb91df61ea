/**
 * The far end of a benchmark, on Bun: gives, takes or answers as the first byte
 * says.
 *
 * ```text
 * "D" send zeros until the client ends   "U" take everything, answer at FIN
 * "P" answer one byte, then close        "H" answer one byte, then hold
 * ```
 *
 * Usage: `bun target.ts`; prints the port it listens on.
 *
 * @module
 */
import process from "node:process";
import type { BunNet, BunSocket } from "../../src/adapters/net/_bun_types.ts";

declare const Bun: BunNet;

interface State {
  kind: number;
}

const ZEROS = new Uint8Array(1 << 20);
const ANSWER = Uint8Array.of(1);

function pour(socket: BunSocket<State>): void {
  while (socket.write(ZEROS) === ZEROS.length);
}

const listener = Bun.listen<State>({
  hostname: "127.0.0.1",
  port: 0,
  allowHalfOpen: true,
  socket: {
    binaryType: "uint8array",
    connectError: () => {},
    open(socket): void {
      socket.data = { kind: 0 };
    },
    data(socket, chunk): void {
      if (socket.data.kind !== 0) return;
      socket.data.kind = chunk[0]!;
      switch (String.fromCharCode(chunk[0]!)) {
        case "D":
          return pour(socket);
        case "P":
          socket.write(ANSWER);
          return void socket.end();
        case "H":
          return void socket.write(ANSWER);
      }
    },
    drain(socket): void {
      if (socket.data.kind === "D".charCodeAt(0)) pour(socket);
    },
    end(socket): void {
      if (socket.data.kind === "U".charCodeAt(0)) socket.write(ANSWER);
      socket.end();
    },
    close: () => {},
    error: () => {},
  },
});
process.stdout.write(`${listener.port}\n`);
