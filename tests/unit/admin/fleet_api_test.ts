/**
 * Tests the nodes of a fleet in the API of the operator's port.
 *
 * @module
 */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { FleetView } from "../../../src/admin/fleet_api.ts";
import { fleetLine, fleetRows } from "../../../src/admin/fleet_rows.ts";
import type { FleetNodes } from "../../../src/admin/operator.ts";
import { StoreError } from "../../../src/errors.ts";
import type { FleetNode } from "../../../src/fleet.ts";
import { MAX_NODE_PAGE, NODE_LOST_MS } from "../../../src/limits.ts";
import { nodeBeat } from "../../conformance/fleet_suite.ts";
import { AdminWorld, TOKEN } from "../../support/admin_world.ts";

const NOW = 1_800_000_000_000;

function node(name: string, rest: Partial<FleetNode> = {}): FleetNode {
  return {
    ...nodeBeat(),
    node: name,
    heardUnixMs: NOW,
    isDraining: false,
    keyIds: [],
    isSealed: false,
    ...rest,
  };
}

/** A fleet whose nodes the test provides. */
class FakeNodes implements FleetNodes {
  readonly nodesOf: FleetNode[];
  isCurrent = true;
  refuses = false;

  constructor(nodes: FleetNode[]) {
    this.nodesOf = nodes;
  }

  nodes(): ReturnType<FleetNodes["nodes"]> {
    const { nodesOf: nodes, isCurrent } = this;
    return Promise.resolve({ nodes, isCurrent, unixMs: NOW });
  }

  setDraining(name: string, isDraining: boolean): Promise<boolean> {
    if (this.refuses) {
      return Promise.reject(new StoreError("ERR_STORE_FULL", "full"));
    }
    const at = this.nodesOf.findIndex(({ node }) => node === name);
    if (at < 0) return Promise.resolve(false);
    this.nodesOf[at] = { ...this.nodesOf[at]!, isDraining };
    return Promise.resolve(true);
  }
}

function worldOf(nodes: FleetNode[]): { world: AdminWorld; fleet: FakeNodes } {
  const world = new AdminWorld();
  const fleet = new FakeNodes(nodes);
  world.operator.fleetNodes = fleet;
  return { world, fleet };
}

describe("/metrics?fleet=true", () => {
  test("has the totals of the fleet, and only those", async () => {
    const { world } = worldOf([]);
    world.operator.fleetTotals = () =>
      Promise.resolve({
        nodes: { up: 2, draining: 0, lost: 1 },
        users: { active: 5, disabled: 4, expired: 3, spent: 2 },
        top: [{ service: "8388", name: "bob", part: 0.75 }],
      });
    const response = await world.ask("/metrics?fleet=true");
    assert.match(response.headers.get("content-type")!, /^text\/plain/);
    const lines = (await response.text()).split("\n")
      .filter((line) => line !== "" && !line.startsWith("#"));
    assert.deepEqual(lines, [
      'umbra_fleet_nodes{state="up"} 2',
      'umbra_fleet_nodes{state="draining"} 0',
      'umbra_fleet_nodes{state="lost"} 1',
      'umbra_fleet_users{state="active"} 5',
      'umbra_fleet_users{state="disabled"} 4',
      'umbra_fleet_users{state="expired"} 3',
      'umbra_fleet_users{state="spent"} 2',
      'umbra_fleet_quota_used_ratio{server="8388",user="bob"} 0.75',
    ]);
    const own = await (await world.ask("/metrics")).text();
    assert(!own.includes("umbra_fleet_nodes"));
  });

  test("needs the token, a fleet, and its engine", async () => {
    const { world } = worldOf([]);
    world.operator.fleetTotals = () => Promise.resolve(undefined);
    assert.equal((await world.ask("/metrics?fleet=true")).status, 503);
    world.operator.fleetNodes = undefined;
    assert.equal((await world.ask("/metrics?fleet=true")).status, 404);
    const locked = new AdminWorld({ token: TOKEN });
    assert.equal((await locked.ask("/metrics?fleet=true")).status, 401);
  });
});

describe("/api/fleet", () => {
  test("has every node, how it is, and sums; no secret", async () => {
    const { world } = worldOf([
      node("drains", { isDraining: true }),
      node("lost", { heardUnixMs: NOW - NODE_LOST_MS - 1 }),
      node("up"),
    ]);
    const response = await world.ask("/api/fleet");
    const text = await response.text();
    const { serverKey, plugin } = nodeBeat().services[0]!;
    assert(!text.includes(serverKey!) && !text.includes(plugin!));
    const view = JSON.parse(text) as FleetView;
    assert.deepEqual(
      view.nodes.map(({ node, state }) => [node, state]),
      [["drains", "draining"], ["lost", "lost"], ["up", "up"]],
    );
    assert.deepEqual(view.states, { up: 1, draining: 1, lost: 1 });
    const { connections, bytesPerSecond } = nodeBeat();
    assert.equal(view.connections, 2 * connections);
    assert.equal(view.bytesPerSecond, 2 * bytesPerSecond);
    assert.deepEqual([view.total, view.isCurrent], [3, true]);
    assert.equal(view.nodes[2]!.services[0]!.host, "fra1.example");
  });

  test("has a thousand nodes at a time", async () => {
    const count = MAX_NODE_PAGE + 5;
    const { world } = worldOf(
      Array.from({ length: count }, (_, i) => node(`n${i}`)),
    );
    const first = await world.json("/api/fleet");
    assert.deepEqual([first.nodes.length, first.total], [MAX_NODE_PAGE, count]);
    const rest = await world.json(`/api/fleet?offset=${MAX_NODE_PAGE}`);
    assert.equal(rest.nodes.length, 5);
    assert.equal(rest.nodes[0].node, `n${MAX_NODE_PAGE}`);
    assert.equal(rest.states.up, count);
    const odd = await world.json("/api/fleet?offset=-1");
    assert.equal(odd.nodes.length, MAX_NODE_PAGE);
  });

  test("drains nodes and restores them", async () => {
    const { world, fleet } = worldOf([node("up")]);
    const post = async (path: string): Promise<number> =>
      (await world.ask(`/api/fleet/nodes/${path}`, {
        method: "POST",
        body: {},
      })).status;
    assert.equal(await post("up/drain"), 204);
    assert.equal(fleet.nodesOf[0]!.isDraining, true);
    assert.equal(await post("up/restore"), 204);
    assert.equal(fleet.nodesOf[0]!.isDraining, false);
    assert.equal(await post("nobody/drain"), 404);
    fleet.refuses = true;
    assert.equal(await post("up/drain"), 503);
  });

  test("is not there without a fleet, and for nobody without the token", async () => {
    const alone = new AdminWorld();
    assert.equal((await alone.ask("/api/fleet")).status, 404);
    const world = new AdminWorld({ token: TOKEN });
    world.operator.fleetNodes = new FakeNodes([node("up")]);
    assert.equal((await world.ask("/api/fleet")).status, 401);
    const drain = "/api/fleet/nodes/up/drain";
    assert.equal((await world.ask(drain, { method: "POST" })).status, 401);
  });
});

test("rows of nodes are text, and say what is not known", () => {
  const view: FleetView = {
    isCurrent: false,
    nowUnixMs: NOW,
    total: 1,
    states: { up: 1, draining: 2, lost: 3 },
    connections: 1_234,
    bytesPerSecond: 125_000,
    nodes: [{
      ...node("fra1", { heardUnixMs: NOW - 5_000, clockOffsetMs: -1_500 }),
      state: "lost",
    }],
  };
  const [row] = fleetRows(view, "bit");
  assert.deepEqual(row, {
    name: "fra1",
    state: "lost",
    tone: "bad",
    hosts: "fra1.example",
    version: "1.2.3, Deno 2.9.6",
    open: "7",
    rate: "98.8 kbit/s",
    answer: "1.25 ms",
    clock: "1.5 s",
    heard: "5 s ago",
  });
  const line = fleetLine(view, "bit");
  assert.match(line, /^1 up, 2 draining, 3 lost; 1,234 connections, 1\.00 Mb/);
  assert.match(line, /does not answer/);
  assert.doesNotMatch(fleetLine({ ...view, isCurrent: true }, "bit"), /answer/);
});
