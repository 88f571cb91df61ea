/**
 * An HTTP server for the operator's port, on a TCP or unix socket. It uses
 * `node:http`, which both runtimes have, because it limits the size of heads
 * and the time of requests: see docs/decisions/0043.
 *
 * @module
 */
import {
  createServer,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from "node:http";
import { createServer as createSecureServer } from "node:https";
import type { AddressInfo, ListenOptions, Socket } from "node:net";
import { concat } from "../../bytes.ts";
import { pause, systemClock } from "../../clock.ts";
import { tellDefect } from "../../defect.ts";
import {
  ADMIN_HEAD_TIMEOUT_MS,
  ADMIN_KEEP_ALIVE_MS,
  ADMIN_REQUEST_TIMEOUT_MS,
  MAX_ADMIN_BODY_LENGTH,
  MAX_ADMIN_CONNECTIONS,
  MAX_ADMIN_HEAD_LENGTH,
} from "../../limits.ts";
import { TransportError } from "../../errors.ts";
import type { Logger } from "../../observe.ts";
import type { Endpoint } from "../../transport.ts";
import { toTransportError } from "./_errors.ts";
import { HttpConnections } from "./_http_connections.ts";
import { plainAddress } from "./_resolve.ts";
import { freeUnixPath, makePrivate } from "./_unix_path.ts";

/** A TCP address, or the path of a unix socket that only this user may open. */
export type HttpAddress = Endpoint | { readonly path: string };

/**
 * Answers a request, whose body is complete and within the limit.
 *
 * @param peer The address of the client; not set for a unix socket.
 */
export type HttpHandler = (
  request: Request,
  peer: Endpoint | undefined,
) => Promise<Response>;

/** A certificate with its chain, and its key, both PEM. */
export interface HttpCertificate {
  readonly cert: string;
  /** Secret. */
  readonly key: string;
}

/** The log of handler defects, and limits that differ from the defaults. */
export interface HttpOptions {
  readonly logger: Logger;
  /** Milliseconds for the head; default `ADMIN_HEAD_TIMEOUT_MS`. */
  readonly headTimeoutMs?: number;
  /** Milliseconds for the request; default `ADMIN_REQUEST_TIMEOUT_MS`. */
  readonly requestTimeoutMs?: number;
  /**
   * Maximum of open connections; default `MAX_ADMIN_CONNECTIONS`. At the limit
   * a new connection replaces the one that has waited longest for its client.
   */
  readonly maxConnections?: number;
  /** Not set for a server without TLS. */
  readonly certificate?: HttpCertificate | undefined;
}

/** A running HTTP server. */
export interface HttpServer {
  /** The listening address, with the real port. */
  readonly address: HttpAddress;
  /**
   * Uses another certificate for new connections, if the server has TLS.
   *
   * @throws {TransportError} If the runtime needs a new listener and that
   * fails; the server then does not listen.
   */
  renew(certificate: HttpCertificate): Promise<void>;
  /**
   * Stops accepting, lets running requests finish, then closes everything and
   * removes the path of a unix socket.
   *
   * @param graceMs Milliseconds for running requests.
   */
  stop(graceMs: number): Promise<void>;
}

/**
 * Starts to listen.
 *
 * @throws {TransportError} `ERR_NET_ADDRESS_IN_USE` and others.
 */
export async function serveHttp(
  address: HttpAddress,
  handler: HttpHandler,
  options: HttpOptions,
): Promise<HttpServer> {
  let current = open(handler, options, options.certificate);
  const bound = await listen(current.server, address);
  /** Replaced servers, until their requests are finished. */
  const ending = new Set<Promise<void>>();
  const cut = new AbortController();
  return {
    address: bound,
    async renew(certificate): Promise<void> {
      if (setCertificate(current.server, certificate)) return;
      // Bun's server cannot change its certificate, so another server replaces
      // it some milliseconds later; running requests finish at the old one.
      const old = current;
      current = open(handler, options, certificate);
      const end = old.stop(ADMIN_REQUEST_TIMEOUT_MS, cut.signal)
        .finally(() => ending.delete(end));
      ending.add(end);
      await listen(current.server, bound);
    },
    async stop(graceMs): Promise<void> {
      await current.stop(graceMs);
      cut.abort();
      await Promise.all(ending);
    },
  };
}

/** A server that may listen. */
interface OpenServer {
  readonly server: Server;
  /** @param signal Ends the grace time. */
  stop(graceMs: number, signal?: AbortSignal): Promise<void>;
}

function open(
  handler: HttpHandler,
  options: HttpOptions,
  certificate: HttpCertificate | undefined,
): OpenServer {
  const answering = new Set<Promise<void>>();
  const take = (message: IncomingMessage, reply: ServerResponse): void => {
    const { socket } = message;
    const served = serve(
      message,
      reply,
      (request) =>
        connections.handle(socket, () => handler(request, peerOf(socket))),
      options,
    )
      .catch((error) => tellDefect(error, "the operator's port", options))
      .finally(() => answering.delete(served));
    answering.add(served);
  };
  const server = certificate === undefined
    ? createServer(serverOptions(options), take)
    : createSecureServer({ ...serverOptions(options), ...certificate }, take);
  const connections = new HttpConnections(
    server,
    options.maxConnections ?? MAX_ADMIN_CONNECTIONS,
  );
  server.timeout = options.requestTimeoutMs ?? ADMIN_REQUEST_TIMEOUT_MS;
  // The client sent invalid HTTP, or nothing in time; a log line would not
  // help.
  server.on("clientError", (_error, socket) => socket.destroy());
  return {
    server,
    async stop(graceMs, signal = NEVER): Promise<void> {
      const { promise: closed, resolve } = Promise.withResolvers<void>();
      server.close(() => resolve());
      const wait = new AbortController();
      await Promise.race([
        Promise.all(answering),
        pause(systemClock, graceMs, AbortSignal.any([wait.signal, signal])),
      ]);
      wait.abort();
      server.closeAllConnections();
      await closed;
    },
  };
}

const NEVER: AbortSignal = new AbortController().signal;

/** @returns False if the runtime cannot change the certificate. */
function setCertificate(
  server: Server & { setSecureContext?(options: HttpCertificate): void },
  certificate: HttpCertificate,
): boolean {
  server.setSecureContext?.(certificate);
  return server.setSecureContext !== undefined;
}

/**
 * The types of Deno and Bun lack some of Node's options; both runtimes support
 * them.
 */
function serverOptions(
  { headTimeoutMs, requestTimeoutMs }: HttpOptions,
): Record<string, unknown> {
  const headersTimeout = headTimeoutMs ?? ADMIN_HEAD_TIMEOUT_MS;
  return {
    headersTimeout,
    handshakeTimeout: headersTimeout,
    requestTimeout: requestTimeoutMs ?? ADMIN_REQUEST_TIMEOUT_MS,
    connectionsCheckingInterval: Math.ceil(headersTimeout / 4),
    keepAliveTimeout: ADMIN_KEEP_ALIVE_MS,
    maxHeaderSize: MAX_ADMIN_HEAD_LENGTH,
    // The handler decides about requests without a host.
    requireHostHeader: false,
  };
}

async function listen(
  server: Server,
  address: HttpAddress,
): Promise<HttpAddress> {
  if ("path" in address) {
    const { path } = address;
    await freeUnixPath(path);
    try {
      // Deno before 2.9 ignores the path; the host prevents that it listens on
      // every address of this machine.
      const host = "Deno" in globalThis ? "127.0.0.1" : undefined;
      await listening(server, { path, ...host && { host } });
      if (typeof server.address() !== "string") throw noPaths(path);
      await makePrivate(path);
    } catch (error) {
      server.close();
      throw toTransportError(error, `listen on ${path}`);
    }
    return address;
  }
  const { host, port } = address;
  try {
    await listening(server, { host, port });
  } catch (error) {
    throw toTransportError(error, `listen on ${host} port ${port}`);
  }
  const bound = server.address() as AddressInfo;
  return { host: plainAddress(bound.address), port: bound.port };
}

function noPaths(path: string): TransportError {
  return new TransportError(
    "ERR_NET_UNSUPPORTED",
    `Cannot listen on ${path}: HTTP on unix sockets needs Deno 2.9; give ` +
      "--admin HOST:PORT",
  );
}

function listening(server: Server, where: ListenOptions): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once("error", reject);
  server.listen(where, () => {
    server.off("error", reject);
    resolve();
  });
  return promise;
}

async function serve(
  message: IncomingMessage,
  reply: ServerResponse,
  handler: (request: Request) => Promise<Response>,
  { logger }: HttpOptions,
): Promise<void> {
  try {
    const request = await toRequest(message);
    if (typeof request === "number") {
      reply.writeHead(request, { connection: "close", "content-length": 0 });
      reply.end();
      return;
    }
    await send(await handler(request), reply);
  } catch (error) {
    // The client has gone.
    if (message.destroyed && !message.complete) return;
    tellDefect(error, "the operator's port", { logger });
    if (!reply.headersSent) reply.writeHead(500, { "content-length": 0 });
    reply.end();
  }
}

/**
 * Bun turns an unknown method into GET, so unknown methods are refused earlier.
 */
const METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];

/** @returns A status if the request must not be handled. */
async function toRequest(message: IncomingMessage): Promise<Request | number> {
  const { method = "", url = "", rawHeaders } = message;
  if (!METHODS.includes(method)) return 501;
  const headers = new Headers();
  for (let i = 0; i < rawHeaders.length; i += 2) {
    headers.append(rawHeaders[i]!, rawHeaders[i + 1]!);
  }
  // Two host headers arrive as one with a comma, which is not a valid host.
  if (!url.startsWith("/") || headers.get("host")?.includes(",")) return 400;
  const body = await readBody(message);
  if (body === undefined) return 413;
  // Nothing may depend on a host that the client has invented.
  return new Request(`http://umbra.invalid${url}`, {
    method,
    headers,
    ...(body.length > 0 && method !== "GET" && method !== "HEAD" && { body }),
  });
}

/**
 * Reads a body by events: ending an iteration early would close the connection,
 * and with it the answer.
 *
 * @returns `undefined` if the body is larger than the limit.
 */
function readBody(
  message: IncomingMessage,
): Promise<Uint8Array<ArrayBuffer> | undefined> {
  const { promise, resolve, reject } = Promise.withResolvers<
    Uint8Array<ArrayBuffer> | undefined
  >();
  if (Number(message.headers["content-length"]) > MAX_ADMIN_BODY_LENGTH) {
    resolve(undefined);
    return promise;
  }
  const chunks: Uint8Array[] = [];
  let length = 0;
  message.on("data", (chunk: Uint8Array) => {
    length += chunk.length;
    if (length <= MAX_ADMIN_BODY_LENGTH) chunks.push(chunk);
    else resolve(undefined);
  });
  message.once("end", () => resolve(new Uint8Array(concat(...chunks))));
  message.once("error", reject);
  message.once("close", () => reject(new Error("The client has gone")));
  return promise;
}

async function send(
  response: Response,
  reply: ServerResponse,
): Promise<void> {
  const body = new Uint8Array(await response.arrayBuffer());
  const headers = Object.fromEntries(response.headers);
  reply.writeHead(response.status, {
    ...headers,
    ...(response.status !== 204 && { "content-length": body.length }),
  });
  const { promise: sent, resolve } = Promise.withResolvers<void>();
  reply.once("close", resolve);
  reply.end(body, resolve);
  await sent;
}

function peerOf({ remoteAddress, remotePort }: Socket): Endpoint | undefined {
  return remoteAddress === undefined || remotePort === undefined
    ? undefined
    : { host: plainAddress(remoteAddress), port: remotePort };
}
