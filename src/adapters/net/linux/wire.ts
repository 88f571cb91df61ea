/**
 * A connection of this process with itself: one end is a descriptor of Umbra,
 * the runtime reads the other end.
 *
 * The runtime adopts one end of a socketpair(2). Deno 2.7, which the executables
 * are made with, cannot: its wire is a TCP connection, which costs four times as
 * much.
 *
 * Security: with TCP, another program on this machine may connect first, so only
 * the local address of the descriptor is accepted.
 *
 * @module
 */
import { Socket } from "node:net";
import type { BunHandlers } from "../_bun_types.ts";
import { boundTo, encodeAddress } from "./addresses.ts";
import {
  AF_INET,
  AF_UNIX,
  c,
  checked,
  setOption,
  SOCK_CLOEXEC,
  SOCK_FLAGS,
  SOCK_STREAM,
  TCP_NODELAY,
} from "./libc.ts";

declare const Bun: Adopting;

/** The end of the runtime. */
interface RuntimeEnd {
  ref(): void;
  unref(): void;
  close(): void;
}

export class Wire {
  /** The descriptor of Umbra's end. */
  readonly descriptor: number;
  /** The descriptor of the runtime's end; not set if it is not known. */
  readonly runtimeEnd: number | undefined;
  /** Why the wire is a TCP connection; not set if it is a socketpair. */
  readonly tcpReason: string | undefined;
  readonly #end: RuntimeEnd;

  /** Owns both ends. */
  constructor(
    descriptor: number,
    end: RuntimeEnd,
    { runtimeEnd, tcpReason }: Pick<Partial<Wire>, "runtimeEnd" | "tcpReason">,
  ) {
    this.descriptor = descriptor;
    this.runtimeEnd = runtimeEnd;
    this.tcpReason = tcpReason;
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
  const pair = new Int32Array(2);
  checked(
    c.socketpair(
      AF_UNIX,
      SOCK_STREAM | SOCK_FLAGS,
      0,
      new Uint8Array(pair.buffer),
    ),
    "open a pair of sockets",
  );
  const [ours, theirs] = [pair[0]!, pair[1]!];
  try {
    const end = "Deno" in globalThis
      ? adoptWithDeno(theirs, events)
      : await adoptWithBun(theirs, events);
    return new Wire(ours, end, { runtimeEnd: theirs });
  } catch (error) {
    c.close(ours);
    c.close(theirs);
    if (!("Deno" in globalThis)) throw error;
    return await openByTcp(events, (error as Error).message);
  }
}

async function openByTcp(
  events: WireEvents,
  tcpReason: string,
): Promise<Wire> {
  const descriptor = checked(
    c.socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0),
    "open a socket",
  );
  try {
    const end = await accept(descriptor, events);
    setOption(descriptor, TCP_NODELAY, 1);
    return new Wire(descriptor, end, { tcpReason });
  } catch (error) {
    c.close(descriptor);
    throw error;
  }
}

async function accept(
  descriptor: number,
  events: WireEvents,
): Promise<RuntimeEnd> {
  using listener = Deno.listen({ hostname: LOOPBACK, port: 0 });
  // The kernel answers for the listener, so that this does not wait.
  const address = encodeAddress({ host: LOOPBACK, port: listener.addr.port });
  checked(
    c.connect(descriptor, address, address.length),
    "connect to this process",
  );
  const { port } = boundTo(descriptor);
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

const LOOPBACK = "127.0.0.1";

function adoptWithDeno(fd: number, events: WireEvents): RuntimeEnd {
  const socket = new Socket({ fd });
  socket.on("data", () => events.received());
  // A close follows each error.
  socket.on("error", () => {});
  socket.on("close", () => events.cut());
  return {
    ref: () => socket.ref(),
    unref: () => socket.unref(),
    close: () => socket.destroy(),
  };
}

async function adoptWithBun(
  fd: number,
  events: WireEvents,
): Promise<RuntimeEnd> {
  const socket = await Bun.connect({
    fd,
    socket: {
      binaryType: "uint8array",
      open: () => {},
      data: () => events.received(),
      drain: () => {},
      end: () => {},
      close: () => events.cut(),
      error: () => {},
      connectError: () => {},
    },
  });
  return {
    ref: () => socket.ref(),
    unref: () => socket.unref(),
    close: () => socket.terminate(),
  };
}

/** The part of the global `Bun` used here. */
interface Adopting {
  connect(options: {
    /** Undocumented: a connected descriptor, which Bun then owns. */
    readonly fd: number;
    readonly socket: BunHandlers<undefined>;
  }): Promise<Adopted>;
}

/** A socket of Bun. */
interface Adopted {
  ref(): void;
  unref(): void;
  terminate(): void;
}
