/**
 * A DNS resolver that truncates every answer over UDP, and sends hostile
 * records over TCP.
 *
 * @module
 */
import { createServer, type Server } from "node:net";
import type { Address } from "./tcp.ts";
import { freePort } from "./process.ts";
import { UdpSocket } from "./udp.ts";

/** A running resolver. */
export class HostileResolver implements AsyncDisposable {
  readonly address: Address;
  readonly #udp: UdpSocket;
  readonly #tcp: Server;

  private constructor(address: Address, udp: UdpSocket, tcp: Server) {
    this.address = address;
    this.#udp = udp;
    this.#tcp = tcp;
  }

  /**
   * Starts a resolver.
   *
   * @param records The bytes after the question over TCP, with the numbers of
   * answers and additional records.
   */
  static async start(
    records: Uint8Array,
    counts: { readonly answers: number; readonly additionals: number },
  ): Promise<HostileResolver> {
    const host = "127.0.0.1";
    const port = await freePort();
    const udp = await UdpSocket.bind(host, port);
    udp.onDatagram = async ({ payload, from }) => {
      await udp.send(answerTo(payload, 0x83, [0, 0]), from);
    };
    const { answers, additionals } = counts;
    const tcp = createServer((socket) => {
      socket.on("error", () => {});
      socket.once("data", (framed: Uint8Array) => {
        const head = answerTo(framed.subarray(2), 0x81, [answers, additionals]);
        const length = head.length + records.length;
        socket.write(Uint8Array.of(length >> 8, length & 0xff));
        socket.end(new Uint8Array([...head, ...records]));
      });
    });
    await new Promise<void>((resolve) => tcp.listen(port, host, resolve));
    return new HostileResolver({ host, port }, udp, tcp);
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#udp[Symbol.dispose]();
    return new Promise((resolve) => this.#tcp.close(() => resolve()));
  }
}

/** Returns header and question of the answer to a query. */
function answerTo(
  query: Uint8Array,
  flags: number,
  [answers, additionals]: readonly [number, number],
): Uint8Array {
  const end = query.indexOf(0, 12) + 1 + 4;
  const out = query.slice(0, end);
  out.set([flags, 0x80, 0, 1], 2);
  out.set([0, answers, 0, 0, 0, additionals], 6);
  return out;
}
