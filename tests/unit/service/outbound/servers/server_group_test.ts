import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { readRoutes } from "../../../../../src/routes/read_routes.ts";
import { masterKeyFromPassword } from "../../../../../src/crypto/master_key.ts";
import { findMethod } from "../../../../../src/crypto/method.ts";
import { settle } from "../../../../support/fake_clock.ts";
import { send } from "../../../../support/streams.ts";
import {
  FIRST,
  OTHER,
  TARGET,
  TwoServers,
} from "../../../../support/two_servers.ts";
import { Application, Peer } from "../../../../support/udp_world.ts";

describe("ServerGroup with a server that fails", () => {
  test("loses no request when the server in use is killed", async () => {
    const two = await TwoServers.start();
    assert.equal(await two.ask(), true);
    await two.kill(FIRST);
    assert.equal((await two.askFor(10)).failed, 0);
    assert.deepEqual(two.states, ["down", "up"]);
    assert.deepEqual(two.log, [
      "server first cannot be reached: using second",
    ]);
    await two.stop();
  });

  test("leaves a frozen server within 3 s", async () => {
    const two = await TwoServers.start();
    assert.equal(await two.ask(), true);
    await two.freeze(FIRST);
    const { failed, lastMs } = await two.askFor(10);
    assert.ok(failed <= 15, `${failed} failed`);
    assert.ok(lastMs <= 3_000, `the last after ${lastMs} ms`);
    assert.deepEqual(two.states, ["down", "up"]);
    assert.deepEqual(two.log, [
      "server first is silent for 3 s: using second",
    ]);
    await two.stop();
  });

  test("leaves a frozen server without probes too, later", async () => {
    const two = await TwoServers.start({ probe: "never" });
    await two.freeze(FIRST);
    const { failed, lastMs } = await two.askFor(10);
    assert.ok(failed <= 20, `${failed} failed`);
    assert.ok(lastMs <= 10_000, `the last after ${lastMs} ms`);
    assert.deepEqual(two.states, ["down", "up"]);
    await two.stop();
  });

  test("comes back when the server works again", async () => {
    const two = await TwoServers.start();
    await two.kill(FIRST);
    assert.equal(await two.ask(), true);
    await two.thaw(FIRST);
    await two.world.clock.advance(6_100);
    assert.deepEqual(two.states, ["up", "up"]);
    assert.equal(await two.ask(), true);
    assert.equal(two.dialled.at(-1), "first");
    assert.deepEqual(two.log, [
      "server first cannot be reached: using second",
      "server first answers again",
    ]);
    await two.stop();
  });

  test("leaves a server that has another key", async () => {
    const method = findMethod("chacha20-ietf-poly1305");
    const masterKey = masterKeyFromPassword("another", method);
    const two = await TwoServers.start({}, { first: { masterKey } });
    const { failed, lastMs } = await two.askFor(8);
    assert.ok(failed <= 15, `${failed} failed`);
    assert.ok(lastMs <= 3_000, `the last after ${lastMs} ms`);
    assert.deepEqual(two.states, ["down", "up"]);
    await two.stop();
  });

  test("tries all when all are down, and goes on when one is back", async () => {
    const two = await TwoServers.start();
    await two.kill(FIRST);
    await two.kill(OTHER);
    assert.equal(await two.ask(), false);
    assert.deepEqual(two.states, ["down", "down"]);
    await two.thaw(OTHER);
    assert.equal(await two.ask(), true);
    await two.stop();
  });

  test("works at once when the network is back, by the server it prefers", async () => {
    const two = await TwoServers.start();
    assert.equal(await two.ask(), true);
    two.disconnect();
    // The time covers the longest wait between two attempts.
    for (let minutes = 0; minutes < 20; minutes++) {
      const before = two.dialled.length;
      assert.equal(await two.ask(), false);
      assert.deepEqual(two.dialled.slice(before).sort(), ["first", "second"]);
      await two.world.clock.advance(60_000);
    }
    assert.deepEqual(two.states, ["down", "down"]);
    two.disconnect(false);
    assert.equal(await two.ask(), true);
    assert.equal(two.dialled.at(-1), "first");
    assert.equal(two.states[0], "up");
    await two.world.clock.advance(360_000);
    assert.deepEqual(two.states, ["up", "up"]);
    await two.stop();
  });

  for (const probe of ["auto", "never"] as const) {
    test(`tries all at once in another network, with probe ${probe}`, async () => {
      const two = await TwoServers.start({ probe });
      await two.kill(FIRST);
      // The wait is more than a minute then.
      for (let i = 0; i < 8; i++) {
        await two.ask();
        await two.world.clock.advance(20_000);
      }
      await two.thaw(FIRST);
      assert.equal(await two.ask(), true);
      assert.equal(two.dialled.at(-1), "second");
      assert.deepEqual(two.states, ["down", "up"]);

      two.world.networkChanges.change();
      await settle();
      assert.equal(await two.ask(), true);
      assert.equal(two.dialled.at(-1), "first");
      assert.deepEqual(two.states, ["up", "up"]);
      await two.stop();
      assert.equal(two.world.networkChanges.listeners, 0);
    });
  }

  test("does not blame the server for a target that is silent", async () => {
    const two = await TwoServers.start();
    const { client } = await two.world.connect();
    await send(client, new Uint8Array([1]));
    await two.world.clock.advance(2_100);
    assert.deepEqual(two.states, ["up", "up"]);
    const { probes } = two.group.status[0]!;
    assert.deepEqual(probes, { ok: 1 });
    client.close();
    await two.stop();
  });

  test("does not expect an answer to a connection that says nothing", async () => {
    const two = await TwoServers.start();
    await two.freeze(FIRST);
    const connecting = two.world.connect();
    await two.world.clock.advance(10_000);
    await connecting;
    assert.deepEqual(two.states, ["up", "up"]);
    await two.stop();
  });
});

/**
 * Returns the milliseconds that each of some requests takes; one starts every
 * 250 ms.
 */
async function timesOf(two: TwoServers, count: number): Promise<number[]> {
  const { clock } = two.world;
  const took: number[] = [];
  for (let i = 0; i < count; i++) {
    const startMs = clock.monotonicMs();
    let isOver = false;
    const asking = two.ask().then((isAnswered) => {
      isOver = true;
      return isAnswered;
    });
    await settle();
    while (!isOver) await clock.advance(50);
    assert.equal(await asking, true);
    took.push(clock.monotonicMs() - startMs);
    await clock.advance(250);
  }
  return took;
}

describe("ServerGroup with a server that is slow to connect", () => {
  test("dials the next beside it, after 300 ms", async () => {
    const two = await TwoServers.start();
    two.vanish(FIRST);
    const asking = two.ask();
    await two.world.clock.advance(299);
    assert.deepEqual(two.dialled, ["first"]);
    await two.world.clock.advance(1);
    assert.equal(await asking, true);
    assert.deepEqual(two.dialled.slice(0, 2), ["first", "second"]);
    assert.equal(two.states[0], "suspect");
    await two.world.clock.advance(1_000);
    assert.deepEqual(two.states, ["down", "up"]);
    await two.stop();
  });

  test("leaves a server that became slow by a second, and fails no request", async () => {
    const two = await TwoServers.start();
    assert.equal(await two.ask(), true);
    two.delay(FIRST, 1_000);
    const took = await timesOf(two, 16);
    assert.ok(took.every((ms) => ms <= 350), `${took}`);
    // Most do not even wait for it.
    assert.ok(took.filter((ms) => ms > 50).length <= 6, `${took}`);
    await two.stop();
  });

  test("fails no request where all servers are slow by a second", async () => {
    const two = await TwoServers.start();
    two.delay(FIRST, 1_000);
    two.delay(OTHER, 1_000);
    const took = await timesOf(two, 4);
    assert.ok(took.every((ms) => ms <= 1_350), `${took}`);
    await two.stop();
  });

  test("waits for the one in use under the policy latency", async () => {
    const two = await TwoServers.start({ policy: "latency" });
    two.vanish(FIRST);
    const asking = two.ask();
    await two.world.clock.advance(3_000);
    assert.equal(two.dialled.includes("second"), true, "a round of probes");
    const { results } = two.group.status[1]!;
    assert.deepEqual(results, {});
    await two.world.clock.advance(8_000);
    assert.equal(await asking, true);
    await two.stop();
  });

  test("gives everything up when the application leaves", async () => {
    const two = await TwoServers.start();
    two.vanish(FIRST);
    two.vanish(OTHER);
    const asking = two.ask();
    await two.world.clock.advance(400);
    await two.stop();
    await assert.doesNotReject(asking.catch(() => {}));
    assert.deepEqual(two.states, ["up", "up"]);
  });
});

describe("ServerGroup", () => {
  test("prefers the heavier server, and uses none of weight 0", async () => {
    const heavy = await TwoServers.start({}, { first: { tcpWeight: 0.5 } });
    await heavy.ask();
    assert.deepEqual(heavy.dialled, ["second"]);
    await heavy.stop();
    const none = await TwoServers.start({}, { second: { tcpWeight: 0 } });
    await none.kill(FIRST);
    assert.equal(await none.ask(), false);
    assert.deepEqual(none.dialled, ["first"]);
    assert.equal(none.group.status[1]!.tcp.state, "disabled");
    await none.stop();
  });

  test("shares by round robin", async () => {
    const two = await TwoServers.start({ policy: "round-robin" });
    for (let i = 0; i < 4; i++) await two.ask();
    assert.deepEqual(two.dialled, ["first", "second", "first", "second"]);
    await two.stop();
  });

  test("sends everything through a pinned server, however it is", async () => {
    const two = await TwoServers.start();
    two.group.pin("second");
    assert.equal(await two.ask(), true);
    assert.deepEqual(two.dialled, ["second"]);
    await two.kill(OTHER);
    assert.equal(await two.ask(), false);
    const [line] = two.world.logged("code", "ERR_NET_REFUSED")
      .filter(({ message }) => message === "connection failed");
    assert.equal(
      line!.fields.reason,
      "pinned server second cannot be reached",
    );
    two.group.pin(undefined);
    assert.equal(await two.ask(), true);
    assert.throws(() => two.group.pin("third"), RangeError);
    await two.stop();
  });

  test("uses no server that is disabled, and says so when none is left", async () => {
    const two = await TwoServers.start();
    two.group.change("first", { disabled: true });
    assert.equal(await two.ask(), true);
    assert.deepEqual(two.dialled, ["second"]);
    two.group.change("second", { disabled: true });
    assert.equal(await two.ask(), false);
    assert.equal(two.world.logged("code", "ERR_NET_UNREACHABLE").length, 1);
    two.group.replace(
      [...two.group.status].map(({ name }) => ({
        endpoint: name === "first" ? FIRST : OTHER,
        name,
        method: two.world.method,
        masterKey: two.world.masterKey,
      })),
    );
    assert.equal(await two.ask(), true);
    await two.stop();
  });

  test("tells bytes, streams and times of each server", async () => {
    const two = await TwoServers.start();
    const { client } = await two.world.connect();
    await settle();
    await two.ask();
    await settle();
    const [first, second] = two.group.status;
    assert.equal(first!.open, 1);
    assert.equal(first!.bytesUp, 4);
    assert.equal(first!.bytesDown, 4);
    assert.equal(first!.selected, true);
    assert.deepEqual(first!.results, { ok: 2 });
    assert.equal(first!.tcp.connectMs, 0);
    assert.equal(second!.bytesUp, 0);
    assert.equal(second!.selected, false);
    client.close();
    await settle();
    assert.equal(two.group.status[0]!.open, 0);
    await two.stop();
  });

  test("compares servers by probes while they are used, and not without", async () => {
    const two = await TwoServers.start({ policy: "latency" });
    await two.world.clock.advance(600_000);
    assert.deepEqual(two.dialled, []);
    await two.ask();
    await settle();
    assert.deepEqual(two.group.status.map(({ probes }) => probes), [
      { ok: 1 },
      { ok: 1 },
    ]);
    await two.world.clock.advance(600_000);
    assert.equal(two.dialled.length, 3);
    await two.stop();
  });

  test("probes at every interval where that is wanted", async () => {
    const two = await TwoServers.start({ probe: "always" });
    await two.world.clock.advance(78_001);
    assert.deepEqual(two.dialled, ["first", "second"]);
    await two.stop();
    await two.world.clock.advance(600_000);
    assert.equal(two.dialled.length, 2);
  });

  test("names servers by their addresses, and numbers equal names", async () => {
    const two = await TwoServers.start({}, { second: { name: "first" } });
    assert.deepEqual(two.group.status.map(({ name }) => name), [
      "first",
      "first (2)",
    ]);
    await two.stop();
  });
});

describe("ServerGroup with datagrams", () => {
  const mode = "tcp_and_udp";

  test("follows the server of TCP, and moves flows when that is down", async () => {
    const two = await TwoServers.start({}, { mode });
    const echo = await Peer.echo(two.world);
    const application = await Application.start(two.world, 4_001);
    await application.ask("one");
    await settle();
    assert.equal(application.answers.length, 1);
    await two.kill(FIRST);
    await application.ask("two");
    await settle();
    assert.equal(application.answers.length, 1);
    assert.equal(await two.ask(), true);
    await application.ask("three");
    await settle();
    assert.deepEqual(echo.texts, ["one", "three"]);
    assert.equal(application.answers.length, 2);
    await two.stop();
  });

  test("sends none to a server of weight 0 for UDP", async () => {
    const two = await TwoServers.start({}, { mode, first: { udpWeight: 0 } });
    await Peer.echo(two.world);
    assert.equal(await two.ask(), true);
    const application = await Application.start(two.world, 4_001);
    await application.ask("one");
    await settle();
    assert.equal(application.answers.length, 1);
    assert.equal(two.group.status[1]!.bytesUp, 3);
    await two.stop();
  });

  test("leaves a server whose UDP is silent while its TCP works", async () => {
    const two = await TwoServers.start({}, { mode, second: {} });
    await two.kill(FIRST);
    const halved = await two.world.server({ listen: FIRST, mode: "tcp_only" });
    await two.world.clock.advance(6_100);
    await Peer.echo(two.world);
    const applications = [
      await Application.start(two.world, 4_001),
      await Application.start(two.world, 4_002),
    ];
    for (let i = 0; i < 5; i++) {
      for (const one of applications) await one.ask(`${i}`);
      await two.world.clock.advance(1_000);
    }
    assert.equal(two.group.status[0]!.udp.state, "suspect");
    const late = await Application.start(two.world, 4_003);
    await late.ask("late");
    await settle();
    assert.equal(late.answers.length, 1);
    await two.world.clock.advance(30_000);
    await applications[0]!.ask("again");
    await settle();
    assert.equal(applications[0]!.answers.length, 1);
    // UDP works again, and TCP always used this server.
    assert.equal(two.states[0], "up");
    await two.world.stop(halved);
    await two.thaw(FIRST);
    await two.world.clock.advance(300_000);
    assert.equal(await two.ask(), true);
    const newest = await Application.start(two.world, 4_004);
    await newest.ask("back");
    await settle();
    assert.equal(newest.answers.length, 1);
    assert.equal(two.group.status[0]!.udp.state, "up");
    await two.stop();
  });
});

describe("ServerGroup.part()", () => {
  test("sends through its members alone, by name or as a group", async () => {
    const two = await TwoServers.start();
    const dialled = async (members: string[]): Promise<string | undefined> => {
      const part = two.group.part("part", members);
      const signal = new AbortController().signal;
      const channel = await part.open(TARGET, new Uint8Array(0), signal);
      channel.close();
      return two.dialled.at(-1);
    };
    assert.equal(await dialled(["second"]), "second");
    assert.equal(await dialled(["first"]), "first");
    assert.equal(await dialled(["second", "first"]), "first");
    await two.kill(FIRST);
    assert.equal(await dialled(["second", "first"]), "second");
    assert.deepEqual(two.states, ["down", "up"], "health is shared");
    await assert.rejects(dialled(["first"]), { code: "ERR_NET_REFUSED" });
    await assert.rejects(dialled(["gone"]), { code: "ERR_NET_UNREACHABLE" });
    assert.equal(two.group.status[1]!.selected, false, "of the whole group");
    await two.stop();
  });

  test("has a server without weight for itself, and obeys a pin that is its own", async () => {
    const two = await TwoServers.start({}, { second: { tcpWeight: 0 } });
    const part = two.group.part("kept", ["second"]);
    const both = two.group.part("both", ["first", "second"]);
    const ask = async (way: typeof part): Promise<string | undefined> => {
      const signal = new AbortController().signal;
      (await way.open(TARGET, new Uint8Array(0), signal)).close();
      return two.dialled.at(-1);
    };
    assert.equal(await two.ask(), true);
    assert.deepEqual(two.dialled, ["first"]);
    assert.equal(await ask(part), "second");
    assert.equal(await ask(both), "first");
    two.group.pin("first");
    assert.equal(await ask(part), "second");
    two.group.pin("second");
    assert.equal(await ask(both), "second");
    two.group.pin(undefined);
    two.group.change("second", { disabled: true });
    await assert.rejects(ask(part), { code: "ERR_NET_UNREACHABLE" });
    await two.stop();
  });

  test("is what a route of a local leads to", async () => {
    const table = readRoutes([{ ip_cidr: TARGET.host, to: "kept" }], {
      file: "c.json",
      outbounds: ["kept"],
      ruleSets: new Map(),
      nearest: () => undefined,
    });
    const groups = new Map([["kept", ["second"]]]);
    const two = await TwoServers.start({}, {
      routes: { table, resolve: "never", groups },
    });
    assert.equal(await two.ask(), true);
    assert.deepEqual(two.dialled, ["second"]);
    await two.stop();
  });

  test("chooses by another policy after replace()", async () => {
    const two = await TwoServers.start();
    const part = two.group.part("both", ["first", "second"]);
    const signal = new AbortController().signal;
    const { method, masterKey } = two.world;
    const servers = [FIRST, OTHER].map((endpoint, i) => ({
      endpoint,
      name: ["first", "second"][i]!,
      method,
      masterKey,
    }));
    two.group.replace(servers, { policy: "round-robin" });
    for (let i = 0; i < 4; i++) {
      (await part.open(TARGET, new Uint8Array(0), signal)).close();
    }
    assert.deepEqual(two.dialled, ["first", "second", "first", "second"]);
    await two.stop();
  });
});
