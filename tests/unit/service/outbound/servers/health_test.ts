import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { ServerHealth } from "../../../../../src/service/outbound/servers/health.ts";
import { UdpHealth } from "../../../../../src/service/outbound/servers/udp_health.ts";

/** The middle of every spread. */
function health(probes = true): ServerHealth {
  return new ServerHealth({ probes, random: () => 0.5 });
}

describe("ServerHealth", () => {
  test("is up before it was used", () => {
    assert.equal(health().state, "up");
  });

  test("goes down when a connect fails, and is due after 5 s", () => {
    const one = health();
    one.connectFailed("ERR_NET_REFUSED", 1_000);
    assert.equal(one.state, "down");
    assert.equal(one.lastErrorCode, "ERR_NET_REFUSED");
    assert.equal(one.isDue(5_999), false);
    assert.equal(one.isDue(6_000), true);
  });

  test("doubles the wait with every try in vain, up to 300 s", () => {
    const one = health();
    const waits: number[] = [];
    let now = 0;
    for (let i = 0; i < 8; i++) {
      one.probeFailed("ERR_NET_TIMEOUT", now);
      waits.push((one.nextTryMs - now) / 1_000);
      now = one.nextTryMs;
    }
    assert.deepEqual(waits, [5, 10, 20, 40, 80, 160, 300, 300]);
  });

  test("counts many failures during one wait once", () => {
    const one = health();
    for (let i = 0; i < 100; i++) one.connectFailed("ERR_NET_REFUSED", i);
    assert.equal(one.nextTryMs, 5_000);
  });

  test("spreads the waits by 20 %", () => {
    for (const [random, ms] of [[0, 4_000], [0.999_999, 6_000]] as const) {
      const one = new ServerHealth({ probes: true, random: () => random });
      one.connectFailed("ERR_NET_REFUSED", 0);
      assert.equal(Math.round(one.nextTryMs), ms);
    }
  });

  test("does not come up by a connect alone: a frozen system completes it", () => {
    const one = health();
    one.connectFailed("ERR_NET_REFUSED", 0);
    one.connected(10, 1_000);
    assert.equal(one.state, "down");
    one.heard(1_010);
    assert.equal(one.state, "up");
    one.connectFailed("ERR_NET_REFUSED", 2_000);
    assert.equal(one.nextTryMs, 7_000);
  });

  test("is suspect at the first silence, and a probe decides", () => {
    for (const answers of [true, false]) {
      const one = health();
      one.silent("a:1", 100);
      assert.equal(one.state, "suspect");
      assert.equal(one.nextTryMs, 100);
      if (answers) one.probed(20, 200);
      else one.probeFailed("ERR_NET_TIMEOUT", 1_100);
      assert.equal(one.state, answers ? "up" : "down");
    }
  });

  test("gives a suspicion 1 s, or four times what is usual", () => {
    const one = health();
    assert.equal(one.suspicionTimeoutMs, 1_000);
    one.connected(400, 0);
    assert.equal(one.suspicionTimeoutMs, 1_600);
  });

  test("believes for 60 s that a target was slow, and only of that target", () => {
    const one = health();
    one.silent("a:1", 0);
    one.probed(20, 100);
    one.silent("a:1", 60_099);
    assert.equal(one.state, "up");
    one.silent("b:1", 60_099);
    assert.equal(one.state, "suspect");
    one.heard(60_100);
    one.silent("a:1", 60_101);
    assert.equal(one.state, "suspect");
  });

  test("waits 5 s from one probe to the next", () => {
    const one = health();
    one.silent("a:1", 0);
    one.probed(20, 100);
    one.silent("b:1", 1_000);
    assert.equal(one.nextTryMs, 5_100);
  });

  test("without probes, goes down at 3 silent targets or 5 connections", () => {
    const targets = health(false);
    targets.silent("a:1", 0);
    targets.silent("b:1", 0);
    assert.equal(targets.state, "up");
    targets.silent("c:1", 0);
    assert.equal(targets.state, "down");
    const connections = health(false);
    for (let i = 0; i < 4; i++) connections.silent("a:1", 0);
    assert.equal(connections.state, "up");
    connections.silent("a:1", 0);
    assert.equal(connections.state, "down");
  });

  test("without probes, begins to count again when it is heard", () => {
    const one = health(false);
    for (let i = 0; i < 10; i++) {
      one.silent("a:1", i);
      one.silent("b:1", i);
      one.heard(i);
    }
    assert.equal(one.state, "up");
  });

  test("lets one connection try what is down, and others wait", () => {
    const one = health(false);
    one.connectFailed("ERR_NET_REFUSED", 0);
    assert.equal(one.isDue(5_000), true);
    one.tried(5_000);
    assert.equal(one.isDue(5_000), false);
    assert.equal(one.nextTryMs, 15_000);
  });

  test("ends its waits in another network, and begins with the shortest again", () => {
    const down = health();
    for (const now of [0, 5_000, 15_000]) {
      down.probeFailed("ERR_NET_TIMEOUT", now);
    }
    assert.equal(down.nextTryMs, 35_000);
    down.endWaits(16_000);
    assert.equal(down.state, "down");
    assert.equal(down.isDue(16_000), true);
    down.probeFailed("ERR_NET_TIMEOUT", 17_000);
    assert.equal(down.nextTryMs, 22_000);

    const suspect = health();
    suspect.silent("a:1", 0);
    suspect.probed(20, 100);
    suspect.endWaits(1_000);
    // Neither the last probe nor what is known of the target delays the next.
    suspect.silent("a:1", 1_000);
    assert.equal(suspect.state, "suspect");
    assert.equal(suspect.nextTryMs, 1_000);

    const unasked = health(false);
    for (let i = 0; i < 4; i++) unasked.silent("a:1", 0);
    unasked.endWaits(1);
    unasked.silent("a:1", 2);
    assert.equal(unasked.state, "up");
  });

  test("averages times with a half-life of 30 s", () => {
    const { connects } = health();
    connects.add(100, 0);
    connects.add(200, 30_000);
    assert.equal(connects.value, 150);
  });

  test("tells the failure rate of the last 20 tries", () => {
    const one = health();
    assert.equal(one.outcomes.failureRate, 0);
    for (let i = 0; i < 10; i++) one.connectFailed("ERR_NET_REFUSED", i);
    for (let i = 0; i < 15; i++) one.connected(1, i);
    assert.equal(one.outcomes.failureRate, 0.25);
  });
});

describe("UdpHealth", () => {
  /** Sends from flows in turn, one datagram each half second. */
  function send(one: UdpHealth, flows: number, datagrams: number): void {
    const counted = new Array<number>(flows).fill(-1);
    for (let i = 0; i < datagrams; i++) {
      const flow = i % flows;
      counted[flow] = one.sent(counted[flow]!, true, i * 500);
    }
  }

  test("is suspect when 8 datagrams of 2 flows in 3 s met no answer", () => {
    const one = new UdpHealth();
    send(one, 2, 7);
    assert.equal(one.state, "up");
    const other = new UdpHealth();
    send(other, 2, 8);
    assert.equal(other.state, "suspect");
    assert.equal(other.isUsable(3_500), false);
    assert.equal(other.isLost(0, 33_499), false);
    assert.equal(other.isLost(0, 33_500), true);
    assert.equal(other.isLost(10_000, 33_500), false);
    assert.equal(other.isUsable(63_500), true);
    other.tried(63_500);
    assert.equal(other.isUsable(63_500), false);
    assert.equal(other.isUsable(183_500), true);
    other.heard(190_000);
    assert.equal(other.state, "up");
  });

  test("is usable at once in another network", () => {
    const one = new UdpHealth();
    send(one, 2, 8);
    one.tried(63_500);
    assert.equal(one.isUsable(64_000), false);
    one.endWait(64_000);
    assert.equal(one.isUsable(64_000), true);
    one.tried(64_000);
    assert.equal(one.nextTryMs, 124_000);
  });

  test("is not suspect because of one flow, a burst, or TCP that is down", () => {
    const flow = new UdpHealth();
    send(flow, 1, 100);
    assert.equal(flow.state, "up");
    const burst = new UdpHealth();
    for (let i = 0; i < 100; i++) burst.sent(-1, true, i);
    assert.equal(burst.state, "up");
    const down = new UdpHealth();
    for (let i = 0; i < 100; i++) down.sent(-1, false, i * 500);
    assert.equal(down.state, "up");
  });

  test("begins to count again when it is heard", () => {
    const one = new UdpHealth();
    let [a, b] = [-1, -1];
    for (let i = 0; i < 100; i++) {
      a = one.sent(a, true, i * 500);
      b = one.sent(b, true, i * 500);
      if (i % 3 === 2) one.heard(i * 500);
    }
    assert.equal(one.state, "up");
  });
});
