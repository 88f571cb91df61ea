/**
 * Both ends of the protocol without I/O, and the memory of a server against
 * replays. Portable: time and randomness are arguments.
 *
 * @module
 */
export type {
  ClientPacket,
  PacketClient,
  PacketServer,
} from "./packet_protocol.ts";
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
} from "./family.ts";
export { clientProtocol, readKeys, serverProtocol } from "./families.ts";
export type { ServerUser } from "./server_user.ts";
export type {
  AcceptStep,
  ClientSession,
  ServerSession,
  Step,
  StreamRequest,
  StreamSession,
} from "./stream_protocol.ts";
export {
  RecentSalts,
  type ReplayFilter,
  SaltPool,
} from "../security/replay_filter.ts";
export { SaltTable } from "../security/salt_table.ts";
export { SlidingWindow } from "../security/sliding_window.ts";
export {
  anyTarget,
  publicTarget,
  type TargetPolicy,
} from "../security/target_policy.ts";
