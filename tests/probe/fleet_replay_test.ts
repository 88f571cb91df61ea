/**
 * Tests that a recorded request to one node of a fleet is not served by another
 * node: nodes that share their keys share their memory of salts.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { MemoryFleet, type Reach } from "../support/memory_fleet.ts";
import { findMethod } from "../../src/crypto/method.ts";
import { referenceKeyStreams } from "../../src/crypto/key_streams/reference.ts";
import { nobleProvider } from "../../src/crypto/noble.ts";
import {
  FLEET_CALL_MS,
  FLEET_RETRY_MS,
  FLEET_TICK_MS,
  FLEET_WATCH_MS,
  MAX_SALT_BACKLOG,
  SALT_MARK_LENGTH,
  SALT_POOL_MS,
  SALT_TELL_BYTES,
  SALT_TELL_MS,
} from "../../src/limits.ts";
import { systemRandomBytes } from "../../src/random.ts";
import { sharedReplayFilters } from "../../src/security/replay_filter.ts";
import type { Replay } from "../../src/service/fleet/domain_salts.ts";
import { FleetMember } from "../../src/service/fleet/member.ts";
import {
  type ServerService,
  startServer,
} from "../../src/service/server/server.ts";
import { clientProtocol } from "../../src/session/families.ts";
import type { Connection, Listener } from "../../src/transport.ts";
import { seededBytes, utf8 } from "../support/bytes.ts";
import { settle } from "../support/fake_clock.ts";
import { FACTS } from "../support/fleet_nodes.ts";
import { acceptFrom, observe, send } from "../support/streams.ts";
import { TARGET, World } from "../support/world.ts";

const METHODS = ["2022-blake3-aes-128-gcm", "aes-256-gcm"];

interface NodeOptions {
  /** The domain. Default: none; no salts are exchanged. */
  readonly domain?: string;
  readonly replay?: Replay;
  /** Number of the node's key. Default: 1. */
  readonly key?: number;
}

/** A server that is a node of a fleet. */
interface Node {
  readonly name: string;
  readonly member: FleetMember;
  readonly server: ServerService;
}

/** Nodes, and the target of every request. */
class Scene {
  readonly world = new World({ capacity: 1 << 20 });
  readonly fleet = new MemoryFleet(this.world.clock);
  readonly #method: string;
  readonly #nodes: Node[] = [];
  readonly #answered: { far: Connection; done: Promise<void> }[] = [];
  #target!: Listener;
  #answering!: Promise<void>;

  constructor(method: string) {
    this.#method = method;
  }

  /** Starts the target and these nodes. */
  async start(
    nodes: Readonly<Record<string, NodeOptions>>,
  ): Promise<[Node, Node]> {
    this.#target = await this.world.target();
    this.#answering = this.#answer();
    for (const [name, options] of Object.entries(nodes)) {
      await this.node(name, options);
    }
    return this.#nodes as [Node, Node];
  }

  async node(name: string, options: NodeOptions): Promise<Node> {
    const { domain, replay = "exchange", key = 1 } = options;
    const { clock, dependencies } = this.world;
    const member = new FleetMember({
      node: name,
      connect: () => Promise.resolve(this.fleet.link(name, domain)),
      clock,
      outage: "serve",
      replay,
      logger: dependencies.logger!,
    });
    const starting = member.start({
      services: () => [],
      setUsers: () => {},
      facts: () => FACTS,
      change: () => {},
    });
    // Messages of other nodes are read one by one.
    await this.world.clock.advance(0);
    await starting;
    const own = sharedReplayFilters(clock);
    const server = await startServer({
      listen: { host: name, port: 8388 },
      ...this.#keys(key),
    }, {
      ...dependencies,
      ...domain !== undefined &&
        { replayFilter: (kind) => member.salts.filter(own(kind)) },
    });
    const node = { name, member, server };
    this.#nodes.push(node);
    return node;
  }

  /** Returns a new request. */
  request(): Uint8Array {
    return clientProtocol(this.#keys(1), {
      aeadProvider: nobleProvider,
      keyStreamProvider: referenceKeyStreams,
      clock: this.world.clock,
      randomBytes: systemRandomBytes,
    }).stream().request(TARGET, utf8("GET / HTTP/1.1\r\n\r\n"));
  }

  /** True if the target answered the request. */
  async isServed({ name }: Node, request: Uint8Array): Promise<boolean> {
    const client = await this.world.network.dial({ host: name, port: 8388 });
    const seen = observe(client);
    await send(client, request);
    await settle();
    client.close();
    await settle();
    return seen().received.length > 0;
  }

  reach({ name }: Node, reach: Reach): void {
    this.fleet.reach.set(name, reach);
  }

  async stop(): Promise<void> {
    await this.world.stop(...this.#nodes.map(({ server }) => server));
    const ends = this.#nodes.map(({ member }) => member[Symbol.asyncDispose]());
    await this.world.clock.advance(FLEET_WATCH_MS);
    await Promise.all(ends);
    for (const { far, done } of this.#answered) {
      far.close();
      await done;
    }
    this.#target.close();
    await this.#answering;
    await settle();
    assert.equal(this.world.clock.pending, 0);
    assert.equal(this.world.network.openConnections, 0);
  }

  #keys(number: number): Parameters<typeof clientProtocol>[0] {
    const method = findMethod(this.#method);
    return { method, masterKey: seededBytes(method.keyLength, number) };
  }

  /** Answers every client that has sent something. */
  async #answer(): Promise<void> {
    for (;;) {
      const far = await acceptFrom(this.#target);
      if (far === undefined) return;
      this.#answered.push({ far, done: answer(far) });
    }
  }
}

async function answer(far: Connection): Promise<void> {
  const reader = far.readable.getReader();
  try {
    const { done } = await reader.read();
    if (!done) await send(far, utf8("hello"));
  } catch {
    // The client has left.
  }
}

/** Milliseconds from a request to its copy at another node. */
const DELAYS_MS = [50, 300, 1_000, 30_000];

/** Returns which copies another node answers. */
async function served(
  method: string,
  one: NodeOptions,
  other: NodeOptions,
): Promise<boolean[]> {
  const scene = new Scene(method);
  const [first, second] = await scene.start({ one, two: other });
  const answers: boolean[] = [];
  for (const delayMs of DELAYS_MS) {
    const request = scene.request();
    assert.equal(await scene.isServed(first, request), true);
    await scene.world.clock.advance(delayMs);
    answers.push(await scene.isServed(second, request));
    // The node itself never serves a copy.
    assert.equal(await scene.isServed(first, request), false);
    await scene.world.clock.advance(1_000);
  }
  await scene.stop();
  return answers;
}

for (const method of METHODS) {
  test(`${method}: in one domain a copy is served before 0.3 s alone`, async () => {
    const main = { domain: "main" };
    const copies = await served(method, main, main);
    assert.deepEqual(copies, [true, false, false, false]);
  });

  test(`${method}: where the engine is asked first, no copy is served`, async () => {
    const strict = { domain: "main", replay: "strict" } as const;
    const copies = await served(method, strict, strict);
    assert.deepEqual(copies, [false, false, false, false]);
  });

  test(`${method}: with a key of its own, no node serves a copy`, async () => {
    const copies = await served(method, {}, { key: 2 });
    assert.deepEqual(copies, [false, false, false, false]);
  });

  test(`${method}: without the exchange every copy is served, so the tests above can fail`, async () => {
    const all = [true, true, true, true];
    assert.deepEqual(await served(method, {}, {}), all);
    const [one, other] = [{ domain: "a" }, { domain: "b" }];
    assert.deepEqual(await served(method, one, other), all);
  });
}

const MAIN = { domain: "main" };

test("a node that was cut off hears what it has missed, and tells what it has", async () => {
  for (const reach of ["down", "frozen"] as const) {
    const scene = new Scene("aes-256-gcm");
    const [one, two] = await scene.start({ one: MAIN, two: MAIN });
    scene.reach(two, reach);
    const [missed, untold] = [scene.request(), scene.request()];
    assert.equal(await scene.isServed(one, missed), true);
    assert.equal(await scene.isServed(two, untold), true);
    await scene.world.clock.advance(FLEET_WATCH_MS + FLEET_CALL_MS);
    assert.equal(two.member.status.isUp, false);
    // The node serves requests, and knows its own salts.
    assert.equal(await scene.isServed(one, scene.request()), true);
    assert.equal(await scene.isServed(two, scene.request()), true);
    scene.reach(two, "answers");
    await scene.world.clock.advance(
      FLEET_CALL_MS + FLEET_TICK_MS + FLEET_RETRY_MS + SALT_TELL_MS,
    );
    assert.equal(await scene.isServed(two, missed), false, reach);
    assert.equal(await scene.isServed(one, untold), false, reach);
    await scene.stop();
  }
});

test("answers that are lost tell a salt twice, which changes nothing", async () => {
  const scene = new Scene("aes-256-gcm");
  const [one, two] = await scene.start({ one: MAIN, two: MAIN });
  scene.reach(one, "loses answers");
  const request = scene.request();
  assert.equal(await scene.isServed(one, request), true);
  await scene.world.clock.advance(300);
  assert.equal(await scene.isServed(two, request), false);
  scene.reach(one, "answers");
  await scene.world.clock.advance(FLEET_CALL_MS);
  assert.equal(await scene.isServed(two, scene.request()), true);
  assert.equal(await scene.isServed(one, scene.request()), true);
  await scene.stop();
});

test("a node that starts knows what was served in the last minute", async () => {
  const scene = new Scene("aes-256-gcm");
  const [one] = await scene.start({ one: MAIN });
  const old = scene.request();
  assert.equal(await scene.isServed(one, old), true);
  await scene.world.clock.advance(SALT_POOL_MS);
  const late = scene.request();
  assert.equal(await scene.isServed(one, late), true);
  await scene.world.clock.advance(SALT_TELL_MS + 1);
  const next = await scene.node("two", MAIN);
  assert.equal(await scene.isServed(next, late), false);
  // A 2017 request has no time stamp, so older salts are unknown.
  assert.equal(await scene.isServed(next, old), true);
  await scene.stop();
});

test("where the engine is asked first, nothing new is served without it", async () => {
  const scene = new Scene("2022-blake3-aes-128-gcm");
  const strict = { domain: "main", replay: "strict" } as const;
  const [one, two] = await scene.start({ one: strict, two: strict });
  scene.reach(one, "down");
  assert.equal(await scene.isServed(one, scene.request()), false);
  assert.equal(await scene.isServed(one, scene.request()), false);
  assert.equal(one.member.status.salts.unclaimed, 2);
  assert.equal(await scene.isServed(two, scene.request()), true);
  assert.match(
    scene.world.lines.find(({ level }) => level === "error")!.message,
    /new ones are refused/,
  );
  scene.reach(one, "answers");
  await scene.world.clock.advance(2 * FLEET_TICK_MS);
  assert.equal(await scene.isServed(one, scene.request()), true);
  await scene.stop();
});

test("where the engine is asked first, a slow one is waited for beside the dial", async () => {
  const scene = new Scene("2022-blake3-aes-128-gcm");
  const strict = { domain: "main", replay: "strict" } as const;
  const [one] = await scene.start({ one: strict });
  scene.reach(one, "frozen");
  const client = await scene.world.network.dial({ host: "one", port: 8388 });
  const seen = observe(client);
  const before = scene.world.network.dialled.length;
  await send(client, scene.request());
  await settle();
  assert.equal(scene.world.network.dialled.length, before + 1);
  assert.equal(seen().received.length, 0);
  await scene.world.clock.advance(FLEET_CALL_MS);
  assert.deepEqual([seen().received.length, seen().end], [0, "open"]);
  client.close();
  scene.reach(one, "answers");
  await scene.world.clock.advance(2 * FLEET_TICK_MS);
  await scene.stop();
});

test("what waits while the engine is away is bounded, and then is told", async () => {
  const scene = new Scene("aes-256-gcm");
  const [one, two] = await scene.start({ one: MAIN, two: MAIN });
  scene.reach(one, "down");
  const { salts } = one.member;
  const perMessage = SALT_TELL_BYTES / SALT_MARK_LENGTH;
  const most = (MAX_SALT_BACKLOG + 1) * perMessage;
  const salt = (number: number): Uint8Array => {
    const bytes = new Uint8Array(SALT_MARK_LENGTH);
    new DataView(bytes.buffer).setUint32(0, number + 1);
    return bytes;
  };
  await scene.world.clock.advance(FLEET_WATCH_MS + FLEET_CALL_MS);
  for (let i = 0; i < most + 2 * perMessage; i++) salts.note(salt(i));
  assert.equal(salts.counts.lost, 2 * perMessage);
  scene.reach(one, "answers");
  await scene.world.clock.advance(FLEET_CALL_MS + SALT_TELL_MS);
  assert.equal(salts.counts.told, most);
  assert.equal(two.member.salts.counts.heard, most);
  assert.equal(two.member.salts.isServed(salt(0)), false);
  assert.equal(two.member.salts.isServed(salt(2 * perMessage)), true);
  assert.equal(two.member.salts.isServed(salt(most + perMessage)), true);
  await scene.stop();
});
