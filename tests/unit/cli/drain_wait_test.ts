/**
 * Tests how long `umbra fleet drain --wait` waits.
 *
 * @module
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  type Drained,
  waitUntilDrained,
} from "../../../src/cli/fleet/drain_wait.ts";
import { StoreError, TransportError } from "../../../src/errors.ts";
import type { FleetNode, NodeList } from "../../../src/fleet.ts";
import { NODE_BEAT_MS, NODE_LOST_MS } from "../../../src/limits.ts";
import { nodeBeat } from "../../conformance/fleet_suite.ts";
import { FakeClock } from "../../support/fake_clock.ts";

/** A node that sends heartbeats by a clock. */
class Beating {
  readonly clock: FakeClock = new FakeClock();
  /** Open connections, as the next heartbeat reports them. */
  open = 3;
  isThere = true;
  isSilent = false;
  failure: Error | undefined;
  #last: { heardUnixMs: number; connections: number };

  constructor() {
    this.#last = this.#beat();
  }

  #beat(): { heardUnixMs: number; connections: number } {
    return { heardUnixMs: this.clock.unixMs(), connections: this.open };
  }

  list(): Promise<NodeList> {
    if (this.failure !== undefined) return Promise.reject(this.failure);
    const unixMs = this.clock.unixMs();
    if (!this.isSilent && unixMs - this.#last.heardUnixMs >= NODE_BEAT_MS) {
      this.#last = this.#beat();
    }
    const node: FleetNode = {
      ...nodeBeat(),
      ...this.#last,
      ...{ node: "one", isDraining: true, keyIds: [], isSealed: false },
    };
    return Promise.resolve({ unixMs, nodes: this.isThere ? [node] : [] });
  }

  /** Waits, and returns the end and the seconds until it. */
  async drained(
    waitMs: number,
    after: (seconds: number) => void = () => {},
  ): Promise<[end: Drained, seconds: number]> {
    let end: Drained | undefined;
    let fault: unknown;
    waitUntilDrained({
      ...{ node: "one", waitMs, clock: this.clock },
      list: () => this.list(),
    }).then((one) => end = one, (error) => fault = error);
    let seconds = 0;
    for (;; seconds++) {
      await this.clock.advance(seconds === 0 ? 0 : 1_000);
      if (end !== undefined || fault !== undefined) break;
      assert(seconds < 100, "the wait has no end");
      after(seconds);
    }
    assert.equal(this.clock.pending, 0);
    if (fault !== undefined) throw fault;
    return [end!, seconds];
  }
}

test("the wait ends with the heartbeat that has no connection", async () => {
  const node = new Beating();
  const ended = await node.drained(60_000, (seconds) => {
    if (seconds === 10) node.open = 0;
  });
  assert.deepEqual(ended, [{ kind: "empty" }, 12]);
});

test("an empty server is believed when it has learned of the drain", async () => {
  const node = new Beating();
  node.open = 0;
  const [end, seconds] = await node.drained(60_000);
  assert.equal(end.kind, "empty");
  assert.equal(seconds, 2 * NODE_BEAT_MS / 1_000);
});

test("the wait ends at its time with the number of connections", async () => {
  const node = new Beating();
  const late = { kind: "late", connections: 3 };
  assert.deepEqual(await node.drained(7_500), [late, 8]);
});

test("a server that ends, or is lost, ends the wait", async () => {
  const ending = new Beating();
  const ended = await ending.drained(60_000, (seconds) => {
    ending.isThere = seconds < 5;
  });
  assert.deepEqual(ended, [{ kind: "ended" }, 6]);
  const node = new Beating();
  node.isSilent = true;
  const [end, seconds] = await node.drained(60_000);
  assert.deepEqual(end, { kind: "lost", connections: 3 });
  assert.equal(seconds, NODE_LOST_MS / 1_000 + 1);
});

test("an engine that is away is asked again, until the time is over", async () => {
  const away = new TransportError("ERR_NET_TIMEOUT", "away");
  const node = new Beating();
  node.open = 0;
  const [end] = await node.drained(60_000, (seconds) => {
    node.failure = seconds > 1 && seconds < 20 ? away : undefined;
  });
  assert.equal(end.kind, "empty");
  node.failure = away;
  await assert.rejects(node.drained(5_000), { code: "ERR_NET_TIMEOUT" });
  node.failure = new StoreError("ERR_STORE_OTHER", "refused");
  await assert.rejects(node.drained(5_000), { code: "ERR_STORE_OTHER" });
});
