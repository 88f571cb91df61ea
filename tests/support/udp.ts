/**
 * UDP for tests, directly with `node:dgram`: a socket with waiting reads, an
 * echo, and a SOCKS5 association that shares no code with the tested program.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { createSocket, type Socket } from "node:dgram";
import { isIPv6 } from "node:net";
import { type Address, encodeHost, SocksRefusal, TcpStream } from "./tcp.ts";
import { within } from "./within.ts";

/** A received datagram. */
export interface Received {
  readonly payload: Uint8Array;
  readonly from: Address;
}

/** A UDP socket. */
export class UdpSocket implements Disposable {
  /** The bound address. */
  readonly address: Address;
  /** Number of received datagrams. */
  count = 0;
  /** Called with each datagram instead of queueing it. */
  onDatagram: ((datagram: Received) => void) | undefined;
  readonly #socket: Socket;
  readonly #queue: Received[] = [];
  #wake: () => void = () => {};

  private constructor(socket: Socket) {
    this.#socket = socket;
    const { address, port } = socket.address();
    this.address = { host: address, port };
    socket.on("message", (payload: Uint8Array, from) => {
      this.count++;
      const datagram = {
        // A copy, without the buffer of 64 KiB in which Deno received it.
        payload: payload.slice(),
        from: { host: from.address, port: from.port },
      };
      if (this.onDatagram) this.onDatagram(datagram);
      else this.#queue.push(datagram);
      this.#wake();
    });
    // An ICMP error of an earlier datagram.
    socket.on("error", () => {});
  }

  /** Binds a socket; port 0 lets the system choose. */
  static bind(host = "127.0.0.1", port = 0): Promise<UdpSocket> {
    const socket = createSocket({
      type: isIPv6(host) ? "udp6" : "udp4",
      ipv6Only: true,
    });
    return new Promise((resolve, reject) => {
      socket.once("error", reject);
      socket.bind({ address: host, port }, () => {
        socket.off("error", reject);
        resolve(new UdpSocket(socket));
      });
    });
  }

  /** Sends and waits until the system has accepted the datagram. */
  send(payload: Uint8Array, { host, port }: Address): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#socket.send(
        payload,
        port,
        host,
        (error) => error ? reject(error) : resolve(),
      );
    });
  }

  /** Returns the next datagram. */
  async receive(limitMs = 5_000): Promise<Received> {
    if (this.#queue.length === 0) {
      const arrived = new Promise<void>((resolve) => this.#wake = resolve);
      await within(limitMs, "a datagram", arrived);
    }
    return this.#queue.shift()!;
  }

  /** Closes the socket. */
  [Symbol.dispose](): void {
    this.#socket.close();
  }
}

/**
 * A port of both address families of this machine that echoes every datagram.
 */
export class UdpEcho implements Disposable {
  /** Its port, on 127.0.0.1, and on ::1 if that exists. */
  readonly port: number;
  /** True if it also listens on ::1. */
  readonly hasIpv6: boolean;
  readonly #sockets: readonly UdpSocket[];

  private constructor(ipv4: UdpSocket, ipv6: UdpSocket | undefined) {
    this.port = ipv4.address.port;
    this.hasIpv6 = ipv6 !== undefined;
    this.#sockets = ipv6 ? [ipv4, ipv6] : [ipv4];
    for (const socket of this.#sockets) {
      socket.onDatagram = ({ payload, from }) =>
        void socket.send(payload, from).catch(() => {
          // The client is gone; its own test reports that.
        });
    }
  }

  /** Starts an echo. */
  static async start(): Promise<UdpEcho> {
    const ipv4 = await UdpSocket.bind();
    const { port } = ipv4.address;
    const ipv6 = await UdpSocket.bind("::1", port).catch(() => undefined);
    return new UdpEcho(ipv4, ipv6);
  }

  /** Number of received datagrams. */
  get count(): number {
    return this.#sockets.reduce((total, { count }) => total + count, 0);
  }

  /** Closes its sockets. */
  [Symbol.dispose](): void {
    for (const socket of this.#sockets) socket[Symbol.dispose]();
  }
}

/** A SOCKS5 UDP association and one socket that uses it. */
export class SocksUdp implements Disposable {
  /** The address of the relay. */
  readonly relay: Address;
  /** The socket of the application. */
  readonly socket: UdpSocket;
  readonly #control: TcpStream;

  private constructor(control: TcpStream, relay: Address, socket: UdpSocket) {
    this.#control = control;
    this.relay = relay;
    this.socket = socket;
  }

  /**
   * Associates over IPv4.
   *
   * @throws {SocksRefusal} If the proxy refuses.
   */
  static async start(proxy: Address): Promise<SocksUdp> {
    const control = await TcpStream.connect(proxy);
    try {
      await control.write(Uint8Array.of(5, 1, 0));
      await control.readExactly(2);
      await control.write(Uint8Array.of(5, 3, 0, 1, 0, 0, 0, 0, 0, 0));
      const reply = await control.readExactly(10);
      if (reply[1] !== 0) throw new SocksRefusal(reply[1]!);
      const relay = {
        host: reply.subarray(4, 8).join("."),
        port: reply[8]! << 8 | reply[9]!,
      };
      return new SocksUdp(control, relay, await UdpSocket.bind());
    } catch (error) {
      control.close();
      throw error;
    }
  }

  /** Sends to a target through the relay. */
  send(
    payload: Uint8Array,
    target: Address,
    socket: UdpSocket = this.socket,
  ): Promise<void> {
    return socket.send(wrap(payload, target), this.relay);
  }

  /** Returns the next answer with its true source. */
  async receive(limitMs?: number): Promise<Received> {
    const { payload } = await this.socket.receive(limitMs);
    return unwrap(payload);
  }

  /** Ends the association. */
  [Symbol.dispose](): void {
    this.socket[Symbol.dispose]();
    this.#control.close();
  }
}

/** Adds a SOCKS5 header. */
export function wrap(payload: Uint8Array, target: Address): Uint8Array {
  const port = Uint8Array.of(target.port >> 8, target.port & 255);
  return Buffer.concat([
    new Uint8Array(3),
    encodeHost(target.host),
    port,
    payload,
  ]);
}

/** Removes the SOCKS5 header, whose address must be an IP address. */
export function unwrap(wire: Uint8Array): Received {
  const [high, low, fragment, atyp] = wire;
  if (high || low || fragment || (atyp !== 1 && atyp !== 4)) {
    throw new Error(`Bad SOCKS header ${wire.subarray(0, 4).toHex()}`);
  }
  const end = atyp === 1 ? 8 : 20;
  const host = atyp === 1
    ? wire.subarray(4, 8).join(".")
    : wire.subarray(4, 20).toHex();
  const port = wire[end]! << 8 | wire[end + 1]!;
  return { payload: wire.subarray(end + 2), from: { host, port } };
}
