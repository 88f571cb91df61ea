/**
 * UDP with Linux system calls.
 *
 * @module
 */
import { TransportError } from "../../../errors.ts";
import { DATAGRAM_BATCH, MAX_TURN_DATAGRAMS } from "../../../limits.ts";
import type {
  Datagram,
  DatagramSocket,
  Endpoint,
  ListenOptions,
  Posted,
  SocketOptions,
} from "../../../transport.ts";
import { takeInheritedSocket } from "../../system/inherited_sockets.ts";
import {
  closedSocket,
  type PostedDatagram,
  PostingSocket,
} from "../_datagram_queue.ts";
import { LostDatagrams } from "../_lost_datagrams.ts";
import { resolve } from "../_resolve.ts";
import { UdpDescriptor } from "../_udp_descriptor.ts";
import { boundTo, encodeAddress, familyOf } from "./addresses.ts";
import { type Outgoing, ReceiveBatch, SendBatch } from "./batch.ts";
import { EDGE, FAILED, READABLE, WRITABLE } from "./epoll_event.ts";
import {
  AF_INET6,
  c,
  checked,
  EAGAIN,
  EINTR,
  errno,
  F_SETFL,
  failure,
  IPV6_V6ONLY,
  O_NONBLOCK,
  setOption,
  SO_REUSEADDR,
  SO_REUSEPORT,
  SOCK_DGRAM,
  SOCK_FLAGS,
} from "./libc.ts";
import type { Loop, Watcher } from "./loop.ts";
import { isOurs, letRedirected, tellTargets } from "./redirected.ts";
import { setUpOutgoing } from "./socket_options.ts";

/** Opens the UDP sockets of one event loop. */
export class Udp {
  /** The lost datagrams of its sockets. */
  readonly lost: LostDatagrams = new LostDatagrams();
  readonly #loop: Loop;
  readonly #received = new ReceiveBatch();
  readonly #sent = new SendBatch();

  constructor(loop: Loop) {
    this.#loop = loop;
  }

  /**
   * Implements `Transport.bind`.
   *
   * @param sockets Options of sockets for outgoing traffic.
   */
  readonly bind = async (
    { host, port }: Endpoint,
    { reusePort = false, redirected }: ListenOptions = {},
    sockets: SocketOptions = {},
  ): Promise<LinuxDatagrams> => {
    const [ip] = await resolve(host);
    const address = encodeAddress({ host: ip!, port });
    const action = `bind UDP ${host} port ${port}`;
    const inherited = takeInheritedSocket({ host, port }, "udp");
    const descriptor = inherited ?? checked(
      c.socket(address[0]!, SOCK_DGRAM | SOCK_FLAGS, 0),
      action,
    );
    try {
      if (inherited !== undefined && reusePort) throw noSharing(action);
      if (address[0] === AF_INET6) setOption(descriptor, IPV6_V6ONLY, 0);
      if (reusePort) setOption(descriptor, SO_REUSEPORT, 1);
      if (redirected !== undefined) {
        letRedirected(descriptor, address[0]!);
        tellTargets(descriptor, address[0]!);
        // Replies are sent from addresses to which other sockets may be bound
        // as well.
        setOption(descriptor, SO_REUSEADDR, 1);
      }
      setUpOutgoing(descriptor, address[0]!, sockets);
      new UdpDescriptor(descriptor).enlarge();
      if (inherited === undefined) {
        checked(c.bind(descriptor, address, address.length), action);
      } else {
        // An inherited socket may be blocking.
        checked(c.fcntl(descriptor, F_SETFL, O_NONBLOCK), action);
      }
      return new LinuxDatagrams(
        descriptor,
        this.#loop,
        [this.#received, this.#sent],
        redirected !== undefined,
        this.lost,
      );
    } catch (error) {
      c.close(descriptor);
      throw error;
    }
  };
}

/**
 * Returns the error for a shared port with an inherited socket: the system
 * would give the datagrams of one client to different threads.
 */
function noSharing(action: string): TransportError {
  return new TransportError(
    "ERR_NET_UNSUPPORTED",
    `Cannot ${action}: the service manager provides one socket, which ` +
      "several threads cannot share; leave --workers and --reuse-port out, or " +
      "remove the .socket unit",
  );
}

/** Number of datagrams that are sent without waiting for the next turn. */
const SEND_BATCH: number = DATAGRAM_BATCH / 2;

export class LinuxDatagrams extends PostingSocket<PostedDatagram & Outgoing>
  implements DatagramSocket, Watcher {
  readonly address: Endpoint;
  readonly #descriptor: number;
  readonly #family: number;
  readonly #loop: Loop;
  readonly #received: ReceiveBatch;
  readonly #sent: SendBatch;
  readonly #isRedirected: boolean;
  #isPostponed = false;
  #isUnread = false;
  #isFull = false;
  #isClosed = false;
  readonly #lost: LostDatagrams;
  #lastTo: Endpoint = { host: "", port: 0 };
  #lastAddress: Uint8Array = new Uint8Array(0);

  /** Owns the descriptor, unless the constructor throws. */
  constructor(
    descriptor: number,
    loop: Loop,
    [received, sent]: readonly [ReceiveBatch, SendBatch],
    isRedirected: boolean,
    lost: LostDatagrams,
  ) {
    super(new UdpDescriptor(descriptor));
    this.#lost = lost;
    this.#isRedirected = isRedirected;
    this.#descriptor = descriptor;
    this.#loop = loop;
    this.#received = received;
    this.#sent = sent;
    this.address = boundTo(descriptor);
    this.#family = familyOf(this.address.host);
    loop.watch(descriptor, READABLE | WRITABLE | EDGE, this);
    lost.add(this);
  }

  post(payload: Uint8Array, to: Endpoint, posted: Posted): void {
    if (this.#isClosed) return posted(closedSocket());
    let address: Uint8Array;
    try {
      address = this.#addressOf(to);
    } catch (error) {
      return posted(error);
    }
    this.waiting.push({ payload, address, to, posted });
    if (this.#isFull) return;
    if (this.waiting.length >= SEND_BATCH) this.#sendAll();
    else this.#postpone();
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#lost.remove(this);
    this.udpDescriptor!.close();
    this.#loop.forget(this.#descriptor);
    c.close(this.#descriptor);
    this.queue.close();
    this.failWaiting();
  }

  ready(events: number): void {
    if (this.#isClosed) return;
    if (events === 0) this.#isPostponed = false;
    if (events & WRITABLE) this.#isFull = false;
    if (events & (READABLE | FAILED) || this.#isUnread) this.#receiveAll();
    if (!this.#isFull) this.#sendAll();
  }

  #postpone(): void {
    if (this.#isPostponed) return;
    this.#isPostponed = true;
    this.#loop.postpone(this);
  }

  /** Receives until no datagram waits or the turn ends. */
  #receiveAll(): void {
    const batch = this.#received;
    this.#isUnread = true;
    let taken = 0;
    while (taken < MAX_TURN_DATAGRAMS && this.#loop.budget > 0) {
      const count = batch.receive(this.#descriptor);
      if (count < 0) {
        const number = errno();
        if (number === EINTR) continue;
        this.#isUnread = false;
        if (number !== EAGAIN) this.queue.fail(failure(number, "receive"));
        return;
      }
      for (let i = 0; i < count; i++) {
        const datagram = this.#judged(batch.at(i, this.#isRedirected));
        this.#loop.budget -= datagram.payload.length;
        this.queue.push(datagram);
      }
      taken += count;
      // A batch that is not full has emptied the socket; new datagrams are a
      // new event.
      if (count < DATAGRAM_BATCH) {
        this.#isUnread = false;
        return;
      }
    }
    this.#postpone();
  }

  /** Removes the original target if it is this socket itself. */
  #judged(datagram: Datagram): Datagram {
    const { payload, from, to } = datagram;
    return to?.port === this.address.port && isOurs(to.host)
      ? { payload, from }
      : datagram;
  }

  #sendAll(): void {
    const queue = this.waiting;
    // Datagrams that callbacks post are queued behind these.
    this.waiting = [];
    let done = 0;
    while (done < queue.length && !this.#isClosed) {
      const count = this.#sent.send(this.#descriptor, queue, done);
      for (let i = 0; i < count; i++) queue[done++]!.posted();
      if (count >= 0) continue;
      const number = errno();
      if (number === EINTR) continue;
      if (number === EAGAIN) {
        this.#isFull = true;
        break;
      }
      const { to: { host, port }, posted } = queue[done++]!;
      posted(failure(number, `send to ${host} port ${port}`));
    }
    if (done === queue.length) return;
    const rest = queue.slice(done);
    if (this.#isClosed) rest.forEach(({ posted }) => posted(closedSocket()));
    else this.waiting = [...rest, ...this.waiting];
  }

  /**
   * Returns the encoded target; most datagrams have the same target as the one
   * before.
   */
  #addressOf(to: Endpoint): Uint8Array {
    const { host, port } = this.#lastTo;
    if (host !== to.host || port !== to.port) {
      this.#lastAddress = encodeAddress(to, this.#family);
      this.#lastTo = to;
    }
    return this.#lastAddress;
  }
}
