/**
 * Rules for targets: ACL files, routes, and what decides among them, without
 * I/O. `LocalOptions.routes` and `ServerOptions.routes` take them.
 *
 * @example Ask an ACL
 * ```ts
 * import { clientRoutes, explainDecision, readAcl } from "@umbra/umbra/routes";
 *
 * const text = "[proxy_all]\n[bypass_list]\n||example.com\n";
 * const acl = readAcl([{ file: "my.acl", text }], () => undefined);
 * const decision = clientRoutes(acl).decide({
 *   name: "www.example.com",
 *   port: 443,
 *   network: "tcp",
 * });
 * console.log(explainDecision(decision!));
 * // direct: [bypass_list] domain_suffix "example.com" (my.acl:3)
 * ```
 *
 * @module
 */
export { ConfigError, type ConfigErrorCode, UmbraError } from "../errors.ts";
export type { ErrorCode } from "../errors.ts";
export type { Condition } from "./condition.ts";
export type {
  NEEDS_ADDRESSES,
  NOT_TOLD,
  RouteAnswer,
  RouteHit,
  RouteQuestion,
} from "./question.ts";
export {
  explainDecision,
  type Route,
  type RouteDecision,
  RouteTable,
} from "./route_table.ts";
export {
  type Acl,
  type AclSection,
  type AclText,
  readAcl,
} from "./acl/read_acl.ts";
export {
  clientAddressRoutes,
  clientRoutes,
  outboundRoutes,
} from "./acl/acl_routes.ts";
export type { ListNote } from "./list_notes.ts";
export type { NameEntry, NameKind } from "./match/name_table.ts";
export type { AddressRange } from "./match/address_ranges.ts";
export {
  formatRange,
  routeAddress,
  type TargetCounts,
  TargetSet,
} from "./match/target_set.ts";
export { pacOf, type PacOptions } from "./pac.ts";
