/**
 * The HTTP API of a fleet's servers. Every server of the fleet answers it.
 *
 * | path                            | methods |
 * | ------------------------------- | ------- |
 * | `/api/fleet` (`?offset=N`)      | GET     |
 * | `/api/fleet/nodes/:name/drain`  | POST    |
 * | `/api/fleet/nodes/:name/restore`| POST    |
 *
 * A reply contains at most 1,000 nodes.
 *
 * @module
 */
import { MAX_NODE_PAGE } from "../limits.ts";
import { type NodeView, viewNodes } from "../service/fleet/node_state.ts";
import type { FleetNodes, Operator } from "./operator.ts";
import { done, failure, json } from "./replies.ts";
import { type Call, dataRoute, type Handler, type Route } from "./router.ts";

/** The state of a fleet, as the API returns it. */
export interface FleetView {
  /** True if the engine has answered; false if the list is an earlier one. */
  readonly isCurrent: boolean;
  /** The engine's clock at the time of the list; milliseconds since 1970. */
  readonly nowUnixMs: number;
  /** Number of all nodes of the fleet. */
  readonly total: number;
  /** The number of nodes in each state. */
  readonly states: Readonly<Record<NodeView["state"], number>>;
  /** TCP connections that are open on nodes that are not lost. */
  readonly connections: number;
  /** Payload bytes per second of those nodes, both directions together. */
  readonly bytesPerSecond: number;
  /** The nodes of this page, sorted by name. */
  readonly nodes: readonly NodeView[];
}

/** Returns the routes of the API. */
export function fleetApi(operator: Operator): Route[] {
  const withNodes =
    (handle: (nodes: FleetNodes, call: Call) => ReturnType<Handler>) =>
    (call: Call): ReturnType<Handler> =>
      operator.fleetNodes === undefined
        ? failure(404, "This server is in no fleet")
        : handle(operator.fleetNodes, call);
  const switching = (isDraining: boolean): Handler =>
    withNodes(async (nodes, call) => {
      const isThere = await nodes.setDraining(call.param("name"), isDraining);
      return isThere ? done() : failure(404, "There is no such node");
    });
  const node = "/api/fleet/nodes/:name";
  return [
    dataRoute(
      "GET /api/fleet",
      withNodes(async (nodes, { url }) => {
        const offset = url.searchParams.get("offset") ?? "";
        const from = /^\d{1,9}$/.test(offset) ? Number(offset) : 0;
        return json(await viewFleet(nodes, from));
      }),
    ),
    dataRoute(`POST ${node}/drain`, switching(true)),
    dataRoute(`POST ${node}/restore`, switching(false)),
  ];
}

async function viewFleet(
  fleet: FleetNodes,
  from: number,
): Promise<FleetView> {
  const list = await fleet.nodes();
  const nodes = viewNodes(list);
  const states = { up: 0, draining: 0, lost: 0 };
  let [connections, bytesPerSecond] = [0, 0];
  for (const node of nodes) {
    states[node.state]++;
    if (node.state === "lost") continue;
    connections += node.connections;
    bytesPerSecond += node.bytesPerSecond;
  }
  return {
    isCurrent: list.isCurrent,
    nowUnixMs: list.unixMs,
    total: nodes.length,
    ...{ states, connections, bytesPerSecond },
    nodes: nodes.slice(from, from + MAX_NODE_PAGE),
  };
}
