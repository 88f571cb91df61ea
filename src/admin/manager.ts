/**
 * The protocol of `ss-manager` over a datagram socket. Anyone who can send to
 * the socket adds and removes servers, so by default only this machine can
 * reach it.
 *
 * Only servers that were added at run time are listed and can be removed:
 * passwords of the configuration are never listed. Traffic is reported for
 * every port.
 *
 * @module
 */
import { type Clock, pause } from "../clock.ts";
import { badValue, faultOf, TransportError, UmbraError } from "../errors.ts";
import { ACCEPT_BACKOFF_MS } from "../limits.ts";
import type { Logger } from "../observe.ts";
import type {
  Datagram,
  DatagramSocket,
  Endpoint,
  Transport,
} from "../transport.ts";
import { isLoopback } from "../codec/loopback.ts";
import {
  formatList,
  formatStat,
  type ListedServer,
  parseManagerRequest,
} from "./manager_protocol.ts";
import type { NewServer, Operator } from "./operator.ts";
import { NO_USERS } from "./user_page.ts";

/** A running manager. */
export interface Manager {
  /** The bound address, with the real port. */
  readonly address: Endpoint;
  /** Finishes the running request and stops answering. */
  stop(): Promise<void>;
}

/**
 * The part of a `DatagramSocket` that a manager needs. The manager never sends
 * and receives at the same time.
 */
export interface ManagerSocket {
  readonly address: Endpoint;
  receive(): Promise<Datagram | undefined>;
  send(payload: Uint8Array, to: Endpoint): Promise<void>;
  close(): void;
}

/** The dependencies of a manager. */
export interface ManagerWorld {
  readonly operator: Operator;
  readonly clock: Clock;
  readonly logger: Logger;
}

/**
 * Checks that only this machine can reach the manager.
 *
 * @throws {ConfigError} `ERR_CONFIG_VALUE`.
 */
export function checkManager(host: string): void {
  if (isLoopback(host)) return;
  throw badValue(
    `--manager on ${host} would let anyone add and remove servers without a ` +
      "password: listen on 127.0.0.1",
  );
}

/**
 * Binds the UDP socket of a manager.
 *
 * @param anywhere True if other machines may manage; they need no password.
 * @throws {ConfigError} `ERR_CONFIG_VALUE` if other machines could reach it and
 * may not.
 * @throws {TransportError} `ERR_NET_ADDRESS_IN_USE` and others.
 */
export async function bindManager(
  transport: Transport,
  { host, port, anywhere = false }: Endpoint & { readonly anywhere?: boolean },
): Promise<DatagramSocket> {
  if (!anywhere) checkManager(host);
  return await transport.bind({ host, port });
}

/**
 * Answers requests one after the other.
 *
 * @param socket The socket; the manager owns it.
 */
export function startManager(
  socket: ManagerSocket,
  world: ManagerWorld,
): Manager {
  const stop = new AbortController();
  const receiving = receiveAll(socket, world, stop.signal);
  return {
    address: socket.address,
    async stop(): Promise<void> {
      stop.abort();
      socket.close();
      await receiving;
    },
  };
}

async function receiveAll(
  socket: ManagerSocket,
  world: ManagerWorld,
  stop: AbortSignal,
): Promise<void> {
  const { clock, logger } = world;
  for (let failures = 0; !stop.aborted;) {
    try {
      const datagram = await socket.receive();
      if (datagram === undefined) return;
      failures = 0;
      await serve(datagram, socket, world);
    } catch (error) {
      if (stop.aborted) return;
      if (failures++ === 0) {
        logger.log("error", "the manager failed on a request and continues", {
          code: error instanceof TransportError ? error.code : undefined,
          reason: error instanceof Error ? error.stack : String(error),
        });
      }
      await pause(clock, ACCEPT_BACKOFF_MS, stop);
    }
  }
}

async function serve(
  { payload, from }: Datagram,
  socket: ManagerSocket,
  world: ManagerWorld,
): Promise<void> {
  const replies = await answer(payload, world);
  // On a unix socket, a sender that has not bound a path cannot get an answer.
  if (from.host === "") return;
  for (const reply of replies) {
    try {
      await socket.send(reply, from);
    } catch (error) {
      if (!(error instanceof TransportError)) throw error;
      world.logger.log("warn", "cannot answer a request to the manager", {
        code: error.code,
      });
      return;
    }
  }
}

async function answer(
  payload: Uint8Array,
  { operator, logger }: ManagerWorld,
): Promise<readonly Uint8Array[]> {
  const request = parseManagerRequest(payload);
  switch (request.command) {
    case "add":
      return [await add(request.server, operator, logger)];
    case "remove":
      return [remove(request.id, operator, logger)];
    case "list":
      return formatList(managedServers(operator));
    case "ping":
      return formatStat(bytesByPort(operator));
    case "invalid":
      return [ERR];
    case "ignored":
      return [];
  }
}

const OK = new TextEncoder().encode("ok");
const ERR = new TextEncoder().encode("err");
const NOT_AVAILABLE = new TextEncoder().encode("port is not available");

/** Removes a server. As in libev, removing a missing port succeeds. */
function remove(id: string, operator: Operator, logger: Logger): Uint8Array {
  const isRemoved = operator.removeServer(id);
  if (isRemoved || !operator.status().servers.some((one) => one.id === id)) {
    return OK;
  }
  logger.log("warn", "the manager could not remove a server", {
    port: Number(id),
    reason: "it is in the configuration file: remove it there, and reload",
  });
  return ERR;
}

async function add(
  server: NewServer,
  operator: Operator,
  logger: Logger,
): Promise<Uint8Array> {
  const { servers } = operator.status(NO_USERS);
  const id = String(server.port);
  if (servers.some((one) => one.id === id && !one.managed)) {
    return NOT_AVAILABLE;
  }
  try {
    await operator.addServer(server);
    return OK;
  } catch (error) {
    if (!(error instanceof UmbraError)) throw error;
    logger.log("warn", "the manager could not add a server", {
      port: server.port,
      ...faultOf(error),
    });
    return error instanceof TransportError ? NOT_AVAILABLE : ERR;
  }
}

function managedServers(operator: Operator): ListedServer[] {
  return operator.status(NO_USERS).servers.flatMap(
    ({ managed, id, method }) => {
      const password = managed
        ? operator.credentials(id, "")?.password
        : undefined;
      return password === undefined ? [] : [{ id, method, password }];
    },
  );
}

function bytesByPort(operator: Operator): Map<string, number> {
  const bytes = new Map<string, number>();
  for (
    const { id, usage: { bytesUp, bytesDown } } of operator.status(NO_USERS)
      .servers
  ) {
    bytes.set(id, (bytes.get(id) ?? 0) + bytesUp + bytesDown);
  }
  return bytes;
}
