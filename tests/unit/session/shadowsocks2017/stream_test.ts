import assert from "node:assert/strict";
import { test } from "node:test";
import { concat } from "../../../../src/bytes.ts";
import { encodeAddress } from "../../../../src/codec/address.ts";
import { ChunkSealer } from "../../../../src/codec/chunk_sealer.ts";
import { ProtocolError } from "../../../../src/errors.ts";
import { systemRandomBytes } from "../../../../src/random.ts";
import { utf8 } from "../../../support/bytes.ts";
import { countingBytes, testKey } from "../../../support/keys.ts";
import { type PlainServer, streams2017 } from "../../../support/sessions.ts";

const ADDRESS = { host: "example.com", port: 80 };

test("accept() yields address and payload, once the first chunk is whole", () => {
  const stream = sealed(concat(encodeAddress(ADDRESS), utf8("hello")));
  const server = newServer();
  assert.equal(server.accept(stream.subarray(0, -1)), undefined);
  assert.deepEqual(server.accept(stream.subarray(-1)), {
    address: ADDRESS,
    payload: utf8("hello"),
  });
});

test("accept() reassembles an address split over chunks of one byte", () => {
  const sealer = new ChunkSealer(testKey(), countingBytes);
  const server = newServer();
  const bytes = encodeAddress(ADDRESS);
  for (const [i, byte] of bytes.entries()) {
    const result = server.accept(sealer.seal(Uint8Array.of(byte)));
    if (i < bytes.length - 1) assert.equal(result, undefined);
    else assert.deepEqual(result, { address: ADDRESS, payload: utf8("") });
  }
});

test("open() goes on where the request ended", () => {
  const sealer = new ChunkSealer(testKey(), countingBytes);
  const server = newServer();
  server.accept(sealer.seal(encodeAddress(ADDRESS)));
  assert.deepEqual(
    server.open(sealer.seal(utf8("more"))),
    utf8("more"),
  );
});

test("accept() refuses an authentic request with a bad address", () => {
  const cases: [Uint8Array, string][] = [
    [Uint8Array.of(9, 9), "ERR_SS_ADDRESS_TYPE"],
    [Uint8Array.of(3, 0, 0, 80), "ERR_SS_ADDRESS_INVALID"],
    [encodeAddress({ host: "1.2.3.4", port: 0 }), "ERR_SS_ADDRESS_INVALID"],
  ];
  for (const [plaintext, code] of cases) {
    assert.throws(
      () => newServer().accept(sealed(plaintext)),
      (error) => error instanceof ProtocolError && error.code === code,
    );
  }
});

function newServer(): PlainServer {
  return streams2017(testKey(), systemRandomBytes).server();
}

function sealed(plaintext: Uint8Array): Uint8Array {
  return new ChunkSealer(testKey(), countingBytes).seal(plaintext);
}

test("client and server understand each other, both ways", () => {
  const protocol = streams2017(testKey(), systemRandomBytes);
  const client = protocol.client();
  const server = protocol.server();
  assert.deepEqual(server.accept(client.request(ADDRESS, utf8("hello"))), {
    address: ADDRESS,
    payload: utf8("hello"),
  });
  assert.deepEqual(server.open(client.seal(utf8("more"))), utf8("more"));
  assert.deepEqual(client.open(server.seal(utf8("answer"))), utf8("answer"));
  client.end();
  server.end();
  client.free();
  server.free();
});
