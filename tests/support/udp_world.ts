/**
 * UDP in the memory world: targets that answer, clients that send, and the log
 * of services that stop.
 *
 * @module
 */
import assert from "node:assert/strict";
import type { MemoryConnection } from "../../src/adapters/net/memory.ts";
import {
  decodeSocksDatagram,
  encodeSocksDatagram,
} from "../../src/codec/socks5_datagram.ts";
import type { Packet } from "../../src/codec/packet.ts";
import { ProtocolError } from "../../src/errors.ts";
import { clientProtocol } from "../../src/session/families.ts";
import type { ClientKeys } from "../../src/session/family.ts";
import type { PacketClient } from "../../src/session/packet_protocol.ts";
import { withDefaults } from "../../src/service/service.ts";
import type { DatagramSocket, Endpoint } from "../../src/transport.ts";
import { utf8 } from "./bytes.ts";
import { settle } from "./fake_clock.ts";
import { type LogLine, SERVER, type World } from "./world.ts";
import {
  everythingTo,
  type Router,
} from "../../src/service/outbound/outbound.ts";
import { Shadowsocks } from "../../src/service/outbound/shadowsocks.ts";

/** The address of an echo. */
export const ECHO: Endpoint = { host: "10.0.0.3", port: 7 };

/** A socket that keeps received datagrams, and an echo also returns them. */
export class Peer {
  /** Received datagrams. */
  readonly datagrams: { text: string; from: Endpoint }[] = [];
  readonly socket: DatagramSocket;

  private constructor(socket: DatagramSocket, echo: boolean) {
    this.socket = socket;
    void this.#receiveAll(echo);
  }

  /** Binds a socket that only receives. */
  static async bind(world: World, endpoint: Endpoint): Promise<Peer> {
    return new Peer(await world.network.bind(endpoint), false);
  }

  /** Binds an echo. */
  static async echo(world: World, endpoint: Endpoint = ECHO): Promise<Peer> {
    return new Peer(await world.network.bind(endpoint), true);
  }

  /** Texts of the received datagrams. */
  get texts(): string[] {
    return this.datagrams.map(({ text }) => text);
  }

  async #receiveAll(echo: boolean): Promise<void> {
    for (let datagram; (datagram = await this.socket.receive());) {
      const { payload, from } = datagram;
      this.datagrams.push({ text: new TextDecoder().decode(payload), from });
      if (echo) await this.socket.send(payload, from);
    }
  }
}

/** A client of `ss-server` that shares no code with `ss-local`. */
export class PacketPeer {
  /**
   * The contents of the server's packets, as `host:port text`, or their error.
   */
  readonly answers: string[] = [];
  readonly socket: DatagramSocket;
  readonly #session: PacketClient;

  private constructor(socket: DatagramSocket, session: PacketClient) {
    this.socket = socket;
    this.#session = session;
    void this.#receiveAll();
  }

  /** Binds a client, with the world's key by default. */
  static async bind(
    world: World,
    endpoint: Endpoint,
    keys?: ClientKeys,
  ): Promise<PacketPeer> {
    const session = packets(world, keys).client();
    return new PacketPeer(await world.network.bind(endpoint), session);
  }

  /** Returns the same client at another address. */
  async moveTo(world: World, endpoint: Endpoint): Promise<PacketPeer> {
    return new PacketPeer(await world.network.bind(endpoint), this.#session);
  }

  /** Returns a sealed packet. */
  seal(text: string, address: Endpoint = ECHO): Uint8Array {
    const packet: Packet = { address, payload: utf8(text) };
    return this.#session.seal(packet);
  }

  /** Sends a packet through the server. */
  async ask(text: string, address: Endpoint = ECHO): Promise<void> {
    await this.socket.send(this.seal(text, address), SERVER);
  }

  async #receiveAll(): Promise<void> {
    for (let datagram; (datagram = await this.socket.receive());) {
      this.answers.push(this.#read(datagram.payload));
    }
  }

  #read(bytes: Uint8Array): string {
    try {
      const { address, payload } = this.#session.open(bytes);
      const text = new TextDecoder().decode(payload);
      return `${address.host}:${address.port} ${text}`;
    } catch (error) {
      if (error instanceof ProtocolError) return error.code;
      throw error;
    }
  }
}

/** An application with a UDP association. */
export class Application {
  /** Received answers, as `host:port text`. */
  readonly answers: string[] = [];
  /** Its TCP connection. */
  readonly connection: MemoryConnection;
  /** The address of the relay. */
  readonly relay: Endpoint;
  readonly socket: DatagramSocket;

  private constructor(
    connection: MemoryConnection,
    relay: Endpoint,
    socket: DatagramSocket,
  ) {
    this.connection = connection;
    this.relay = relay;
    this.socket = socket;
    this.collect(socket);
  }

  /**
   * Associates.
   *
   * @param port The port of its socket.
   * @param claim ATYP, address and port of the request, in hex.
   */
  static async start(
    world: World,
    port: number,
    claim = "01000000000000",
  ): Promise<Application> {
    const { client, reply } = await world.connect(`050300${claim}`);
    assert.equal(reply.subarray(0, 4).toHex(), "05000001");
    const relay = {
      host: reply.subarray(4, 8).join("."),
      port: reply[8]! << 8 | reply[9]!,
    };
    const socket = await world.network.bind({ host: "127.0.0.1", port });
    return new Application(client, relay, socket);
  }

  /** Sends through the relay, by default from its own socket. */
  async ask(
    text: string,
    address: Endpoint = ECHO,
    socket: DatagramSocket = this.socket,
  ): Promise<void> {
    const wire = encodeSocksDatagram({ address, payload: utf8(text) });
    await socket.send(wire, this.relay);
  }

  /** Also collects the answers of another socket. */
  collect(socket: DatagramSocket, answers: string[] = this.answers): void {
    (async () => {
      for (let datagram; (datagram = await socket.receive());) {
        const { address, payload } = decodeSocksDatagram(datagram.payload);
        const text = new TextDecoder().decode(payload);
        answers.push(`${address.host}:${address.port} ${text}`);
      }
    })();
  }
}

/** Returns the packets of a client; default: with the world's key. */
export function packets(
  world: World,
  keys: ClientKeys = world,
): { client(): PacketClient } {
  const protocol = clientProtocol(keys, withDefaults(world.dependencies));
  return { client: () => protocol.packets() };
}

/** Returns a router that sends everything through the world's server. */
export function routerTo(world: World): Router {
  const server = { endpoint: SERVER, ...world };
  return everythingTo(
    new Shadowsocks(server, 1_000, withDefaults(world.dependencies)),
  );
}

/** Stops every service; returns the UDP fields of their logs, in order. */
export async function stopped(world: World): Promise<LogLine["fields"][]> {
  await settle();
  await world.stop();
  return world.lines.filter(({ message }) => message === "UDP relay stopped")
    .map(({ fields }) => fields);
}
