/**
 * The states of nodes of a fleet, and nodes without their secrets.
 *
 * @module
 */
import type { FleetNode, NodeList, NodeService } from "../../fleet.ts";
import { NODE_LOST_MS } from "../../limits.ts";

/**
 * The state of a node. `draining`: the operator drains it, or it starts or
 * stops.
 */
export type NodeState = "up" | "draining" | "lost";

/** Returns the state of a node at the time of its list. */
export function nodeState(
  { heardUnixMs, isDraining, isReady }: FleetNode,
  { unixMs }: Pick<NodeList, "unixMs">,
): NodeState {
  if (unixMs - heardUnixMs > NODE_LOST_MS) return "lost";
  return isDraining || !isReady ? "draining" : "up";
}

/** A node with its state. */
export interface NodeView extends Omit<FleetNode, "services"> {
  readonly state: NodeState;
  readonly services: readonly Omit<NodeService, "serverKey" | "plugin">[];
}

/** Returns the nodes of a list without their secrets. */
export function viewNodes(list: NodeList): NodeView[] {
  return list.nodes.map((node) => ({
    ...node,
    state: nodeState(node, list),
    services: node.services.map(({ service, host, method, mode }) => ({
      ...{ service, host, method, mode },
    })),
  }));
}
