import assert from "node:assert/strict";
import { test } from "node:test";
import { MemoryFleet } from "../../../support/memory_fleet.ts";
import type { NodeDirectory } from "../../../../src/fleet.ts";
import {
  MAX_NODE_SERVICES,
  NODE_BEAT_MS,
  NODE_EAGER_MS,
  NODE_LIST_KEEP_MS,
  NODE_LIST_MS,
  NODE_LOST_MS,
} from "../../../../src/limits.ts";
import { viewNodes } from "../../../../src/service/fleet/node_state.ts";
import {
  type NodeFacts,
  Presence,
} from "../../../../src/service/fleet/presence.ts";
import { FakeClock, settle } from "../../../support/fake_clock.ts";

/** A node that only sends heartbeats. */
class Node {
  readonly presence: Presence;
  readonly lines: string[] = [];
  readonly name: string;
  facts: NodeFacts = {
    version: "1.0.0",
    runtime: "test 1",
    startedUnixMs: 5_000,
    isReady: true,
    connections: 3,
    bytes: 0,
    services: [{
      service: "8388",
      host: "one.example",
      method: "aes-256-gcm",
      mode: "tcp_only",
    }],
  };
  /** True if the member has noticed that the source is away. */
  isOut = false;
  /** Number of lists that were read. */
  lists = 0;

  constructor(fleet: MemoryFleet, name: string) {
    this.name = name;
    const link = fleet.link(name);
    const incarnation = fleet.join(name);
    const nodes: NodeDirectory = {
      ...link.nodes!,
      list: () => {
        this.lists++;
        return link.nodes!.list();
      },
    };
    this.presence = new Presence({
      clock: fleet.clock,
      logger: {
        enabled: () => true,
        log: (level, message) => this.lines.push(`${level}: ${message}`),
      },
      directory: () => this.isOut ? undefined : nodes,
      incarnation: () => incarnation,
      source: () => ({ answerMs: 2, clockOffsetMs: 1_000 }),
    });
  }

  start(): this {
    this.presence.start(() => this.facts);
    return this;
  }

  async states(): Promise<string[]> {
    const list = await this.presence.nodes();
    return viewNodes(list).map(({ node, state }) => `${node} ${state}`);
  }
}

async function nodesOf(
  names: readonly string[],
): Promise<{ clock: FakeClock; fleet: MemoryFleet; nodes: Node[] }> {
  const clock = new FakeClock();
  const fleet = new MemoryFleet(clock);
  const nodes = names.map((name) => new Node(fleet, name).start());
  await settle();
  return { clock, fleet, nodes };
}

async function stop(clock: FakeClock, nodes: readonly Node[]): Promise<void> {
  for (const { presence } of nodes) await presence[Symbol.asyncDispose]();
  await settle();
  assert.equal(clock.pending, 0);
}

test("a node says what it is, and how much it moves", async () => {
  const { clock, fleet, nodes } = await nodesOf(["one"]);
  const [one] = nodes;
  one!.facts = { ...one!.facts, bytes: 6_000 };
  await clock.advance(NODE_BEAT_MS);
  const [row] = fleet.list().nodes;
  assert.equal(row?.bytesPerSecond, 6_000 / (NODE_BEAT_MS / 1_000));
  // The start time is by the source's clock.
  assert.equal(row?.startedUnixMs, 6_000);
  assert.equal(row?.connections, 3);
  assert.equal(row?.services[0]?.host, "one.example");
  await clock.advance(NODE_BEAT_MS);
  assert.equal(fleet.list().nodes[0]?.bytesPerSecond, 0);
  await stop(clock, nodes);
  assert.deepEqual(fleet.list().nodes, []);
});

test("a node that is not heard of is lost, and up again when it is", async () => {
  const { clock, fleet, nodes } = await nodesOf(["one", "two"]);
  const [one] = nodes;
  assert.deepEqual(await one!.states(), ["one up", "two up"]);
  fleet.reach.set("two", "down");
  await clock.advance(NODE_LOST_MS);
  await clock.advance(NODE_BEAT_MS);
  assert.deepEqual(await one!.states(), ["one up", "two lost"]);
  fleet.reach.set("two", "answers");
  await clock.advance(NODE_BEAT_MS);
  assert.deepEqual(await one!.states(), ["one up", "two up"]);
  assert.deepEqual(nodes.flatMap(({ lines }) => lines), []);
  await stop(clock, nodes);
});

test("a node that starts or ends is not up, and tells soon that it is", async () => {
  const { clock, nodes } = await nodesOf(["one"]);
  const [one] = nodes;
  one!.facts = { ...one!.facts, isReady: false };
  await clock.advance(NODE_BEAT_MS);
  assert.deepEqual(await one!.states(), ["one draining"]);
  one!.facts = { ...one!.facts, isReady: true };
  await clock.advance(NODE_EAGER_MS);
  await clock.advance(NODE_LIST_MS);
  assert.deepEqual(await one!.states(), ["one up"]);
  await stop(clock, nodes);
});

test("a node is drained by another, and restored", async () => {
  const { clock, nodes } = await nodesOf(["one", "two"]);
  const [one, two] = nodes;
  assert.equal(await one!.presence.setDraining("nobody", true), false);
  assert.equal(await one!.presence.setDraining("two", true), true);
  // The node that made the change sees it at once; the drained node learns it
  // from its next heartbeat.
  assert.deepEqual(await one!.states(), ["one up", "two draining"]);
  assert.equal(two!.presence.isDraining, false);
  await clock.advance(NODE_BEAT_MS);
  assert.equal(two!.presence.isDraining, true);
  assert.equal(one!.presence.isDraining, false);
  assert.equal(await one!.presence.setDraining("two", false), true);
  await clock.advance(NODE_BEAT_MS);
  assert.equal(two!.presence.isDraining, false);
  assert.deepEqual(await one!.states(), ["one up", "two up"]);
  one!.isOut = true;
  await assert.rejects(one!.presence.setDraining("two", true), {
    code: "ERR_NET_CLOSED",
  });
  one!.isOut = false;
  await stop(clock, nodes);
});

test("while the source is away a node knows what it knew", async () => {
  const { clock, fleet, nodes } = await nodesOf(["one", "two"]);
  const [one, two] = nodes;
  // No request was made: the node has read the list by itself.
  await clock.advance(NODE_LIST_KEEP_MS);
  for (const { name } of nodes) fleet.reach.set(name, "down");
  await clock.advance(10 * NODE_LOST_MS);
  assert.deepEqual(await one!.states(), ["one up", "two up"]);
  assert.equal((await one!.presence.nodes()).isCurrent, false);
  // The source is not asked while it is known to be away.
  two!.isOut = true;
  const { lists } = two!;
  assert.deepEqual(await two!.states(), ["one up", "two up"]);
  assert.equal(two!.lists, lists);
  await stop(clock, nodes);
});

test("many who ask at once are one question, and none for a while", async () => {
  const { clock, nodes } = await nodesOf(["one"]);
  const [one] = nodes;
  const { lists } = one!;
  await clock.advance(NODE_LIST_MS);
  await Promise.all(Array.from({ length: 50 }, () => one!.presence.nodes()));
  assert.equal(one!.lists, lists + 1);
  await one!.presence.nodes();
  assert.equal(one!.lists, lists + 1);
  assert.equal((await one!.presence.nodes()).isCurrent, true);
  await stop(clock, nodes);
});

test("a source that refuses is told of once, and asked on", async () => {
  const { clock, fleet, nodes } = await nodesOf(["one"]);
  const [one] = nodes;
  fleet.reach.set("one", "emptied");
  await clock.advance(NODE_BEAT_MS);
  await clock.advance(NODE_BEAT_MS);
  assert.deepEqual(one!.lines, [
    "error: fleet: cannot write the heartbeat of this node",
  ]);
  fleet.reach.set("one", "answers");
  await clock.advance(NODE_BEAT_MS);
  assert.deepEqual(await one!.states(), ["one up"]);
  await stop(clock, nodes);
});

test("others hear of so many services of a node, and no more", async () => {
  const clock = new FakeClock();
  const fleet = new MemoryFleet(clock);
  const node = new Node(fleet, "one");
  const [service] = node.facts.services;
  const many = new Array(2 * MAX_NODE_SERVICES).fill(service);
  node.facts = { ...node.facts, services: many };
  node.start();
  await settle();
  assert.equal(fleet.list().nodes[0]?.services.length, MAX_NODE_SERVICES);
  await stop(clock, [node]);
});

test("a view of nodes has no secret", async () => {
  const { clock, fleet, nodes } = await nodesOf(["one"]);
  const [one] = nodes;
  const [service] = one!.facts.services;
  one!.facts = {
    ...one!.facts,
    services: [{ ...service!, plugin: "p;secret=x", serverKey: "k3y" }],
  };
  await clock.advance(NODE_BEAT_MS);
  const text = JSON.stringify(viewNodes(fleet.list()));
  assert.match(text, /one\.example/);
  assert.doesNotMatch(text, /k3y|secret/);
  await stop(clock, nodes);
});
