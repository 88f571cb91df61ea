import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { encodeAddress } from "../../../../src/codec/address.ts";
import { referenceKeyStreams } from "../../../../src/crypto/key_streams/reference.ts";
import { STREAM_METHODS } from "../../../../src/crypto/stream_methods.ts";
import { ProtocolError } from "../../../../src/errors.ts";
import { systemRandomBytes } from "../../../../src/random.ts";
import type { StreamKey } from "../../../../src/crypto/stream_key.ts";
import type { IvMemory } from "../../../../src/session/stream_cipher/iv_memory.ts";
import {
  CipherPacketClient,
  CipherPacketServer,
} from "../../../../src/session/stream_cipher/packet.ts";
import {
  CipherClient,
  CipherServer,
} from "../../../../src/session/stream_cipher/stream.ts";
import {
  hex,
  seededBytes,
  seededRandom,
  utf8,
} from "../../../support/bytes.ts";
import {
  Forgetful,
  testMemory,
  testStreamKey,
} from "../../../support/stream_keys.ts";
import ota from "../../../vectors/ota.json" with { type: "json" };

const ADDRESS = { host: "192.0.2.7", port: 53 };
/** Both ends of packets under one key and one memory. */
function ends(
  key: StreamKey,
  memory: IvMemory = testMemory(),
): { client(): CipherPacketClient; server(): CipherPacketServer } {
  return {
    client: () => new CipherPacketClient(key, systemRandomBytes),
    server: () => new CipherPacketServer(key, systemRandomBytes, memory),
  };
}

/** The same of streams. */
function streamEnds(
  key: StreamKey,
  memory: IvMemory,
): { client(): CipherClient; server(): CipherServer } {
  return {
    client: () => new CipherClient(key, systemRandomBytes),
    server: () => new CipherServer(key, systemRandomBytes, memory),
  };
}

const CLIENT = { host: "198.51.100.1", port: 4000 };

for (const method of STREAM_METHODS) {
  if (referenceKeyStreams.lacks(method) !== undefined) continue;
  test(`${method.name}: both ends understand each other`, () => {
    const protocol = ends(testStreamKey(method.name));
    const [client, server] = [protocol.client(), protocol.server()];
    for (const length of [0, 1, 100, 1_200]) {
      const packet = { address: ADDRESS, payload: seededBytes(length) };
      const sealed = client.seal(packet);
      assert.equal(
        sealed.length,
        method.ivLength + encodeAddress(ADDRESS).length + length,
      );
      const opened = server.open(sealed, CLIENT);
      assert.deepEqual(opened, { ...packet, association: "198.51.100.1 4000" });
      assert.deepEqual(
        client.open(server.seal(opened.association, packet)),
        packet,
      );
    }
    server.end();
    client.free();
  });
}

describe("open()", () => {
  const key = testStreamKey();
  const protocol = ends(key);

  test("refuses a packet that ends before its address does", () => {
    const sealed = protocol.client().seal({
      address: ADDRESS,
      payload: new Uint8Array(0),
    });
    for (let cut = 0; cut < sealed.length; cut++) {
      const packet = sealed.subarray(0, cut);
      assert.throws(
        () => protocol.server().open(packet, CLIENT),
        isError("ERR_SS_TRUNCATED"),
      );
      assert.throws(
        () => protocol.client().open(packet),
        isError("ERR_SS_TRUNCATED"),
      );
    }
  });

  test("refuses port 0, and one-time authentication", () => {
    const server = protocol.server();
    const zero = { address: { ...ADDRESS, port: 0 }, payload: utf8("x") };
    assert.throws(
      () => server.open(protocol.client().seal(zero), CLIENT),
      isError("ERR_SS_ADDRESS_INVALID"),
    );
    const ours = ends(testStreamKey(ota.method, ota.password));
    assert.throws(
      () => ours.server().open(hex(ota.wire[0]!), CLIENT),
      isError("ERR_SS_ONE_TIME_AUTH"),
    );
  });

  test("does not change what it is given", () => {
    const sealed = protocol.client().seal({
      address: ADDRESS,
      payload: utf8("x"),
    });
    const before = sealed.slice();
    protocol.server().open(sealed, CLIENT);
    assert.deepEqual(sealed, before);
  });

  test("gives no more than declared errors for random bytes", () => {
    const server = protocol.server();
    const next = seededRandom(9);
    for (let round = 0; round < 20_000; round++) {
      const bytes = Uint8Array.from({ length: next() % 80 }, () => next());
      try {
        server.open(bytes, CLIENT);
      } catch (error) {
        assert.ok(error instanceof ProtocolError, String(error));
      }
    }
  });
});

describe("the memory of IVs", () => {
  const key = testStreamKey("aes-256-ctr");
  const packet = { address: ADDRESS, payload: utf8("x") };

  test("refuses a packet again, and one of our own", () => {
    const protocol = ends(key);
    const [client, server] = [protocol.client(), protocol.server()];
    const sealed = client.seal(packet);
    const { association } = server.open(sealed, CLIENT);
    assert.throws(() => server.open(sealed, CLIENT), isError("ERR_SS_REPLAY"));
    const reply = server.seal(association, packet);
    assert.throws(() => server.open(reply, CLIENT), isError("ERR_SS_REPLAY"));
    // Without the memory both are served.
    const naive = ends(key, new Forgetful()).server();
    naive.open(sealed, CLIENT);
    naive.open(sealed, CLIENT);
    naive.open(reply, CLIENT);
  });

  test("refuses what was recorded of a stream, and the other way round", () => {
    const memory = testMemory();
    const packetServer = ends(key, memory).server();
    const protocol = streamEnds(key, memory);

    const request = protocol.client().request(ADDRESS, utf8("x"));
    protocol.server().accept(request);
    assert.throws(
      () => packetServer.open(request, CLIENT),
      isError("ERR_SS_REPLAY"),
    );

    const sealed = ends(key).client().seal(packet);
    packetServer.open(sealed, CLIENT);
    assert.throws(
      () => protocol.server().accept(sealed),
      isError("ERR_SS_REPLAY"),
    );
  });

  test("many packets do not push out the IVs of streams", () => {
    const memory = testMemory();
    const packetProtocol = ends(key, memory);
    const packetServer = packetProtocol.server();
    const protocol = streamEnds(key, memory);
    const request = protocol.client().request(ADDRESS, utf8("x"));
    protocol.server().accept(request);
    const client = packetProtocol.client();
    // The memory holds 128.
    for (let i = 0; i < 500; i++) {
      packetServer.open(client.seal(packet), CLIENT);
    }
    assert.throws(
      () => protocol.server().accept(request),
      isError("ERR_SS_REPLAY"),
    );
  });
});

function isError(code: string): (error: unknown) => boolean {
  return (error) => error instanceof ProtocolError && error.code === code;
}
