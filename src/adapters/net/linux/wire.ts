/**
 * A connection of this process with itself: one end is a descriptor of Umbra,
 * the other end is a socket of the runtime, which reads it.
 *
 * Security: another program on this machine may connect first, so only the
 * local address of the descriptor is accepted.
 *
 * @module
 */
import type { BunNet } from "../_bun_types.ts";
import { boundTo, encodeAddress } from "./addresses.ts";
import {
  AF_INET,
  c,
  checked,
  setOption,
  SOCK_CLOEXEC,
  SOCK_STREAM,
  TCP_NODELAY,
} from "./libc.ts";

declare const Bun: BunNet;

/** The end of the runtime. */
interface RuntimeEnd {
  ref(): void;
  unref(): void;
  close(): void;
}

export class Wire {
  /** The descriptor of Umbra's end. */
  readonly descriptor: number;
  readonly #end: RuntimeEnd;

  /** Owns both ends. */
  constructor(descriptor: number, end: RuntimeEnd) {
    this.descriptor = descriptor;
    this.#end = end;
  }

  /** Keeps the process alive while the wire is open. */
  hold(): void {
    this.#end.ref();
  }

  /** Lets the process end. */
  release(): void {
    this.#end.unref();
  }

  /** Closes both ends; this counts as cut. */
  close(): void {
    this.#end.close();
    c.close(this.descriptor);
  }
}

/** The events of a wire. */
export interface WireEvents {
  /** Called when bytes arrive. */
  received(): void;
  /** Called when the connection ends, which nothing in Umbra causes. */
  cut(): void;
}

/**
 * Opens a wire.
 *
 * @throws {Error} If the runtime or the system does not allow it.
 */
export async function openWire(events: WireEvents): Promise<Wire> {
  const descriptor = checked(
    c.socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0),
    "open a socket",
  );
  try {
    const end = "Deno" in globalThis
      ? await acceptWithDeno(descriptor, events)
      : await acceptWithBun(descriptor, events);
    setOption(descriptor, TCP_NODELAY, 1);
    return new Wire(descriptor, end);
  } catch (error) {
    c.close(descriptor);
    throw error;
  }
}

/**
 * Connects without waiting: the kernel answers for the listener. @returns The
 * local port.
 */
function connect(descriptor: number, port: number): number {
  const address = encodeAddress({ host: LOOPBACK, port });
  checked(
    c.connect(descriptor, address, address.length),
    "connect to this process",
  );
  return boundTo(descriptor).port;
}

async function acceptWithDeno(
  descriptor: number,
  events: WireEvents,
): Promise<RuntimeEnd> {
  using listener = Deno.listen({ hostname: LOOPBACK, port: 0 });
  const port = connect(descriptor, listener.addr.port);
  for (;;) {
    const connection = await listener.accept();
    if (connection.remoteAddr.port !== port) {
      connection.close();
      continue;
    }
    // Both outcomes mean that the wire was cut.
    receiveAll(connection, events).then(events.cut, events.cut);
    return connection;
  }
}

async function receiveAll(
  connection: Deno.TcpConn,
  events: WireEvents,
): Promise<void> {
  const room = new Uint8Array(64);
  while (await connection.read(room) !== null) events.received();
}

async function acceptWithBun(
  descriptor: number,
  events: WireEvents,
): Promise<RuntimeEnd> {
  const ours = Promise.withResolvers<RuntimeEnd>();
  let end: unknown;
  let port = 0;
  const listener = Bun.listen<undefined>({
    hostname: LOOPBACK,
    port: 0,
    allowHalfOpen: true,
    socket: {
      binaryType: "uint8array",
      open: (socket) => {
        if (socket.remotePort !== port) return socket.terminate();
        end = socket;
        ours.resolve({
          ref: () => (socket as typeof socket & Referable).ref(),
          unref: () => (socket as typeof socket & Referable).unref(),
          close: () => socket.terminate(),
        });
      },
      data: () => events.received(),
      drain: () => {},
      end: () => {},
      close: (socket) => {
        if (socket === end) events.cut();
      },
      error: () => {},
      connectError: () => {},
    },
  });
  try {
    port = connect(descriptor, listener.port);
    return await ours.promise;
  } finally {
    listener.stop();
  }
}

/** Additional methods of Bun's sockets. */
interface Referable {
  ref(): void;
  unref(): void;
}

const LOOPBACK = "127.0.0.1";
