import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  Observations,
  type ServiceStatus,
  serviceStatus,
  sumObserved,
} from "../../../src/admin/observations.ts";
import { referenceKeyStreams } from "../../../src/crypto/key_streams/reference.ts";
import { nobleProvider } from "../../../src/crypto/noble.ts";
import { systemRandomBytes } from "../../../src/random.ts";
import { clientProtocol } from "../../../src/session/families.ts";
import { seededBytes } from "../../support/bytes.ts";
import { FakeClock, settle } from "../../support/fake_clock.ts";
import { readExactly, send } from "../../support/streams.ts";
import { ECHO, PacketPeer, Peer } from "../../support/udp_world.ts";
import { accepted, SERVER, TARGET, World } from "../../support/world.ts";

describe("Observations", () => {
  test("counts connections and payload of server and local while they are open", async () => {
    const world = new World();
    const server = world.metrics = new Observations(world.clock);
    await world.server();
    const local = world.metrics = new Observations(world.clock);
    await world.local();
    const target = await world.target();
    const { client } = await world.connect();
    await send(client, seededBytes(4));
    const peer = await accepted(target);
    await readExactly(peer, 4);
    await send(peer, seededBytes(6));
    await readExactly(client, 6);
    for (const observations of [server, local]) {
      const { connections, traffic, dialMs, dials } = told(observations);
      assert.deepEqual(connections, { open: 1, accepted: 1 });
      assert.deepEqual([traffic.bytesUp, traffic.bytesDown], [4, 6]);
      assert.equal(dialMs.count, 1);
      assert.equal(dials.ok.counts[0], 1);
    }
    client.close();
    peer.close();
    await settle();
    for (const observations of [server, local]) {
      const { connections, traffic } = told(observations);
      assert.deepEqual(connections, { open: 0, accepted: 1 });
      assert.deepEqual([traffic.bytesUp, traffic.bytesDown], [4, 6]);
    }
    target.close();
    await world.stop();
  });

  test("counts a stranger as open for as long as it is met with silence", async () => {
    const world = new World();
    const observations = world.metrics = new Observations(world.clock);
    await world.server({ handshakeTimeoutMs: 1_000 });
    const stranger = await world.network.dial(SERVER);
    await send(stranger, seededBytes(200));
    await settle();
    const during = told(observations);
    assert.deepEqual(during.refusals, { ERR_SS_AUTHENTICATION: 1 });
    assert.equal(during.connections.open, 1);
    await world.clock.advance(2_000);
    assert.equal(told(observations).connections.open, 0);
    stranger.close();
    await world.stop();
  });

  test("asks for lost datagrams, and adds those of workers up", () => {
    let lost = 1;
    const world = new World();
    const observations = new Observations(world.clock, () => lost);
    lost = 7;
    assert.equal(told(observations).lostDatagrams, 7);
    const { snapshot } = observations;
    assert.equal(sumObserved([snapshot, snapshot]).lostDatagrams, 14);
    assert.equal(told(new Observations(world.clock)).lostDatagrams, 0);
  });

  test("counts dials that fail apart from those that work", async () => {
    const world = new World();
    const observations = world.metrics = new Observations(world.clock);
    await world.local();
    const { client } = await world.connect();
    await settle();
    const { dials, dialMs, refusals } = told(observations);
    assert.equal(dials.failed.counts[0], 1);
    assert.equal(dialMs.count, 0);
    assert.deepEqual(refusals, { ERR_NET_REFUSED: 1 });
    client.close();
    await world.stop();
  });

  test("counts datagrams, drops and associations", async () => {
    const world = new World();
    const observations = world.metrics = new Observations(world.clock);
    await world.server({ mode: "tcp_and_udp", maxFlows: 1 });
    await Peer.echo(world);
    for (const port of [4_000, 4_001]) {
      const client = await PacketPeer.bind(world, { host: "10.0.0.9", port });
      await client.ask("hello", ECHO);
      await settle();
      assert.equal(client.answers.length, 1);
    }
    const stranger = await Peer.bind(world, { host: "10.0.0.8", port: 1 });
    await stranger.socket.send(seededBytes(100), SERVER);
    await settle();
    const { associations, traffic, drops } = told(observations);
    assert.deepEqual(associations, { open: 1, evicted: 1 });
    assert.deepEqual(traffic, {
      bytesUp: 10,
      bytesDown: 10,
      packetsUp: 2,
      packetsDown: 2,
    });
    assert.deepEqual(drops, { ERR_SS_AUTHENTICATION: 1 });
    await world.stop();
    assert.equal(told(observations).associations.open, 0);
  });

  for (const skew of [-3_600, 45]) {
    test(`tells how far off the clock of a client is: ${skew} s`, async () => {
      const world = new World({}, "2022-blake3-aes-128-gcm");
      const observations = world.metrics = new Observations(world.clock);
      await world.server();
      assert.ok(!("clockSkewSeconds" in told(observations)));
      const theirs = new FakeClock();
      const session = clientProtocol(
        { method: world.method, masterKey: world.masterKey },
        {
          aeadProvider: nobleProvider,
          keyStreamProvider: referenceKeyStreams,
          clock: {
            monotonicMs: () => 0,
            unixMs: () => theirs.unixMs() + skew * 1_000,
            schedule: () => () => {},
          },
          randomBytes: systemRandomBytes,
        },
      ).stream();
      const client = await world.network.dial(SERVER);
      await send(client, session.request(TARGET, seededBytes(10)));
      await settle();
      assert.equal(told(observations).clockSkewSeconds, skew);
      client.close();
      await settle();
      await world.stop();
    });
  }
});

test("sumObserved() adds what workers have counted, and takes the latest skew", async () => {
  const clock = new FakeClock();
  const [one, two] = [new Observations(clock), new Observations(clock)];
  one.connectionOpened();
  one.connectionRefused("ERR_SS_REPLAY");
  one.dialled(3, true);
  await clock.advance(1_000);
  one.clockSkew(40);
  two.connectionOpened();
  two.connectionReleased();
  two.bytesRelayed("down", 7);
  two.connectionRefused("ERR_SS_REPLAY");
  two.connectionRefused("ERR_SS_TIMESTAMP");
  one.routed("direct", "tcp");
  two.routed("direct", "tcp");
  two.routed("block", "udp");
  one.lookedUp("direct");
  two.lookedUp("direct");
  for (const each of [one, two, two]) each.networkChanged();
  two.dialled(4, true);
  two.dialled(10_000, false);
  const sum = sumObserved([one.snapshot, two.snapshot]);
  assert.deepEqual(sumObserved([two.snapshot, one.snapshot]), {
    ...sum,
    refusals: { ERR_SS_TIMESTAMP: 1, ERR_SS_REPLAY: 2 },
  });
  const status = serviceStatus(structuredClone(sum));
  assert.deepEqual(status.connections, { open: 1, accepted: 2 });
  assert.equal(status.traffic.bytesDown, 7);
  assert.deepEqual(status.refusals, { ERR_SS_REPLAY: 2, ERR_SS_TIMESTAMP: 1 });
  assert.deepEqual(status.lookups, { direct: 2 });
  assert.equal(status.networkChanges, 3);
  assert.deepEqual(status.routed, { tcp: { direct: 2 }, udp: { block: 1 } });
  assert.equal(status.dialMs.count, 2);
  assert.equal(status.dials.ok.sumMs, 7);
  assert.equal(status.dials.failed.sumMs, 10_000);
  assert.equal(status.clockSkewSeconds, 40);
  await clock.advance(1);
  two.clockSkew(-50);
  const later = sumObserved([one.snapshot, two.snapshot]);
  assert.equal(serviceStatus(later).clockSkewSeconds, -50);
});

test("Observations knows the refusals of the last minute, and sums them over workers", async () => {
  const clock = new FakeClock();
  const [one, two] = [new Observations(clock), new Observations(clock)];
  const recent = (): unknown =>
    serviceStatus(sumObserved([one.snapshot, two.snapshot])).recentRefusals;
  assert.deepEqual(recent(), {});
  for (let i = 0; i < 6; i++) one.connectionRefused("ERR_SS_AUTHENTICATION");
  two.connectionRefused("ERR_SS_AUTHENTICATION");
  two.connectionRefused("ERR_SS_REPLAY");
  assert.deepEqual(recent(), { ERR_SS_AUTHENTICATION: 7, ERR_SS_REPLAY: 1 });
  await clock.advance(54_000);
  one.connectionRefused("ERR_SS_REPLAY");
  assert.deepEqual(recent(), { ERR_SS_AUTHENTICATION: 7, ERR_SS_REPLAY: 2 });
  await clock.advance(11_000);
  assert.deepEqual(recent(), { ERR_SS_REPLAY: 1 });
  assert.deepEqual(told(one).refusals, {
    ERR_SS_AUTHENTICATION: 6,
    ERR_SS_REPLAY: 1,
  });
  await clock.advance(60_000);
  assert.deepEqual(recent(), {});
});

function told(observations: Observations): ServiceStatus {
  return serviceStatus(observations.snapshot);
}
