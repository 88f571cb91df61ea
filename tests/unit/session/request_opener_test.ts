import assert from "node:assert/strict";
import { test } from "node:test";
import { concat } from "../../../src/bytes.ts";
import { encodeAddress } from "../../../src/codec/address.ts";
import { ChunkSealer } from "../../../src/codec/chunk_sealer.ts";
import { ProtocolError } from "../../../src/errors.ts";
import { RequestOpener } from "../../../src/session/request_opener.ts";
import { utf8 } from "../../support/bytes.ts";
import { countingBytes, testKey } from "../../support/keys.ts";

const ADDRESS = { host: "example.com", port: 80 };

test("push() yields address and payload, once the first chunk is whole", () => {
  const stream = sealed(concat(encodeAddress(ADDRESS), utf8("hello")));
  const request = new RequestOpener(testKey());
  assert.equal(request.push(stream.subarray(0, -1)), undefined);
  assert.deepEqual(request.push(stream.subarray(-1)), {
    address: ADDRESS,
    payload: utf8("hello"),
  });
});

test("push() reassembles an address split over chunks of one byte", () => {
  const sealer = new ChunkSealer(testKey(), countingBytes);
  const request = new RequestOpener(testKey());
  const bytes = encodeAddress(ADDRESS);
  for (const [i, byte] of bytes.entries()) {
    const result = request.push(sealer.seal(Uint8Array.of(byte)));
    if (i < bytes.length - 1) assert.equal(result, undefined);
    else assert.deepEqual(result, { address: ADDRESS, payload: utf8("") });
  }
});

test("the opener goes on where the request ended", () => {
  const sealer = new ChunkSealer(testKey(), countingBytes);
  const request = new RequestOpener(testKey());
  request.push(sealer.seal(encodeAddress(ADDRESS)));
  assert.deepEqual(
    request.opener.open(sealer.seal(utf8("more"))),
    utf8("more"),
  );
});

test("push() refuses an authentic request with a bad address", () => {
  const cases: [Uint8Array, string][] = [
    [Uint8Array.of(9, 9), "ERR_SS_ADDRESS_TYPE"],
    [Uint8Array.of(3, 0, 0, 80), "ERR_SS_ADDRESS_INVALID"],
    [encodeAddress({ host: "1.2.3.4", port: 0 }), "ERR_SS_ADDRESS_INVALID"],
  ];
  for (const [plaintext, code] of cases) {
    assert.throws(
      () => new RequestOpener(testKey()).push(sealed(plaintext)),
      (error) => error instanceof ProtocolError && error.code === code,
    );
  }
});

function sealed(plaintext: Uint8Array): Uint8Array {
  return new ChunkSealer(testKey(), countingBytes).seal(plaintext);
}
