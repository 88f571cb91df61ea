/**
 * Accepts TCP connections with Linux system calls.
 *
 * @module
 */
import { ACCEPT_TURN_BYTES, LISTEN_BACKLOG } from "../../../limits.ts";
import type {
  Accepted,
  Endpoint,
  Listener,
  ListenOptions,
  Redirection,
  SocketOptions,
} from "../../../transport.ts";
import { takeInheritedSocket } from "../../system/inherited_sockets.ts";
import { ReadyConnection } from "../_connection.ts";
import { resolve } from "../_resolve.ts";
import {
  addressRoom,
  boundTo,
  decodeAddress,
  encodeAddress,
  familyOf,
} from "./addresses.ts";
import { EDGE, READABLE } from "./epoll_event.ts";
import {
  AF_INET6,
  c,
  checked,
  EAGAIN,
  ECONNABORTED,
  EINTR,
  errno,
  F_SETFL,
  failure,
  IPV6_V6ONLY,
  O_NONBLOCK,
  setOption,
  SO_REUSEADDR,
  SO_REUSEPORT,
  SOCK_FLAGS,
} from "./libc.ts";
import type { Loop, Watcher } from "./loop.ts";
import { letRedirected, originalDestination } from "./redirected.ts";
import { openTcp, setUpListener } from "./socket_options.ts";
import { LinuxSocket, prepareTcp, TCP_EVENTS } from "./tcp.ts";

/** Implements `Transport.listen`. */
export async function listen(
  endpoint: Endpoint,
  options: ListenOptions | undefined,
  loop: Loop,
  sockets: SocketOptions,
): Promise<Listener> {
  const descriptor = takeInheritedSocket(endpoint, "tcp") ??
    await open(endpoint, options ?? {}, sockets);
  try {
    setUpListener(descriptor, sockets);
    if (options?.redirected === "tproxy") {
      letRedirected(descriptor, familyOf(boundTo(descriptor).host));
    }
    // An inherited socket may be blocking.
    checked(c.fcntl(descriptor, F_SETFL, O_NONBLOCK), "listen");
    prepareTcp(descriptor);
    return new LinuxListener(descriptor, loop, options?.redirected);
  } catch (error) {
    c.close(descriptor);
    throw error;
  }
}

/** @returns A listening descriptor. */
async function open(
  { host, port }: Endpoint,
  { reusePort = false }: ListenOptions,
  sockets: SocketOptions,
): Promise<number> {
  const [ip] = await resolve(host);
  const address = encodeAddress({ host: ip!, port });
  const action = `listen on ${host} port ${port}`;
  const descriptor = openTcp(address[0]!, sockets, action);
  try {
    setOption(descriptor, SO_REUSEADDR, 1);
    if (reusePort) setOption(descriptor, SO_REUSEPORT, 1);
    if (address[0] === AF_INET6) setOption(descriptor, IPV6_V6ONLY, 0);
    checked(c.bind(descriptor, address, address.length), action);
    checked(c.listen(descriptor, LISTEN_BACKLOG), action);
    return descriptor;
  } catch (error) {
    c.close(descriptor);
    throw error;
  }
}

class LinuxListener implements Listener, Watcher {
  readonly address: Endpoint;
  readonly #descriptor: number;
  readonly #loop: Loop;
  readonly #redirected: Redirection | undefined;
  readonly #waiting: PromiseWithResolvers<Accepted | undefined>[] = [];
  #isReady = false;
  #isClosed = false;

  /** Owns the descriptor, unless the constructor throws. */
  constructor(
    descriptor: number,
    loop: Loop,
    redirected: Redirection | undefined,
  ) {
    this.#redirected = redirected;
    this.address = boundTo(descriptor);
    this.#descriptor = descriptor;
    this.#loop = loop;
    loop.watch(descriptor, READABLE | EDGE, this);
  }

  accept(): Promise<Accepted | undefined> {
    if (this.#isClosed) return Promise.resolve(undefined);
    const waiting = Promise.withResolvers<Accepted | undefined>();
    this.#waiting.push(waiting);
    this.#serve();
    return waiting.promise;
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#loop.forget(this.#descriptor);
    c.close(this.#descriptor);
    for (const waiting of this.#waiting.splice(0)) waiting.resolve(undefined);
  }

  ready(events: number): void {
    if (events !== 0) this.#isReady = true;
    if (!this.#isClosed) this.#serve();
  }

  /** Accepts connections for waiting callers until the turn ends. */
  #serve(): void {
    while (this.#isReady && this.#waiting.length > 0) {
      if (this.#loop.budget <= 0) return this.#loop.postpone(this);
      this.#loop.budget -= ACCEPT_TURN_BYTES;
      try {
        const accepted = this.#accept();
        if (accepted === undefined) return;
        this.#waiting.shift()!.resolve(accepted);
      } catch (error) {
        this.#waiting.shift()!.reject(error);
      }
    }
  }

  /** @returns `undefined` if no connection waits. */
  #accept(): Accepted | undefined {
    for (;;) {
      const [address, length] = addressRoom();
      const descriptor = c.accept4(
        this.#descriptor,
        address,
        length,
        SOCK_FLAGS,
      );
      if (descriptor >= 0) {
        return this.#opened(descriptor, decodeAddress(address));
      }
      const number = errno();
      if (number === EAGAIN) {
        this.#isReady = false;
        return undefined;
      }
      // The client reset the connection while it waited. The next connection is
      // not affected.
      if (number !== EINTR && number !== ECONNABORTED) {
        throw failure(number, "accept");
      }
    }
  }

  #opened(descriptor: number, remote: Endpoint): Accepted {
    try {
      const target = this.#redirected &&
        originalDestination(descriptor, this.#redirected, this.address.port);
      const socket = new LinuxSocket(descriptor, remote, this.#loop);
      this.#loop.watch(descriptor, TCP_EVENTS, socket);
      return {
        connection: new ReadyConnection(socket),
        ...target && { originalDestination: target },
      };
    } catch (error) {
      c.close(descriptor);
      throw error;
    }
  }
}
