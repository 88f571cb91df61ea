/**
 * Converts an ACL into routes, for a client or a server.
 *
 * @module
 */
import { inSets, ofAddressTargets, ofNames } from "../condition.ts";
import type { TargetSet } from "../match/target_set.ts";
import { type Route, RouteTable } from "../route_table.ts";
import type { Acl } from "./read_acl.ts";

/**
 * Returns the routes of a client.
 *
 * A name that both lists contain is reached through the server; an address that
 * both contain is reached directly. The addresses of a name that no list
 * contains are looked up and compared with the list that the mode leaves to
 * decide, if that list has addresses. Blocked addresses apply only to targets
 * that are addresses: no name is resolved for them.
 *
 * @param obeysBlockList False to ignore `[outbound_block_list]`, as the clients
 * of both other programs do.
 */
export function clientRoutes(acl: Acl, obeysBlockList = true): RouteTable {
  const { bypass, proxy, block } = acl.lists;
  const routes: Route[] = [];
  const add = (to: string, place: string, when: Route["when"]): void => {
    if (when !== undefined) routes.push({ to, place, when });
  };
  const names = (sets: readonly TargetSet[]): Route["when"] =>
    sets.some((set) => set.hasNames) ? ofNames(inSets(sets)) : undefined;
  const addresses = (sets: readonly TargetSet[]): Route["when"] =>
    sets.some((set) => set.hasAddresses) ? inSets(sets) : undefined;
  const literal = (sets: readonly TargetSet[]): Route["when"] => {
    const when = addresses(sets);
    return when && ofAddressTargets(when);
  };
  if (obeysBlockList) {
    add("block", "[outbound_block_list]", names(block));
    add("block", "[outbound_block_list]", literal(block));
  }
  add("proxy", "[proxy_list]", names(proxy));
  add("direct", "[bypass_list]", names(bypass));
  if (acl.mode === "proxy") {
    add("direct", "[bypass_list]", addresses(bypass));
    add("proxy", "[proxy_list]", literal(proxy));
  } else {
    add("direct", "[bypass_list]", literal(bypass));
    add("proxy", "[proxy_list]", addresses(proxy));
  }
  return new RouteTable(routes, {
    to: acl.mode,
    place: acl.mode === "proxy" ? "[proxy_all]" : "[bypass_all]",
  });
}

/**
 * Returns the routes of a server, which decide on the targets of its clients.
 */
export function outboundRoutes({ lists, outboundMode }: Acl): RouteTable {
  return new RouteTable([
    {
      to: "block",
      place: "[outbound_block_list]",
      when: inSets(lists.block),
    },
    {
      to: "direct",
      place: "[outbound_allow_list]",
      when: inSets(lists.allow),
    },
  ], {
    to: outboundMode,
    place: outboundMode === "direct"
      ? "[outbound_allow_all]"
      : "[outbound_block_all]",
  });
}

/**
 * Returns the routes that decide which clients a server serves. They take the
 * client's address as the target.
 */
export function clientAddressRoutes({ lists, mode }: Acl): RouteTable {
  return new RouteTable([
    {
      to: "block",
      place: "[black_list]",
      when: ofAddressTargets(inSets(lists.bypass)),
    },
    {
      to: "direct",
      place: "[white_list]",
      when: ofAddressTargets(inSets(lists.proxy)),
    },
  ], {
    to: mode === "proxy" ? "direct" : "block",
    place: mode === "proxy" ? "[accept_all]" : "[reject_all]",
  });
}
