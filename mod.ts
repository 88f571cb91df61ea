/**
 * Umbra's portable core: Shadowsocks codecs, streams and services over Web
 * Streams, without a runtime. Combine it with one of the adapters (`./deno`,
 * `./bun`, `./memory`).
 *
 * @example Seal a request and open it again
 * ```ts
 * import { ChunkOpener, ChunkSealer, findMethod, MasterKey } from "@umbra/umbra";
 * import { masterKeyFromPassword, nobleProvider } from "@umbra/umbra";
 * import { systemRandomBytes } from "@umbra/umbra";
 *
 * const method = findMethod("chacha20-ietf-poly1305");
 * const key = masterKeyFromPassword("correct horse", method);
 * const masterKey = new MasterKey(method, key, nobleProvider);
 *
 * const sealer = new ChunkSealer(masterKey, systemRandomBytes);
 * const opener = new ChunkOpener(masterKey);
 * const sealed = sealer.seal(new TextEncoder().encode("hello"));
 * console.log(new TextDecoder().decode(opener.open(sealed))); // hello
 * ```
 *
 * @module
 */
export {
  ConfigError,
  type ConfigErrorCode,
  type ErrorCode,
  PolicyError,
  type PolicyErrorCode,
  ProtocolError,
  type ProtocolErrorCode,
  StoreError,
  type StoreErrorCode,
  TransportError,
  type TransportErrorCode,
  UmbraError,
} from "./src/errors.ts";
export { type Clock, systemClock } from "./src/clock.ts";
export { type Allocate, allocateFresh, BufferPool } from "./src/buffer_pool.ts";
export { type RandomBytes, systemRandomBytes } from "./src/random.ts";
export type {
  Connection,
  Datagram,
  DatagramSocket,
  Endpoint,
  Listener,
  ListenOptions,
  OutboundAddresses,
  Transport,
  WaitOptions,
} from "./src/transport.ts";
export {
  type ConnectionSummary,
  type FlowEnd,
  type LogFields,
  type Logger,
  type LogLevel,
  type Metrics,
  silentLogger,
  silentMetrics,
} from "./src/observe.ts";
export type {
  KeptCounts,
  StoredUser,
  UserCounts,
  UserLimits,
  UserStore,
  UserUsage,
} from "./src/users.ts";
export { type Aead, type AeadProvider, MasterKey } from "./src/crypto/aead.ts";
export {
  type AeadAlgorithm,
  type AeadMethod,
  findMethod,
  type Method,
  METHODS,
} from "./src/crypto/method.ts";
export {
  STREAM_METHODS,
  type StreamMethod,
} from "./src/crypto/stream_methods.ts";
export type {
  KeyStream,
  KeyStreamAlgorithm,
  KeyStreamDirection,
  KeyStreamMethod,
  KeyStreamProvider,
} from "./src/crypto/key_stream.ts";
export { referenceKeyStreams } from "./src/crypto/key_streams/reference.ts";
export { StreamKey } from "./src/crypto/stream_key.ts";
export {
  masterKeyFromBase64,
  masterKeyFromPassword,
} from "./src/crypto/master_key.ts";
export { Psk, pskChainFromText } from "./src/crypto/psk.ts";
export { BlockCipher } from "./src/crypto/block_cipher.ts";
export { NonceCounter } from "./src/crypto/nonce_counter.ts";
export { nobleProvider } from "./src/crypto/noble.ts";
export {
  type Address,
  decodeAddress,
  encodeAddress,
  formatAddress,
} from "./src/codec/address.ts";
export { openPacket, type Packet, sealPacket } from "./src/codec/packet.ts";
export {
  decodeSocksDatagram,
  encodeSocksDatagram,
  type SocksDatagram,
} from "./src/codec/socks5_datagram.ts";
export { ChunkOpener, type OpenedHeaders } from "./src/codec/chunk_opener.ts";
export { ChunkSealer, sealedLength } from "./src/codec/chunk_sealer.ts";
export {
  isOnlineUrl,
  type OnlineConfig,
  type OnlineServer,
  parseOnlineConfig,
  parseOnlineUrl,
} from "./src/codec/sip008.ts";
export {
  formatServerUri,
  parseServerUri,
  type ServerUri,
} from "./src/codec/uri.ts";
export type {
  ClientPacket,
  PacketClient,
  PacketServer,
} from "./src/session/packet_protocol.ts";
export type {
  ClientKeys,
  ClientProtocol,
  SecretKind,
  ServerKeys,
  ServerProtocol,
  ServerWorld,
  SessionWorld,
  SsrClientSettings,
  SsrServerSettings,
  SsrSettings,
} from "./src/session/family.ts";
export {
  clientProtocol,
  readKeys,
  serverProtocol,
} from "./src/session/families.ts";
export type { ServerUser } from "./src/session/server_user.ts";
export type {
  AcceptStep,
  ClientSession,
  ServerSession,
  Step,
  StreamRequest,
  StreamSession,
} from "./src/session/stream_protocol.ts";
export {
  RecentSalts,
  type ReplayFilter,
  SaltPool,
} from "./src/security/replay_filter.ts";
export { type Generation, SaltTable } from "./src/security/salt_table.ts";
export { SlidingWindow } from "./src/security/sliding_window.ts";
export {
  anyTarget,
  publicTarget,
  type TargetPolicy,
} from "./src/security/target_policy.ts";
export { ByteReader, type ReadSource } from "./src/streams/byte_reader.ts";
export { ByteWriter, type WriteTarget } from "./src/streams/byte_writer.ts";
export { openStream } from "./src/streams/open_stream.ts";
export {
  type FirstBytes,
  type Passage,
  relay,
  type RelayOptions,
} from "./src/streams/relay.ts";
export { sealStream } from "./src/streams/seal_stream.ts";
export {
  type LocalOptions,
  type LocalService,
  startLocal,
} from "./src/service/inbound/local.ts";
export type { LimitedUser, Visit } from "./src/service/server/account.ts";
export { Accounts } from "./src/service/server/accounts.ts";
export {
  Shadowsocks,
  type UpstreamServer,
} from "./src/service/outbound/shadowsocks.ts";
export { Direct, type DirectOptions } from "./src/service/outbound/direct.ts";
export { Block } from "./src/service/outbound/block.ts";
export { FirstThatAnswers } from "./src/service/outbound/first_that_answers.ts";
export {
  everythingTo,
  type Outbound,
  type PacketChannel,
  type PacketOut,
  type Router,
  type RouteRequest,
} from "./src/service/outbound/outbound.ts";
export {
  Channel,
  type Direction,
  type PayloadCounter,
} from "./src/streams/channel.ts";
export type {
  Family,
  ReplayMemoryKind,
  UserKind,
} from "./src/crypto/family.ts";
export type { DnsAnswer, DnsMessages, DnsQuery } from "./src/dns_messages.ts";
export {
  type DnsOptions,
  type DnsService,
  startDns,
} from "./src/service/dns/dns_inbound.ts";
export {
  type ServerChange,
  type ServerOptions,
  type ServerService,
  startServer,
} from "./src/service/server/server.ts";
export type { ClientOptions } from "./src/service/server/client_connection.ts";
export type { Dependencies, Service } from "./src/service/service.ts";
export type { InboundProtocol } from "./src/service/inbound/inbound.ts";
export type { SocksUser } from "./src/service/inbound/socks5.ts";
export type { Mode, UdpOptions } from "./src/service/udp/udp_service.ts";
export {
  startUdpTunnel,
  type UdpTunnelOptions,
} from "./src/service/udp/udp_tunnel.ts";
