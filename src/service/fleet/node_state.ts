/**
 * Nodes of a fleet as an operator sees them: without a secret.
 *
 * @module
 */
import type { FleetNode, NodeList, NodeService } from "../../fleet.ts";
import { NODE_LOST_MS } from "../../limits.ts";

/** `draining`: it takes no new clients, or is about to start or to end. */
export type NodeState = "up" | "draining" | "lost";

/** The state of a node when its list was made. */
export function nodeState(
  { heardUnixMs, isDraining, isReady }: FleetNode,
  { unixMs }: Pick<NodeList, "unixMs">,
): NodeState {
  if (unixMs - heardUnixMs > NODE_LOST_MS) return "lost";
  return isDraining || !isReady ? "draining" : "up";
}

/** A node, and how it is. */
export interface NodeView extends Omit<FleetNode, "services"> {
  readonly state: NodeState;
  readonly services: readonly Omit<NodeService, "serverKey" | "plugin">[];
}

/** What may be shown of the nodes of a list. */
export function viewNodes(list: NodeList): NodeView[] {
  return list.nodes.map((node) => ({
    ...node,
    state: nodeState(node, list),
    services: node.services.map(({ service, host, method, mode }) => ({
      ...{ service, host, method, mode },
    })),
  }));
}
