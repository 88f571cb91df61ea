/**
 * A Shadowsocks server as `ss-local` and its companions speak to it.
 *
 * @module
 */
import { MasterKey } from "../crypto/aead.ts";
import type { Method } from "../crypto/method.ts";
import { aead2017Packet } from "../session/aead2017_packet.ts";
import { aead2017Stream } from "../session/aead2017_stream.ts";
import type { PacketProtocol } from "../session/packet_protocol.ts";
import type { StreamProtocol } from "../session/stream_protocol.ts";
import type { Endpoint } from "../transport.ts";
import type { Dependencies } from "./service.ts";

/** A server to send everything through. */
export interface UpstreamServer {
  /** IP address or name, and port. */
  readonly endpoint: Endpoint;
  /** Cipher of both directions. */
  readonly method: Method;
  /** The method's key length in bytes. */
  readonly masterKey: Uint8Array;
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

/** Makes what sessions are made of. */
export function toUpstream(
  { endpoint, method, masterKey }: UpstreamServer,
  { aeadProvider, randomBytes }: Required<Dependencies>,
): Upstream {
  const key = new MasterKey(method, masterKey, aeadProvider);
  return {
    endpoint,
    protocol: aead2017Stream(key, randomBytes),
    packets: aead2017Packet(key, randomBytes),
  };
}
