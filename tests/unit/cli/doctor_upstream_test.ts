import assert from "node:assert/strict";
import { test } from "node:test";
import {
  examineUpstream,
  type UpstreamTrial,
} from "../../../src/cli/doctor/doctor_upstream.ts";
import type { Finding } from "../../../src/cli/doctor/finding.ts";
import {
  findClockOffset,
  LIKELY_OFFSETS_S,
  shifted,
} from "../../../src/cli/doctor/probe_clock.ts";
import type { ProbeWorld } from "../../../src/cli/doctor/probe_server.ts";
import { referenceKeyStreams } from "../../../src/crypto/key_streams/reference.ts";
import { findMethod } from "../../../src/crypto/method.ts";
import { nobleProvider } from "../../../src/crypto/noble.ts";
import { TransportError } from "../../../src/errors.ts";
import { systemRandomBytes } from "../../../src/random.ts";
import { SERVER, TARGET, World } from "../../support/world.ts";

const METHOD = findMethod("2022-blake3-aes-128-gcm");
const MASTER_KEY = new Uint8Array(METHOD.keyLength).fill(7);
const UPSTREAM = { endpoint: SERVER, method: METHOD, masterKey: MASTER_KEY };
const TRIAL: UpstreamTrial = {
  server: UPSTREAM,
  target: TARGET,
  udpWanted: true,
  tcpWanted: true,
  progressed: () => {},
};

/** A server in memory, and probes whose clock is ahead of its. */
async function start(
  aheadS = 0,
): Promise<{ world: World; probe: ProbeWorld }> {
  const world = new World({}, "aes-128-gcm");
  await world.server({ method: METHOD, masterKey: MASTER_KEY });
  return {
    world,
    probe: {
      transport: world.network,
      clock: shifted(world.clock, aheadS),
      randomBytes: systemRandomBytes,
      aeadProvider: nobleProvider,
      keyStreamProvider: referenceKeyStreams,
      waitMs: 1_000,
    },
  };
}

/** Lets time pass until something has ended. */
async function settled<T>(world: World, running: Promise<T>): Promise<T> {
  let over = false;
  const end = (): boolean => over = true;
  running.then(end, end);
  while (!over) await world.clock.advance(250);
  return await running;
}

async function examine(
  trial: UpstreamTrial,
  world: World,
  probe: ProbeWorld,
): Promise<Record<string, Finding>> {
  const collect = async (): Promise<Finding[]> => {
    const all: Finding[] = [];
    for await (const finding of examineUpstream(trial, probe)) {
      all.push(finding);
    }
    return all;
  };
  const findings = await settled(world, collect());
  return Object.fromEntries(findings.map((one) => [one.check, one]));
}

for (const aheadS of [-95, 420, 8 * 3_600, -5.5 * 3_600 + 20]) {
  test(`findClockOffset() finds the stamp that a server takes, from ${aheadS} s ahead`, async () => {
    const { world, probe } = await start(aheadS);
    const search = { connectMs: 1, progressed: () => {} };
    const offsetS = await settled(
      world,
      findClockOffset(UPSTREAM, search, probe),
    );
    assert.ok(Math.abs(offsetS! + aheadS) <= 30, `${offsetS}`);
    await world.stop();
  });
}

test("findClockOffset() finds none, when the key is wrong", async () => {
  const { world, probe } = await start();
  const shares: number[] = [];
  const search = {
    connectMs: 1,
    progressed: (share: number) => shares.push(share),
  };
  const masterKey = MASTER_KEY.with(0, 9);
  const offsetS = await settled(
    world,
    findClockOffset({ ...UPSTREAM, masterKey }, search, probe),
  );
  assert.equal(offsetS, undefined);
  assert.deepEqual(shares, shares.toSorted((a, b) => a - b));
  assert.ok(shares.length > 1 && shares.at(-1)! < 1);
  await world.stop();
});

test("LIKELY_OFFSETS_S leaves no gap below ten minutes, and has every zone", () => {
  const sorted = LIKELY_OFFSETS_S.filter((one) => Math.abs(one) <= 600)
    .concat(0).toSorted((a, b) => a - b);
  sorted.slice(1).forEach((one, i) => assert.ok(one - sorted[i]! < 30));
  for (const hours of [-12, -3.5, 1, 5.5, 14]) {
    const ahead = LIKELY_OFFSETS_S.map((one) => one - hours * 3_600);
    assert.ok(ahead.some((one) => one >= 0 && one <= 30), `${hours}`);
  }
});

test("examineUpstream() tells a wrong clock from a wrong key", async () => {
  const { world, probe } = await start(8 * 3_600);
  const clock = await examine(TRIAL, world, probe);
  assert.equal(clock.key?.verdict, "ok", JSON.stringify(clock));
  assert.equal(clock.clock?.verdict, "fail");
  const masterKey = MASTER_KEY.with(0, 9);
  const server = { ...UPSTREAM, masterKey };
  const key = await examine({ ...TRIAL, server }, world, probe);
  assert.equal(key.key?.verdict, "fail");
  assert.equal(key.clock, undefined);
  await world.stop();
});

test("examineUpstream() goes on, when a datagram cannot be sent or a socket be had", async () => {
  const { world, probe } = await start();
  const fail = (): Promise<never> =>
    Promise.reject(new TransportError("ERR_NET_PERMISSION", "EPERM"));
  const { network } = world;
  const bind: typeof network.bind = async (...args) => {
    const socket = await network.bind(...args);
    return Object.assign(Object.create(socket), {
      address: socket.address,
      send: fail,
      receive: (...args: Parameters<typeof socket.receive>) =>
        socket.receive(...args),
      close: () => socket.close(),
    });
  };
  for (const broken of [bind, fail]) {
    const transport = Object.assign(Object.create(network), {
      bind: broken,
      resolve: (...args: Parameters<typeof network.resolve>) =>
        network.resolve(...args),
      dial: (...args: Parameters<typeof network.dial>) => network.dial(...args),
    });
    const found = await examine(
      { ...TRIAL, resolver: { host: "1.1.1.1", port: 53 } },
      world,
      { ...probe, transport },
    );
    assert.equal(found.udp?.verdict, "fail", JSON.stringify(found));
    assert.match(found.udp.advice!, /firewall/);
  }
  await world.stop();
});
