/**
 * The services of a node for the others, and the links of a user to all of them.
 *
 * @module
 */
import { findMethod } from "../../crypto/method.ts";
import type { NodeList, NodeService } from "../../fleet.ts";
import { nodeState } from "../../service/fleet/node_state.ts";
import type { ConfiguredServer } from "../config/config.ts";
import { userPassword } from "../config/credentials.ts";
import { formatLink } from "../config/server_links.ts";

/**
 * What other nodes hear of a server.
 *
 * @param id Its port, in decimal.
 * @param host As clients know it.
 * @returns `undefined` for ShadowsocksR, whose links need more than this.
 */
export function nodeService(
  { method, mode = "tcp_only", secrets, ssr, linkedPlugin }: ConfiguredServer,
  id: string,
  host: string,
): NodeService | undefined {
  if (ssr !== undefined) return undefined;
  const isChained = method.userKind === "identity";
  return {
    ...{ service: id, host, method: method.name, mode },
    ...linkedPlugin !== undefined && { plugin: linkedPlugin },
    ...isChained && secrets.own && { serverKey: secrets.own.text },
  };
}

/** A user whose links are wanted. */
export interface LinkedUser {
  /** The service it is a user of. */
  readonly service: string;
  readonly name: string;
  readonly password: string;
  /** The method that its password is of. */
  readonly method: string;
}

/**
 * The links of a user to the nodes that take new clients, to the one with the
 * fewest connections first; nodes behind one address have one link.
 */
export function linksOf(list: NodeList, user: LinkedUser): string[] {
  const links = new Map<string, string>();
  const nodes = list.nodes.filter((node) => nodeState(node, list) === "up")
    .toSorted((a, b) => a.connections - b.connections);
  for (const { node, services } of nodes) {
    for (const { service, method, ...place } of services) {
      // A key of another length opens nothing there.
      if (service !== user.service || method !== user.method) continue;
      const { host, plugin, serverKey } = place;
      const known = findMethod(method);
      const password = userPassword(known, { serverKey, own: user.password });
      const server = { host, port: Number(service), method: known, password };
      const same = JSON.stringify([host, service, password, plugin]);
      if (links.has(same)) continue;
      const tag = `${user.name} ${node}`;
      links.set(same, formatLink({ ...server, plugin, tag }));
    }
  }
  return [...links.values()];
}
