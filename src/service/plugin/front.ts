/**
 * Where a server listens that has a plugin in front: on the loopback for what
 * passes through the plugin, in public for the rest.
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
 * Makes sure that a plugin will be able to listen, and chooses its port where
 * the system may.
 *
 * @returns Where the plugin shall listen.
 * @throws {TransportError} When it could not.
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

/** The address on which the server itself listens. */
export interface Behind {
  readonly streams: Endpoint;
  /** @param streamPort The port for streams, where they are served. */
  datagrams(streamPort?: number): Endpoint;
}

/** @param front Where clients send to. */
export function behind(
  front: Endpoint,
  plugin: PluginOptions | undefined,
): Behind {
  const host = front.host.includes(":") ? "::1" : "127.0.0.1";
  return {
    streams: carriesStreams(plugin) ? { host, port: 0 } : front,
    // A plugin gets one port for both.
    datagrams: (streamPort) =>
      !carriesDatagrams(plugin)
        ? front
        : { host, port: carriesStreams(plugin) ? streamPort ?? 0 : 0 },
  };
}
