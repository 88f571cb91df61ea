import assert from "node:assert/strict";
import { test } from "node:test";
import {
  type ProbeWorld,
  reach,
  type Reaction,
  requestTarget,
  sendGarbage,
} from "../../../src/cli/doctor/probe_server.ts";
import { findMethod } from "../../../src/crypto/method.ts";
import { referenceKeyStreams } from "../../../src/crypto/key_streams/reference.ts";
import { nobleProvider } from "../../../src/crypto/noble.ts";
import { systemRandomBytes } from "../../../src/random.ts";
import { publicTarget } from "../../../src/security/target_policy.ts";
import type { Connection } from "../../../src/transport.ts";
import { utf8 } from "../../support/bytes.ts";
import { acceptFrom, send } from "../../support/streams.ts";
import { SERVER, TARGET, World } from "../../support/world.ts";

const WAIT_MS = 5_000;
const METHODS = ["aes-256-gcm", "2022-blake3-aes-128-gcm"];

for (const name of METHODS) {
  test(`${name}: requestTarget() brings the answer and the server's clock`, async () => {
    const { world, probe, server } = await start(name);
    await answer(world, (connection) => send(connection, utf8("hello")));
    const reaction = await requestTarget(server, TARGET, utf8("hi"), probe);
    assert.equal(reaction.kind, "answer");
    const { payload, unixSeconds } = reaction as Reaction & { kind: "answer" };
    assert.deepEqual(payload, utf8("hello"));
    assert.equal(
      unixSeconds,
      name.startsWith("2022") ? 1_700_000_000 : undefined,
    );
    await world.stop();
  });

  test(`${name}: requestTarget() sees the end, when the target may not be reached`, async () => {
    const { world, probe, server } = await start(name);
    const nowhere = { host: "127.0.0.1", port: 1 };
    const reaction = await requestTarget(server, nowhere, utf8("hi"), probe);
    assert.equal(reaction.kind, "closed");
    await world.stop();
  });

  test(`${name}: a wrong key and bytes that mean nothing meet the same silence`, async () => {
    const { world, probe, server } = await start(name);
    const masterKey = new Uint8Array(server.masterKey.length).fill(9);
    const wrong = { ...server, masterKey };
    const both = Promise.all([
      requestTarget(wrong, TARGET, utf8("hi"), probe),
      sendGarbage(server, probe),
    ]);
    await world.clock.advance(WAIT_MS);
    assert.deepEqual(await both, [{ kind: "silent" }, { kind: "silent" }]);
    await world.stop();
  });
}

test("requestTarget() meets silence, when the clock is a minute late", async () => {
  const { world, probe, server } = await start(METHODS[1]!);
  const { clock } = world;
  const late = {
    monotonicMs: () => clock.monotonicMs(),
    unixMs: () => clock.unixMs() - 60_000,
    schedule: (callback: () => void, ms: number) =>
      clock.schedule(callback, ms),
  };
  const reaction = requestTarget(server, TARGET, utf8("hi"), {
    ...probe,
    clock: late,
  });
  await world.clock.advance(WAIT_MS);
  assert.deepEqual(await reaction, { kind: "silent" });
  await world.stop();
});

test("requestTarget() and sendGarbage() keep what a stranger says", async () => {
  const { world, probe, server } = await start(METHODS[0]!);
  const endpoint = { host: "10.0.0.9", port: 22 };
  const stranger = { ...server, endpoint };
  const listener = await world.network.listen(endpoint);
  const greet = async (): Promise<void> => {
    for (let i = 0; i < 2; i++) {
      await send(
        (await acceptFrom(listener))!,
        utf8("SSH-2.0-x\r\n".repeat(9)),
      );
    }
  };
  const greeting = greet();
  const bytes = utf8("SSH-2.0-x\r\n".repeat(9));
  assert.deepEqual(await requestTarget(stranger, TARGET, utf8("hi"), probe), {
    ...{ kind: "foreign", bytes, code: "ERR_SS_AUTHENTICATION" },
  });
  assert.deepEqual(await sendGarbage(stranger, probe), {
    ...{ kind: "foreign", bytes },
  });
  await greeting;
  listener.close();
  await world.stop();
});

test("reach() tries every address, and throws the last error", async () => {
  const { world, probe } = await start(METHODS[0]!);
  const found = await reach(["10.9.9.9", SERVER.host], SERVER.port, probe);
  assert.deepEqual(found.endpoint, SERVER);
  await assert.rejects(reach([SERVER.host], 1, probe), {
    code: "ERR_NET_REFUSED",
  });
  await world.stop();
});

async function start(method: string): Promise<{
  world: World;
  probe: ProbeWorld;
  server: Parameters<typeof requestTarget>[0];
}> {
  const world = new World({}, "aes-128-gcm");

  const found = findMethod(method);
  const masterKey = new Uint8Array(found.keyLength).fill(7);
  const targetPolicy = (ip: string): string | undefined =>
    ip === TARGET.host ? undefined : publicTarget(ip);
  await world.server({ method: found, masterKey, targetPolicy });
  const probe = {
    transport: world.network,
    clock: world.clock,
    randomBytes: systemRandomBytes,
    aeadProvider: nobleProvider,
    keyStreamProvider: referenceKeyStreams,
    waitMs: WAIT_MS,
  };
  return {
    world,
    probe,
    server: { endpoint: SERVER, method: found, masterKey },
  };
}

/** Serves one connection to the target. */
async function answer(
  world: World,
  act: (connection: Connection) => Promise<void>,
): Promise<void> {
  const listener = await world.target();
  void acceptFrom(listener).then(async (connection) => {
    await act(connection!);
    listener.close();
  });
}
