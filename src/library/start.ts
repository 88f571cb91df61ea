/**
 * Both roles with the sockets and ciphers of this system.
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
 * Starts a local proxy. `startLocal()` of the service entry takes all
 * dependencies from the caller.
 *
 * @throws {TransportError} If the proxy cannot listen.
 * @throws {RangeError} If there is no server.
 */
export function startLocal(
  options: LocalOptions,
  dependencies: SystemDependencies = {},
): Promise<LocalService> {
  const methods = options.servers.map(({ method }) => method);
  return startLocalOn(options, onThisSystem(dependencies, methods));
}

/**
 * Starts a server. `startServer()` of the service entry takes all dependencies
 * from the caller.
 *
 * @throws {TransportError} If the server cannot listen.
 * @throws {RangeError} If keys are missing, or users cannot be told apart.
 */
export function startServer(
  options: ServerOptions,
  dependencies: SystemDependencies = {},
): Promise<ServerService> {
  return startServerOn(options, onThisSystem(dependencies, [options.method]));
}
