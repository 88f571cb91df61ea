/**
 * A Shadowsocks server as `ss-local` and its companions speak to it.
 *
 * @module
 */
import { MasterKey } from "../crypto/aead.ts";
import { ConfigError } from "../errors.ts";
import { aead2017Packet } from "../session/aead2017_packet.ts";
import { type ClientKeys, clientProtocol } from "../session/edition.ts";
import type { PacketProtocol } from "../session/packet_protocol.ts";
import type { StreamProtocol } from "../session/stream_protocol.ts";
import type { Endpoint } from "../transport.ts";
import type { Dependencies } from "./service.ts";

/** A server to send everything through. */
export interface UpstreamServer extends ClientKeys {
  /** IP address or name, and port. */
  readonly endpoint: Endpoint;
}

/** A server with what its sessions are made of. */
export interface Upstream {
  /** IP address or name, and port. */
  readonly endpoint: Endpoint;
  /** Its streams. */
  readonly protocol: StreamProtocol;
  /** Its packets; not set where the method's edition has no UDP here. */
  readonly packets?: PacketProtocol;
}

/** A server whose UDP can be spoken to. */
export type PacketUpstream = Required<Pick<Upstream, "endpoint" | "packets">>;

/**
 * A server with its packets.
 *
 * @throws {ConfigError} `ERR_CONFIG_VALUE` when its edition has none here.
 */
export function withPackets(
  { endpoint, packets, protocol }: Upstream,
): PacketUpstream & Upstream {
  if (packets === undefined) throw noUdp("a 2022 method");
  return { endpoint, packets, protocol };
}

/** What to say where UDP is asked for and not served. */
export function noUdp(what: string): ConfigError {
  return new ConfigError(
    "ERR_CONFIG_VALUE",
    `UDP is not served with ${what} by this version: leave out -u, -U, ` +
      '--dns-listen and "mode", or use one key of a 2017 method',
  );
}

/** Makes what sessions are made of. */
export function toUpstream(
  server: UpstreamServer,
  world: Required<Dependencies>,
): Upstream {
  const { endpoint, method, masterKey } = server;
  const protocol = clientProtocol(server, world);
  if (method.edition !== 2017) return { endpoint, protocol };
  const key = new MasterKey(method, masterKey, world.aeadProvider);
  const packets = aead2017Packet(key, world.randomBytes);
  return { endpoint, protocol, packets };
}
