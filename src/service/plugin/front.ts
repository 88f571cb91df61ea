/**
 * The addresses of a server with a plugin: the server listens on the loopback
 * for traffic through the plugin, and on its public address for the rest.
 *
 * @module
 */
import type { Endpoint, Transport } from "../../transport.ts";
import {
  carriesDatagrams,
  carriesStreams,
  type PluginOptions,
} from "./options.ts";

/**
 * Checks that a plugin will be able to listen, and chooses its port if that is
 * 0.
 *
 * @returns The address for the plugin to listen on.
 * @throws {TransportError} If the address cannot be used.
 */
export async function findFront(
  listen: Endpoint,
  plugin: PluginOptions,
  transport: Transport,
): Promise<Endpoint> {
  const tried = carriesStreams(plugin)
    ? await transport.listen(listen)
    : await transport.bind(listen);
  const { port } = tried.address;
  tried.close();
  return { host: listen.host, port };
}

/** The addresses on which the server itself listens. */
export interface Behind {
  readonly streams: Endpoint;
  /** @param streamPort The port for streams, if they are served. */
  datagrams(streamPort?: number): Endpoint;
}

/** @param front The address that clients connect to. */
export function behind(
  front: Endpoint,
  plugin: PluginOptions | undefined,
): Behind {
  const host = front.host.includes(":") ? "::1" : "127.0.0.1";
  return {
    streams: carriesStreams(plugin) ? { host, port: 0 } : front,
    // A plugin gets one port for streams and datagrams.
    datagrams: (streamPort) =>
      !carriesDatagrams(plugin)
        ? front
        : { host, port: carriesStreams(plugin) ? streamPort ?? 0 : 0 },
  };
}
