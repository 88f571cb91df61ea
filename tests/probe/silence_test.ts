/**
 * What a stranger can learn from `ss-server`: nothing. Every way to fail looks
 * the same: no byte, no close before the deadline, the same close at it.
 */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { concat, writeU16 } from "../../src/bytes.ts";
import { encodeAddress } from "../../src/codec/address.ts";
import { ChunkSealer } from "../../src/codec/chunk_sealer.ts";
import { METHODS } from "../../src/crypto/method.ts";
import { NonceCounter } from "../../src/crypto/nonce_counter.ts";
import { systemRandomBytes } from "../../src/random.ts";
import { serve } from "../../src/service/accept_loop.ts";
import { withDefaults } from "../../src/service/service.ts";
import type { Accepted } from "../../src/transport.ts";
import { flipBit, seededBytes, utf8 } from "../support/bytes.ts";
import { settle } from "../support/fake_clock.ts";
import { countingBytes, testKey } from "../support/keys.ts";
import {
  CLOSED,
  expectSilence,
  PATIENCE_MS,
  type Probe,
  probe,
  SILENT,
  startServer,
} from "../support/probes.ts";
import { observe, send } from "../support/streams.ts";
import { accepted, SERVER, TARGET, World } from "../support/world.ts";
import { streams2017 } from "../support/sessions.ts";

for (
  const method of METHODS.filter(({ family }) => family.keyKind === "password")
) {
  describe(method.name, () => {
    const key = testKey(method.name);
    const request = new ChunkSealer(key, countingBytes)
      .seal(concat(encodeAddress(TARGET), utf8("GET / HTTP/1.1\r\n\r\n")));

    test("random bytes of every length from 0 to 600", async () => {
      const probes = Array.from(
        { length: 601 },
        (_, length) => seededBytes(length, length + 1),
      );
      await expectSilence(method.name, probes);
    });

    test("a bit flipped at every position of the first chunk", async () => {
      const probes = Array.from(
        { length: request.length * 8 },
        (_, bit) => flipBit(request, bit),
      );
      await expectSilence(method.name, probes);
    });

    test("a request cut at every byte", async () => {
      const probes = Array.from(
        { length: request.length },
        (_, cut) => request.subarray(0, cut),
      );
      await expectSilence(method.name, probes);
    });

    test("requests under another password or another method", async () => {
      const probes = METHODS
        .filter(({ name, family }) =>
          family.keyKind === "password" && name !== method.name
        )
        .map(({ name }) => testKey(name))
        .concat(testKey(method.name, "other"))
        .map((key) =>
          new ChunkSealer(key, countingBytes).seal(encodeAddress(TARGET))
        );
      await expectSilence(method.name, probes);
    });

    test("authentic requests that make no sense", async () => {
      const seal = (plaintext: Uint8Array): Uint8Array =>
        new ChunkSealer(key, countingBytes).seal(plaintext);
      await expectSilence(method.name, [
        seal(Uint8Array.of(9, 9, 9)),
        seal(Uint8Array.of(3, 0, 0, 80)),
        seal(encodeAddress({ host: "10.0.0.3", port: 0 })),
        lengthChunk(method.name, 0),
        lengthChunk(method.name, 0x4000),
        lengthChunk(method.name, 0xffff),
      ]);
    });
  });
}

test("an authentic request is served, so the probes above can fail", async () => {
  const world = await startServer();
  const target = await world.target();
  const client = await world.network.dial(SERVER);
  await send(
    client,
    new ChunkSealer(testKey(), countingBytes).seal(encodeAddress(TARGET)),
  );
  const far = await accepted(target);
  await send(far, utf8("hello"));
  const seen = observe(client);
  await settle();
  assert.equal(seen().received.length, 32 + 18 + 5 + 16);
  client.close();
  far.close();
  await world.stop();
});

test("without the drain the probes are told apart", async () => {
  const world = new World();
  const dependencies = withDefaults(world.dependencies);
  const leaky = serve(
    await world.network.listen(SERVER),
    { maxConnections: 100 },
    leak,
    {
      ...dependencies,
    },
  );
  const short = await probe(world, seededBytes(49));
  const long = await probe(world, seededBytes(50));
  await settle();
  assert.notDeepEqual(short.seen(), long.seen());
  short.client.close();
  long.client.close();
  await world.stop(leaky);
});

test("tampering inside a relayed stream gives no sign either", async () => {
  const world = await startServer();
  const target = await world.target();
  for (const bit of [0, 143, 144, (18 + 116) * 8 - 1]) {
    const sealer = new ChunkSealer(testKey(), systemRandomBytes);
    const first = sealer.seal(encodeAddress(TARGET));
    const second = sealer.seal(seededBytes(100));
    const client = await world.network.dial(SERVER);
    const seen = observe(client);
    await send(client, first);
    const far = await accepted(target);
    await send(client, flipBit(second, bit));
    await settle();
    assert.deepEqual(seen(), SILENT);
    await send(client, seededBytes(100_000));
    await world.clock.advance(PATIENCE_MS - 1);
    assert.deepEqual(seen(), SILENT);
    await world.clock.advance(1);
    assert.deepEqual(seen(), CLOSED);
    client.close();
    far.close();
  }
  await world.stop();
});

test("the deadline counts from accept, not from the failure", async () => {
  const world = await startServer();
  const { client, seen } = await probe(world, new Uint8Array(0));
  await world.clock.advance(PATIENCE_MS - 1_000);
  await send(client, seededBytes(600));
  await world.clock.advance(999);
  assert.deepEqual(seen(), SILENT);
  await world.clock.advance(1);
  assert.deepEqual(seen(), CLOSED);
  client.close();
  await world.stop();
});

test("a probe that ends its side is let go, with FIN, whatever it sent", async () => {
  const world = await startServer();
  for (const length of [0, 1, 32, 49, 50, 51, 600]) {
    const { client, seen } = await probe(world, seededBytes(length));
    await client.closeWrite();
    await settle();
    assert.deepEqual(seen(), CLOSED);
    client.close();
  }
  await settle();
  assert.equal(world.network.openConnections, 0);
  await world.stop();
});

test("the deadline is drawn at random for each connection", async () => {
  const world = new World();
  await world.server({ handshakeTimeoutMs: PATIENCE_MS });
  const probes: Probe[] = [];
  for (let i = 0; i < 20; i++) probes.push(await probe(world, seededBytes(60)));
  const open = async (): Promise<number> => {
    await settle();
    return probes.filter(({ seen }) => seen().end === "open").length;
  };
  await world.clock.advance(PATIENCE_MS - 1);
  assert.equal(await open(), 20);
  await world.clock.advance(PATIENCE_MS / 4);
  const half = await open();
  assert.ok(half > 0 && half < 20, `${half} of 20 are open`);
  await world.clock.advance(PATIENCE_MS / 4 + 1);
  assert.equal(await open(), 0);
  await world.stop();
});

/** A server as one would write it first: it closes on the first error. */
async function leak({ connection: client }: Accepted): Promise<void> {
  const session = streams2017(testKey(), countingBytes).server();
  for await (const bytes of client.readable) {
    try {
      session.accept(bytes);
    } catch {
      return;
    }
  }
}

function lengthChunk(methodName: string, length: number): Uint8Array {
  const key = testKey(methodName);
  const { saltLength, nonceLength } = key.method;
  const salt = countingBytes(saltLength);
  const plaintext = new Uint8Array(2);
  writeU16(plaintext, 0, length);
  const sealed = new Uint8Array(18);
  const nonce = new NonceCounter(nonceLength).next();
  key.sessionAead(salt).seal(nonce, plaintext, sealed);
  return concat(salt, sealed);
}
