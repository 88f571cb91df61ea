/**
 * Wire formats: addresses, chunks, packets, SOCKS, links and lists of servers.
 * Portable: no runtime, no clock, no I/O.
 *
 * @module
 */
export {
  type Address,
  decodeAddress,
  encodeAddress,
  formatAddress,
  parseAddress,
} from "./address.ts";
export { openPacket, type Packet, sealPacket } from "./packet.ts";
export {
  decodeSocksDatagram,
  encodeSocksDatagram,
  type SocksDatagram,
} from "./socks5_datagram.ts";
export { ChunkOpener, type OpenedHeaders } from "./chunk_opener.ts";
export { ChunkSealer, sealedLength } from "./chunk_sealer.ts";
export {
  isOnlineUrl,
  type ListedServer,
  type ListedSsrServer,
  type OnlineConfig,
  type OnlineServer,
  parseOnlineConfig,
  parseOnlineUrl,
} from "./sip008.ts";
export type { SsrUri } from "./ssr_uri.ts";
export { formatServerUri, parseServerUri, type ServerUri } from "./uri.ts";
export { formatIp, parseIp } from "./ip_address.ts";
export { type DnsAnswer, readDnsAnswer } from "./dns_message.ts";
export {
  addressesIn,
  addressQuery,
  DNS_CODE,
  DNS_TYPE,
  type DnsAddresses,
} from "./dns_records.ts";
