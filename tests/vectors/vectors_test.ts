import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { concat } from "../../src/bytes.ts";
import { decodeAddress } from "../../src/codec/address.ts";
import { ChunkOpener } from "../../src/codec/chunk_opener.ts";
import { ChunkSealer } from "../../src/codec/chunk_sealer.ts";
import { openPacket, sealPacket } from "../../src/codec/packet.ts";
import { masterKeyFromPassword } from "../../src/crypto/master_key.ts";
import { findMethod, METHODS } from "../../src/crypto/method.ts";
import { deriveSubkey } from "../../src/crypto/subkey.ts";
import { hex, utf8 } from "../support/bytes.ts";
import { countingBytes, testKey } from "../support/keys.ts";
import vectors from "./shadowsocks.json" with { type: "json" };

const ADDRESS = hex(vectors.inputs.addr);
const PAYLOAD = hex(vectors.inputs.pay);

test("masterKeyFromPassword() gives EVP_BytesToKey's bytes", () => {
  const method = findMethod("aes-256-gcm");
  for (const [password, expected] of Object.entries(vectors.evp)) {
    assert.deepEqual(masterKeyFromPassword(password, method), hex(expected));
  }
});

test("decodeAddress() reads the vectors' address", () => {
  assert.deepEqual(decodeAddress(ADDRESS), {
    address: { host: "example.com", port: 80 },
    length: ADDRESS.length,
  });
});

test("every method has a vector", () => {
  assert.deepEqual(
    METHODS.map(({ name }) => name).sort(),
    [...Object.keys(vectors.aead2017), ...Object.keys(vectors.aead2022)].sort(),
  );
});

for (const [name, vector] of Object.entries(vectors.aead2017)) {
  describe(name, () => {
    const method = findMethod(name);
    const master = masterKeyFromPassword("password", method);

    test("masterKeyFromPassword() cuts to the key length", () => {
      assert.deepEqual(master, hex(vector.master));
    });

    test("deriveSubkey() gives the subkey", () => {
      assert.deepEqual(
        deriveSubkey(master, hex(vector.salt)),
        hex(vector.subkey),
      );
    });

    test("ChunkSealer writes the stream, byte for byte", () => {
      const sealer = new ChunkSealer(testKey(name), countingBytes);
      const stream = concat(
        sealer.seal(concat(ADDRESS, PAYLOAD)),
        sealer.seal(utf8("hello")),
      );
      assert.equal(stream.toHex(), vector.tcp);
    });

    test("ChunkOpener reads the stream", () => {
      const opener = new ChunkOpener(testKey(name));
      assert.deepEqual(
        opener.open(hex(vector.tcp)),
        concat(ADDRESS, PAYLOAD, utf8("hello")),
      );
      opener.end();
    });

    const packet = {
      address: decodeAddress(ADDRESS)!.address,
      payload: utf8("hello"),
    };

    test("sealPacket() writes the packet, byte for byte", () => {
      const sealed = sealPacket(testKey(name), countingBytes, packet);
      assert.equal(sealed.toHex(), vector.udp);
    });

    test("openPacket() reads the packet", () => {
      assert.deepEqual(openPacket(testKey(name), hex(vector.udp)), packet);
    });
  });
}
