/**
 * Both roles on the sockets and ciphers of this system.
 *
 * @module
 */
import {
  type LocalOptions,
  type LocalService,
  startLocal as startLocalOn,
} from "../service/inbound/local.ts";
import {
  type ServerOptions,
  type ServerService,
  startServer as startServerOn,
} from "../service/server/server.ts";
import { onThisSystem, type SystemDependencies } from "./system.ts";

/**
 * Starts a local proxy; see `startLocal()` of the service entry for one that
 * runs on whatever it is given.
 *
 * @throws {TransportError} When it cannot listen.
 * @throws {RangeError} When there is no server.
 */
export function startLocal(
  options: LocalOptions,
  dependencies: SystemDependencies = {},
): Promise<LocalService> {
  const methods = options.servers.map(({ method }) => method);
  return startLocalOn(options, onThisSystem(dependencies, methods));
}

/**
 * Starts a server; see `startServer()` of the service entry for one that runs
 * on whatever it is given.
 *
 * @throws {TransportError} When it cannot listen.
 * @throws {RangeError} When keys are missing, or users cannot be told apart.
 */
export function startServer(
  options: ServerOptions,
  dependencies: SystemDependencies = {},
): Promise<ServerService> {
  return startServerOn(options, onThisSystem(dependencies, [options.method]));
}
