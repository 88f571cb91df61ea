/**
 * A pair of sockets (socketpair(2)): one end is a descriptor of Umbra, the other
 * end is adopted by the runtime, which reads it.
 *
 * @module
 */
import { Socket } from "node:net";
import type { BunHandlers } from "../_bun_types.ts";
import { AF_UNIX, c, checked, SOCK_FLAGS, SOCK_STREAM } from "./libc.ts";

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
    return new Wire(ours, end);
  } catch (error) {
    c.close(ours);
    c.close(theirs);
    throw error;
  }
}

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
