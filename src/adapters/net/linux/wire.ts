/**
 * A connection of this process with itself: one end is a descriptor of ours,
 * the other one is the runtime's, which reads what comes.
 *
 * Security: somebody else on this machine may connect first; only our own
 * address is accepted.
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

/** The runtime's end. */
interface RuntimeEnd {
  ref(): void;
  unref(): void;
  close(): void;
}

export class Wire {
  /** Our end. */
  readonly descriptor: number;
  readonly #end: RuntimeEnd;

  /** Owns both. */
  constructor(descriptor: number, end: RuntimeEnd) {
    this.descriptor = descriptor;
    this.#end = end;
  }

  /** The process lives as long as the wire is open. */
  hold(): void {
    this.#end.ref();
  }

  /** The process may end. */
  release(): void {
    this.#end.unref();
  }

  /** Closes both ends; it counts as cut. */
  close(): void {
    this.#end.close();
    c.close(this.descriptor);
  }
}

/** The events of a wire. */
export interface WireEvents {
  /** Something came. */
  received(): void;
  /** It was cut, which nothing here does. */
  cut(): void;
}

/**
 * Opens one.
 *
 * @throws {Error} When the runtime or the system does not let us.
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

/** Waits for nothing: the kernel answers for who listens. @returns Our port. */
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
    // Both outcomes end in the same event.
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

/** Methods that Bun's sockets have in addition. */
interface Referable {
  ref(): void;
  unref(): void;
}

const LOOPBACK = "127.0.0.1";
