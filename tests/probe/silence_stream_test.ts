/**
 * What a stranger may see of a server with a stream cipher: nothing, as long as
 * what it sends does not decrypt to an address. Whatever does is served; no
 * memory and no silence cures that.
 */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { concat } from "../../src/bytes.ts";
import { encodeAddress } from "../../src/codec/address.ts";
import { IvStreamSealer } from "../../src/codec/iv_stream.ts";
import { systemRandomBytes } from "../../src/random.ts";
import { hex, utf8 } from "../support/bytes.ts";
import { settle } from "../support/fake_clock.ts";
import {
  expectSilence,
  PATIENCE_MS,
  probe,
  SILENT,
} from "../support/probes.ts";
import { testStreamKey } from "../support/stream_keys.ts";
import { accepted, TARGET, World } from "../support/world.ts";
import { send } from "../support/streams.ts";
import ota from "../vectors/ota.json" with { type: "json" };

const METHODS = ["aes-256-cfb", "aes-128-ctr", "chacha20", "rc4-md5"];

/** What a client with the key sends. */
function sealed(name: string, plaintext: Uint8Array): Uint8Array {
  return new IvStreamSealer(testStreamKey(name), systemRandomBytes)
    .seal(plaintext);
}

for (const name of METHODS) {
  test(`${name}: silence for what is no request, and for part of one`, async () => {
    const request = sealed(name, encodeAddress(TARGET));
    const bad = [
      ...[[0, 1, 2], [5, 1, 0], [0x10, 1], [0x15, 1], [0xff, 0xff]],
      ...[[0x11, 10, 0, 0, 3, 0, 80], [0x13, 1, 97, 0, 80], [0x14]],
      ...[[3, 0, 0, 80], [3, 1, 32, 0, 80], [1, 10, 0, 0, 3, 0, 0]],
    ].map((bytes) => sealed(name, Uint8Array.from(bytes)));
    await expectSilence(name, [
      ...bad,
      ...Array.from(request, (_, cut) => request.subarray(0, cut)),
    ]);
  });
}

test("silence for one-time authentication, told to the operator", async () => {
  const world = new World({}, ota.method);
  // The vector has a password of its own.
  const key = testStreamKey(ota.method, ota.password);
  assert.equal(key.method, world.method);
  await world.server({
    masterKey: hex(ota.key),
    handshakeTimeoutMs: PATIENCE_MS,
  });
  const { client, seen } = await probe(world, hex(ota.wire[0]!));
  await settle();
  assert.deepEqual(seen(), SILENT);
  const [line] = world.logged("code", "ERR_SS_ONE_TIME_AUTH");
  assert.equal(line?.level, "warn");
  assert.match(`${line?.fields["reason"]}`, /one_time_auth/);
  client.close();
  await world.stop();
});

describe("a recording", () => {
  for (const name of METHODS) {
    test(`of ${name} is met with silence, request and response alike`, async () => {
      const world = new World({}, name);
      await world.server({ handshakeTimeoutMs: PATIENCE_MS });
      const target = await world.target();
      const request = sealed(
        name,
        concat(encodeAddress(TARGET), utf8("GET / HTTP/1.1\r\n\r\n")),
      );
      const { client, seen } = await probe(world, request);
      const far = await accepted(target);
      // The target answers what would be an address.
      await send(far, encodeAddress(TARGET));
      await settle();
      const { received: response } = seen();
      assert.ok(response.length > 0);
      const dialled = world.network.dialled.filter((to) =>
        to === "10.0.0.3:80"
      );
      assert.equal(dialled.length, 1);

      const changed = request.slice();
      changed[changed.length - 1]! ^= 1;
      for (const bytes of [request, changed, response]) {
        const again = await probe(world, bytes);
        await settle();
        assert.deepEqual(again.seen(), SILENT);
        again.client.close();
      }
      assert.deepEqual(
        world.network.dialled.filter((to) => to === "10.0.0.3:80"),
        dialled,
      );
      assert.equal(world.logged("code", "ERR_SS_REPLAY").length, 3);
      for (const end of [client, far]) end.close();
      target.close();
      await world.stop();
    });
  }

  test("of a server that forgets is served: the tests above can fail", async () => {
    const world = new World({}, "rc4");
    await world.server({ handshakeTimeoutMs: PATIENCE_MS });
    const target = await world.target();
    const request = sealed("rc4", encodeAddress(TARGET));
    for (let i = 0; i < 2; i++) {
      const { client } = await probe(world, request);
      const far = await accepted(target);
      for (const end of [client, far]) end.close();
    }
    target.close();
    await world.stop();
  });
});

test("a wrong key is reported to the operator as one", async () => {
  const world = new World({}, "aes-256-ctr");
  await world.server({ handshakeTimeoutMs: PATIENCE_MS });
  const { client } = await probe(
    world,
    sealed("aes-256-ctr", Uint8Array.of(0x55, 1)),
  );
  await settle();
  const [line] = world.logged("code", "ERR_SS_ADDRESS_TYPE");
  assert.match(
    `${line?.fields["reason"]}`,
    /^Client has another password or method, or is a stranger/,
  );
  client.close();
  await world.stop();
});
