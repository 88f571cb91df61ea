/**
 * A Shadowsocks server as `ss-local` and its companions speak to it.
 *
 * @module
 */
import {
  type ClientKeys,
  clientPackets,
  clientProtocol,
} from "../../session/edition.ts";
import type { PacketProtocol } from "../../session/packet_protocol.ts";
import type { StreamProtocol } from "../../session/stream_protocol.ts";
import type { Endpoint } from "../../transport.ts";
import type { Dependencies } from "../service.ts";
import { withWindows } from "../udp/udp_service.ts";

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
  /** Its packets. */
  readonly packets: PacketProtocol;
}

/** A server's UDP. */
export type PacketUpstream = Pick<Upstream, "endpoint" | "packets">;

/** Makes what sessions are made of. */
export function toUpstream(
  server: UpstreamServer,
  world: Required<Dependencies>,
): Upstream {
  return {
    endpoint: server.endpoint,
    protocol: clientProtocol(server, world),
    packets: clientPackets(server, withWindows(world)),
  };
}
