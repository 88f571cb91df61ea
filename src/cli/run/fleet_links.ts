/**
 * The services that a node announces, and a user's links to all nodes.
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
 * Returns the service that a node announces for a server.
 *
 * @param id The port of the server, in decimal.
 * @param host The name or IP address that clients use.
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

/** A user of a fleet. */
export interface LinkedUser {
  /** The service that the user belongs to. */
  readonly service: string;
  readonly name: string;
  readonly password: string;
  /** The method that the password is for. */
  readonly method: string;
}

/**
 * Returns the links of a user to the nodes that take new clients, the one with
 * the fewest connections first. Nodes behind one address have one link.
 */
export function linksOf(list: NodeList, user: LinkedUser): string[] {
  const links = new Map<string, string>();
  const nodes = list.nodes.filter((node) => nodeState(node, list) === "up")
    .toSorted((a, b) => a.connections - b.connections);
  for (const { node, services } of nodes) {
    for (const { service, method, ...place } of services) {
      // The password is valid only for the same method.
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
