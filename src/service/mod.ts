/**
 * The roles, the ways to targets and the streams they use, for any transport.
 * The module is portable: transports are in the entries `./deno`, `./bun` and
 * `./memory`.
 *
 * @module
 */
export {
  ConfigError,
  type ConfigErrorCode,
  type DefectCode,
  type ErrorCode,
  messageOf,
  PolicyError,
  type PolicyErrorCode,
  ProtocolError,
  type ProtocolErrorCode,
  StoreError,
  type StoreErrorCode,
  TransportError,
  type TransportErrorCode,
  UmbraError,
} from "../errors.ts";
export type { DialCounts } from "../dial_times.ts";
export {
  type Clock,
  Deadline,
  type DeadlineOptions,
  systemClock,
} from "../clock.ts";
export { onAbort, Stop, type StopSignal, toAbortSignal } from "../on_abort.ts";
export { type Allocate, allocateFresh, BufferPool } from "../buffer_pool.ts";
export { type RandomBytes, systemRandomBytes } from "../random.ts";
export type { NetworkChanges } from "../network_changes.ts";
export type {
  Accepted,
  ByteStream,
  Capabilities,
  Connection,
  Datagram,
  DatagramSocket,
  DatagramTaker,
  DialOptions,
  Endpoint,
  Listener,
  ListenOptions,
  OutboundAddresses,
  Posted,
  Redirection,
  SecureOptions,
  SecureStream,
  TlsOptions,
  Transport,
  WaitOptions,
} from "../transport.ts";
export {
  type ConnectionSummary,
  type FlowEnd,
  type LocalRequest,
  type LogFields,
  type Logger,
  type LogLevel,
  type LookupReason,
  type Metrics,
  silentLogger,
  silentMetrics,
} from "../observe.ts";
export type {
  KeptCounts,
  StoredUser,
  UserCounts,
  UserLimits,
  UserStore,
  UserUsage,
} from "../users.ts";
export { ByteReader, type ReadSource } from "../streams/byte_reader.ts";
export { ByteWriter, type WriteTarget } from "../streams/byte_writer.ts";
export { openStream, sealStream } from "../streams/chunk_streams.ts";
export {
  type FirstBytes,
  type Passage,
  relay,
  type RelayOptions,
} from "../streams/relay.ts";
export {
  type LocalOptions,
  type LocalService,
  startLocal,
} from "./inbound/local.ts";
export type { LimitedUser, Visit } from "./server/account.ts";
export { Accounts } from "./server/accounts.ts";
export type { Follower } from "./server/movements.ts";
export { Shadowsocks, type UpstreamServer } from "./outbound/shadowsocks.ts";
export type { CarrierSettings } from "./carriers/carrier.ts";
export type { WebSocketServerOptions } from "./carriers/websocket/server.ts";
export type {
  WebSocketTransport,
  WebSocketUrl,
} from "../codec/websocket_transport.ts";
export type { HttpField } from "../codec/http_head.ts";
export { Direct, type DirectOptions } from "./outbound/direct.ts";
export { Block } from "./outbound/block.ts";
export {
  ServerGroup,
  type ServerGroupOptions,
  type ServerSwitches,
} from "./outbound/servers/server_group.ts";
export type {
  GroupServerStatus,
  HealthStatus,
  SwitchReason,
} from "./outbound/servers/server_status.ts";
export type {
  GroupOptions,
  ProbeMode,
  ProbeTarget,
} from "./outbound/servers/options.ts";
export type { HealthState } from "./outbound/servers/health.ts";
export type { PolicyName } from "./outbound/servers/policies/policy.ts";
export {
  everythingTo,
  type Outbound,
  type PacketChannel,
  type PacketOut,
  type Router,
  type RouteReport,
  type RouteRequest,
} from "./outbound/outbound.ts";
export {
  Channel,
  type Direction,
  type PayloadCounter,
} from "../streams/channel.ts";
export {
  type DnsOptions,
  type DnsService,
  startDns,
} from "./dns/dns_inbound.ts";
export { LocalNames } from "./dns/local_names.ts";
export { ReverseNames } from "./dns/reverse_names.ts";
export { type FakeEntry, FakeIps, type FakeRanges } from "./dns/fake_ips.ts";
export type { DnsAddresses } from "../codec/dns_records.ts";
export { type DnsResolver, formatResolver } from "./dns/dns_resolver.ts";
export type { NamedGroups } from "./outbound/servers/parts.ts";
export type { TargetNames } from "./routing/target_names.ts";
export type { CidrBlock } from "../security/target_policy.ts";
export {
  type ServerChange,
  type ServerOptions,
  type ServerService,
  startServer,
} from "./server/server.ts";
export type { ServingOptions } from "./server/client_connection.ts";
export type { LocalRoutes } from "./routing/rule_router.ts";
export type { RuleListFacts } from "../routes/rule_list.ts";
export type {
  DnsStatus,
  DnsWayCounts,
  DnsWayStatus,
} from "./dns/dns_status.ts";
export type { ServerRoutes } from "./routing/server_rules.ts";
export type { Condition, PortRange } from "../routes/condition.ts";
export type {
  NEEDS_ADDRESSES,
  NOT_TOLD,
  RouteAnswer,
  RouteHit,
  RouteQuestion,
} from "../routes/question.ts";
export type {
  Route,
  RouteDecision,
  RouteTable,
} from "../routes/route_table.ts";
export type { NameEntry, NameKind } from "../routes/match/name_table.ts";
export type { AddressRange } from "../routes/match/address_ranges.ts";
export type { TargetCounts, TargetSet } from "../routes/match/target_set.ts";
export {
  carriesDatagrams,
  carriesStreams,
  type PluginOptions,
} from "./plugin/options.ts";
export {
  Plugin,
  type PluginPlace,
  type PluginState,
  type PluginStatus,
} from "./plugin/plugin.ts";
export { PluginCrew } from "./plugin/crew.ts";
export type { ProgramCommand, Programs, RunningProgram } from "../programs.ts";
export {
  connectionCapacity,
  type Dependencies,
  type Service,
  withDefaults,
} from "./service.ts";
export type { InboundProtocol } from "./inbound/inbound.ts";
export type { SocksUser } from "./inbound/socks5.ts";
export {
  type AcceptOptions,
  type Mode,
  SERVICE_DEFAULTS,
  type ServiceOptions,
  type UdpOptions,
} from "./options.ts";
export { startUdpTunnel, type UdpTunnelOptions } from "./udp/udp_tunnel.ts";
export type { PacSettings } from "./inbound/proxy_pac.ts";
export type { SniffOptions } from "./inbound/sniff.ts";
export type { ApplicationOptions } from "./inbound/local_connection.ts";
export {
  type ChannelStreams,
  channelStreams,
} from "../streams/channel_streams.ts";
