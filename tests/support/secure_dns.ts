/**
 * Resolvers for DNS over TLS and DNS over HTTPS, with a certificate made for
 * the test.
 *
 * @module
 */
import { once } from "node:events";
import { createServer as createHttps } from "node:https";
import type { AddressInfo, Server } from "node:net";
import { createServer as createTls } from "node:tls";
import { readDnsQuery } from "../../src/codec/dns_message.ts";
import { ownAnswer, readQuestion } from "../../src/codec/dns_records.ts";
import { parseIp } from "../../src/codec/ip_address.ts";
import { frameMessage } from "../../src/service/dns/dns_tcp.ts";
import type { Certificate } from "./certificate.ts";

/** A running resolver. */
export interface SecureDns extends AsyncDisposable {
  readonly port: number;
  /** Requested names, in order. */
  readonly asked: string[];
  /** Number of accepted connections. */
  readonly connections: () => number;
}

/** The answer for every name. */
const ADDRESS = parseIp("192.0.2.53")!;

function answer(message: Uint8Array, asked: string[]): Uint8Array {
  const query = readDnsQuery(message)!;
  const { name, type } = readQuestion(query.question);
  asked.push(name!);
  return ownAnswer(message, query, {
    addresses: type === 1 ? [ADDRESS] : [],
    ttlSeconds: 1,
  });
}

async function listening(
  server: Server,
  asked: string[],
): Promise<SecureDns> {
  const sockets = new Set<{ destroy(): void }>();
  let connections = 0;
  server.on("connection", (socket) => {
    connections++;
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    asked,
    connections: () => connections,
    [Symbol.asyncDispose]: async (): Promise<void> => {
      const closed = new Promise((resolve) => server.close(resolve));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

/** Starts a DNS over TLS resolver: RFC 7858. */
export function startDot(
  { cert, key }: Certificate,
): Promise<SecureDns> {
  const asked: string[] = [];
  const server = createTls({ cert, key }, (socket) => {
    let received: Uint8Array = new Uint8Array(0);
    socket.on("error", () => {});
    socket.on("data", (chunk: Uint8Array) => {
      received = Uint8Array.from([...received, ...chunk]);
      while (received.length >= 2) {
        const end = 2 + (received[0]! << 8 | received[1]!);
        if (received.length < end) break;
        socket.write(frameMessage(answer(received.slice(2, end), asked)));
        received = received.slice(end);
      }
    });
  });
  return listening(server, asked);
}

/** Starts a DNS over HTTPS resolver: RFC 8484, at `/dns-query`. */
export function startDoh(
  { cert, key }: Certificate,
): Promise<SecureDns> {
  const asked: string[] = [];
  const server = createHttps({ cert, key }, (request, response) => {
    const parts: Uint8Array[] = [];
    request.on("data", (part: Uint8Array) => parts.push(part));
    request.on("end", () => {
      const isRight = request.url === "/dns-query" &&
        request.method === "POST" &&
        request.headers["content-type"] === "application/dns-message";
      if (!isRight) {
        response.statusCode = 404;
        response.end();
        return;
      }
      response.setHeader("content-type", "application/dns-message");
      const message = Uint8Array.from(parts.flatMap((part) => [...part]));
      response.end(answer(message, asked));
    });
  });
  return listening(server, asked);
}
