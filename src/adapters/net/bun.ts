/**
 * TCP and UDP on Bun.
 *
 * Bun calls back instead of waiting for reads, cannot abort a dial, and cannot
 * stop accepting; this module adds the limits that replace these. Bun reports
 * every network failure of a dial as a refusal.
 *
 * @module
 */
import { abortable } from "../../clock.ts";
import { TransportError } from "../../errors.ts";
import { MAX_UNACCEPTED, UNACCEPTED_SHARE } from "../../limits.ts";
import type {
  Accepted,
  Connection,
  Endpoint,
  Listener,
  ListenOptions,
  OutboundAddresses,
  Transport,
  WaitOptions,
} from "../../transport.ts";
import { bindBun, LOST } from "./_bun_datagrams.ts";
import { BUFFERS, BUN_HANDLERS, BunPeer, toEndpoint } from "./_bun_peer.ts";
import type {
  BunNet,
  BunSocket,
  BunTcpListener,
  BunUdp,
} from "./_bun_types.ts";
import { ReadyConnection } from "./_connection.ts";
import {
  descriptorAvailable,
  descriptorLimit,
} from "../system/_descriptors.ts";
import { libc } from "../system/_libc.ts";
import { takeInheritedSocket } from "../system/inherited_sockets.ts";
import { toTransportError } from "./_errors.ts";
import { dialWith } from "./_tls.ts";
import { bindOutgoing, outboundFor } from "./_outgoing.ts";
import { plainAddress, resolve } from "./_resolve.ts";
import { listenWithoutIpv6 } from "./_without_ipv6.ts";

declare const Bun: BunNet & BunUdp;

/**
 * Returns the system's network.
 *
 * @param outbound Source addresses; default: the system chooses.
 */
export function bunTransport(outbound?: OutboundAddresses): Transport {
  return {
    name: "bun",
    capabilities: {
      sharedUdpPort: false,
      outboundAddress: true,
      tls: true,
      reset: true,
      descriptor: false,
      receiveBuffer: libc() !== undefined,
      batch: false,
      socketOptions: false,
      redirection: false,
    },
    buffers: BUFFERS,
    listen: (endpoint, options) =>
      listenWithoutIpv6(endpoint, (one) => listen(one, options)),
    dial: outbound === undefined ? dialWith(dial) : dialWith(
      async (to, options) =>
        await dial(to, options, outboundFor(to.host, outbound)),
      (host) => outboundFor(host, outbound),
    ),
    bind: (endpoint) => listenWithoutIpv6(endpoint, bindBun),
    bindOutgoing: () => bindOutgoing(bindBun, outbound),
    resolve,
    lostDatagrams: () => LOST.total,
    descriptorLimit,
  };
}

// Not an async function: an exception that Bun throws at once must become a
// rejection.
function listen(
  endpoint: Endpoint,
  options: ListenOptions = {},
): Promise<Listener> {
  try {
    return Promise.resolve(new BunListener(endpoint, options));
  } catch (error) {
    const action = `listen on ${endpoint.host} port ${endpoint.port}`;
    const failure = withoutDescriptor(action) ??
      toTransportError(error, action);
    if (failure.code !== "ERR_NET_OTHER") return Promise.reject(failure);
    return explain(endpoint, failure).then((why) => Promise.reject(why));
  }
}

/**
 * Finds the reason of a failure: for TCP, Bun has no error for a name that does
 * not exist or an address family that is missing; for UDP it has.
 *
 * @throws {TransportError} With the reason, if it is found.
 */
async function explain(
  { host }: Endpoint,
  failure: TransportError,
): Promise<TransportError> {
  const [address] = await resolve(host);
  (await bindBun({ host: address!, port: 0 })).close();
  return failure;
}

/** @param from The source address; `undefined` if the system chooses. */
async function dial(
  { host, port }: Endpoint,
  { signal }: WaitOptions = {},
  from?: string,
): Promise<Connection> {
  signal?.throwIfAborted();
  const action = `connect to ${host} port ${port}`;
  const connecting = Bun.connect({
    hostname: host,
    port,
    allowHalfOpen: true,
    socket: {
      ...BUN_HANDLERS,
      open: (socket) => {
        socket.data = new BunPeer(socket, { host, port });
      },
    },
    ...from !== undefined && { localAddress: from },
  });
  try {
    const { data } = await abortable(
      connecting,
      signal,
      (late) => late.terminate(),
    );
    if (from !== undefined) checkSource(data, from);
    return new ReadyConnection(data);
  } catch (error) {
    signal?.throwIfAborted();
    const failure = withoutDescriptor(action) ??
      toTransportError(error, action);
    throw failure.code === "ERR_NET_REFUSED"
      ? await withoutRoute({ host, port }, action) ?? failure
      : failure;
  }
}

/**
 * Tests by UDP whether the system has no route or forbids it, which Bun reports
 * as "refused" for TCP. Connecting a UDP socket sends nothing.
 */
async function withoutRoute(
  { host: hostname, port }: Endpoint,
  action: string,
): Promise<TransportError | undefined> {
  try {
    const socket = await Bun.udpSocket({
      hostname: hostname.includes(":") ? "::" : "0.0.0.0",
      port: 0,
      connect: { hostname, port },
    });
    socket.close();
    return undefined;
  } catch (error) {
    const failure = toTransportError(error, action);
    return failure.code === "ERR_NET_OTHER" ? undefined : failure;
  }
}

/**
 * Checks the source address. Bun does not document `localAddress`; if it
 * ignored the option, the connection would come from another address without an
 * error.
 */
function checkSource(peer: BunPeer, from: string): void {
  const { host } = peer.local;
  if (host === from) return;
  peer.terminate();
  throw new TransportError(
    "ERR_NET_UNSUPPORTED",
    `Cannot connect from ${from}: Bun connected from ${host}`,
  );
}

class BunListener implements Listener {
  readonly address: Endpoint;
  readonly #listener: BunTcpListener;
  readonly #unaccepted: BunPeer[] = [];
  readonly #waiting: ((accepted: Accepted | undefined) => void)[] = [];
  readonly #maxUnaccepted: number;
  #closed = false;

  constructor({ host, port }: Endpoint, { reusePort }: ListenOptions) {
    this.#maxUnaccepted = Math.min(
      MAX_UNACCEPTED,
      (descriptorLimit() ?? Infinity) / UNACCEPTED_SHARE,
    );
    const fd = takeInheritedSocket({ host, port }, "tcp");
    this.#listener = Bun.listen({
      hostname: host,
      port,
      allowHalfOpen: true,
      ...fd === undefined ? { reusePort: reusePort === true } : { fd },
      socket: { ...BUN_HANDLERS, open: (socket) => this.#opened(socket) },
    });
    // For a descriptor Bun does not report the address.
    this.address = fd !== undefined ? { host, port } : {
      host: plainAddress(this.#listener.hostname),
      port: this.#listener.port,
    };
  }

  accept(): Promise<Accepted | undefined> {
    if (this.#closed) return Promise.resolve(undefined);
    const next = this.#unaccepted.shift();
    if (next !== undefined) return Promise.resolve(toAccepted(next));
    const { promise, resolve } = Promise.withResolvers<Accepted | undefined>();
    this.#waiting.push(resolve);
    return promise;
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#listener.stop();
    for (const peer of this.#unaccepted.splice(0)) peer.terminate();
    for (const resolve of this.#waiting.splice(0)) resolve(undefined);
  }

  #opened(socket: BunSocket<BunPeer>): void {
    const { remoteAddress, remotePort } = socket;
    const peer = new BunPeer(socket, toEndpoint(remoteAddress, remotePort));
    socket.data = peer;
    const resolve = this.#waiting.shift();
    if (resolve !== undefined) resolve(toAccepted(peer));
    else if (this.#closed || this.#unaccepted.length >= this.#maxUnaccepted) {
      peer.terminate();
    } else this.#unaccepted.push(peer);
  }
}

function toAccepted(peer: BunPeer): Accepted {
  return { connection: new ReadyConnection(peer) };
}

/** Returns the error of missing descriptors, which Bun reports as "refused". */
function withoutDescriptor(action: string): TransportError | undefined {
  if (descriptorAvailable()) return undefined;
  return new TransportError(
    "ERR_NET_DESCRIPTORS",
    `Cannot ${action}: no free file descriptor`,
  );
}
