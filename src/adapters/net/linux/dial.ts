/**
 * Opens TCP connections with Linux system calls.
 *
 * @module
 */
import { onAbort, type StopSignal } from "../../../on_abort.ts";
import type {
  Connection,
  Endpoint,
  OutboundAddresses,
  SocketOptions,
} from "../../../transport.ts";
import { ReadyConnection } from "../_connection.ts";
import { outboundFor } from "../_outgoing.ts";
import { encodeAddress } from "./addresses.ts";
import { FAILED, HUNG_UP, WRITABLE } from "./epoll_event.ts";
import {
  c,
  checked,
  EINPROGRESS,
  errno,
  failure,
  getOption,
  SO_ERROR,
} from "./libc.ts";
import type { Loop, Watcher } from "./loop.ts";
import { openTcp, setUpDial } from "./socket_options.ts";
import { LinuxSocket, prepareTcp, TCP_EVENTS } from "./tcp.ts";

/** The options of a dial besides its target. */
export interface DialOptions {
  /** See `WaitOptions`. */
  readonly signal: StopSignal | undefined;
  readonly loop: Loop;
  /** Source addresses; not set if the system chooses. */
  readonly outbound: OutboundAddresses | undefined;
  readonly options: SocketOptions;
}

/** Implements `Transport.dial`. */
export async function dial(
  to: Endpoint,
  { signal, loop, outbound, options }: DialOptions,
): Promise<Connection> {
  signal?.throwIfAborted();
  const action = `connect to ${to.host} port ${to.port}`;
  const from = outboundFor(to.host, outbound);
  const address = encodeAddress(to);
  const descriptor = openTcp(address[0]!, options, action);
  try {
    prepareTcp(descriptor);
    setUpDial(descriptor, address[0]!, options);
    if (from !== undefined) {
      const source = encodeAddress({ host: from, port: 0 });
      checked(c.bind(descriptor, source, source.length), action);
    }
    const socket = new LinuxSocket(descriptor, to, loop);
    if (c.connect(descriptor, address, address.length) === 0) {
      // A local connection completes at once. With a known peer, the system
      // waits for bytes that it can send in the first packet.
      if (options.fastOpen) socket.openWithBytes();
      loop.watch(descriptor, TCP_EVENTS, socket);
      return new ReadyConnection(socket);
    }
    const number = errno();
    if (number !== EINPROGRESS) throw failure(number, action);
    const events = await connected(descriptor, { action, signal, loop });
    loop.handOver(descriptor, socket);
    // The system reports only once what the peer has already sent.
    socket.ready(events);
    return new ReadyConnection(socket);
  } catch (error) {
    loop.forget(descriptor);
    c.close(descriptor);
    throw error;
  }
}

/**
 * Resolves when the peer or the network has answered.
 *
 * @returns The events of the descriptor.
 */
function connected(
  descriptor: number,
  { action, signal, loop }: Pick<DialOptions, "signal" | "loop"> & {
    readonly action: string;
  },
): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  const leave = signal && onAbort(signal, () => reject(signal.reason));
  const answer: Watcher = {
    ready(events): void {
      if ((events & (WRITABLE | HUNG_UP | FAILED)) === 0) return;
      leave?.();
      const number = (events & (HUNG_UP | FAILED)) === 0
        ? 0
        : getOption(descriptor, SO_ERROR);
      if (number === 0) resolve(events);
      else reject(failure(number, action));
    },
  };
  loop.watch(descriptor, TCP_EVENTS, answer);
  return promise;
}
