/**
 * To a client without the key the server is a hole: nothing comes back,
 * and it does not hang up before the peer does. Real processes, real sockets;
 * what the deadline does is tested with a clock of ours in `tests/probe/`.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import assert from "node:assert/strict";
import { test } from "node:test";
import { encodeAddress } from "../../src/codec/address.ts";
import { ChunkSealer } from "../../src/codec/chunk_sealer.ts";
import { systemRandomBytes } from "../../src/random.ts";
import { flipBit, seededBytes } from "../support/bytes.ts";
import { testKey } from "../support/keys.ts";
import { command, Target } from "../support/target.ts";
import { type Address, TcpStream } from "../support/tcp.ts";
import { pause } from "../support/within.ts";
import { type End, OURS, PASSWORD, startServer } from "./chain.ts";

const METHOD = "aes-256-gcm";

/** How long each connection is watched. */
const WATCH_MS = 2_500;

/** How soon the server must go, once the peer has ended its side. */
const LEAVE_MS = 3_000;

/** Bytes of salt, then of the chunk of 2 + 16 and of the tag after payload. */
const SALT_LENGTH = 32;

for (const implementation of OURS) {
  test(`server on ${implementation} answers, when everything is right`, async () => {
    await using target = await Target.start();
    await using server = await startServer(implementation, { method: METHOD });
    await assertAnswers(server, target);
  });

  test(`server on ${implementation} is silent, when the key or method is wrong`, async () => {
    await using target = await Target.start();
    await using server = await startServer(implementation, { method: METHOD });
    const probes = [
      request(target.address, METHOD, "not the password"),
      request(target.address, "aes-128-gcm", PASSWORD),
      request(target.address, "aes-192-gcm", PASSWORD),
      request(target.address, "chacha20-ietf-poly1305", PASSWORD),
      request(target.address, "xchacha20-ietf-poly1305", PASSWORD),
    ];
    await assertSilent(server, probes);
    assert.equal(target.accepted, 0);
    await assertAnswers(server, target);
  });

  test(`server on ${implementation} is silent, when it gets 0 to 600 random bytes`, async () => {
    await using target = await Target.start();
    await using server = await startServer(implementation, { method: METHOD });
    const probes = Array.from(
      { length: 601 },
      (_, length) => seededBytes(length, length + 1),
    );
    await assertSilent(server, probes);
    await assertAnswers(server, target);
  });

  test(`server on ${implementation} is silent, when any bit of the first chunk is flipped`, async () => {
    await using target = await Target.start();
    await using server = await startServer(implementation, { method: METHOD });
    const probes: Uint8Array[] = [];
    const good = request(target.address, METHOD, PASSWORD);
    for (let bit = 0; bit < good.length * 8; bit++) {
      const fresh = request(target.address, METHOD, PASSWORD);
      assert.equal(fresh.length, good.length);
      probes.push(flipBit(fresh, bit));
    }
    assert.ok(probes.length > SALT_LENGTH * 8);
    await assertSilent(server, probes);
    assert.equal(target.accepted, 0);
    await assertAnswers(server, target);
  });
}

/** A first chunk that asks the target for ten bytes. */
function request(
  target: Address,
  method: string,
  password: string,
): Uint8Array {
  const sealer = new ChunkSealer(testKey(method, password), systemRandomBytes);
  return sealer.seal(
    Buffer.concat([encodeAddress(target), command("down 10")]),
  );
}

/** Without this the silence of a dead server would pass. */
async function assertAnswers(server: End, target: Target): Promise<void> {
  using stream = await TcpStream.connect(server.address);
  await stream.write(request(target.address, METHOD, PASSWORD));
  assert.ok(await stream.read(10_000), server.program.describe());
}

/** Sends each probe on a connection of its own, all at once. */
async function assertSilent(
  { address, program }: End,
  probes: readonly Uint8Array[],
): Promise<void> {
  const seen = await Promise.all(probes.map(async (probe, index) => {
    using stream = await TcpStream.connect(address);
    await stream.write(probe);
    const reaction = react(stream);
    const early = await Promise.race([reaction, pause(WATCH_MS)]);
    stream.end();
    const late = await Promise.race([reaction, pause(LEAVE_MS)]);
    return { index, length: probe.length, early, late };
  }));
  const bad = seen.filter(({ early, late }) =>
    early !== undefined || late !== "closed"
  );
  assert.deepEqual(bad, [], program.describe());
}

/** What the server does first. */
async function react(stream: TcpStream): Promise<string> {
  try {
    const bytes = await stream.read(WATCH_MS + LEAVE_MS + 10_000);
    return bytes === undefined ? "closed" : `${bytes.length} bytes`;
  } catch (error) {
    return String(error);
  }
}
