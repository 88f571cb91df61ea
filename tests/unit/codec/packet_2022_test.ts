import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  decodePacketBody,
  encodePacketBody,
  openLongNoncePacket,
  openPacket,
  openPacketHead,
  openPacketIdentity,
  type PacketBody,
  sealLongNoncePacket,
  sealPacket,
} from "../../../src/codec/packet_2022.ts";
import { findMethod } from "../../../src/crypto/method.ts";
import { nobleProvider } from "../../../src/crypto/noble.ts";
import { Psk } from "../../../src/crypto/psk.ts";
import { type ErrorCode, ProtocolError } from "../../../src/errors.ts";
import vectors from "../../vectors/shadowsocks.json" with { type: "json" };
import { flipBit, hex, utf8 } from "../../support/bytes.ts";

const HEAD = { sessionId: hex("0102030405060708"), packetId: 0n };
const REPLY_HEAD = { sessionId: hex("1112131415161718"), packetId: 7n };
const REQUEST: PacketBody = {
  unixSeconds: 1_700_000_000,
  address: { host: "example.com", port: 80 },
  payload: utf8("hello"),
};

function psk(name: string, key: Uint8Array): Psk {
  return new Psk(findMethod(name), key, nobleProvider);
}

for (
  const name of ["2022-blake3-aes-128-gcm", "2022-blake3-aes-256-gcm"] as const
) {
  const vector = vectors.aead2022[name];
  const key = psk(name, hex(vector.psk_hex));

  describe(name, () => {
    test("seals and opens the vector's request", () => {
      const { body, packet } = vector.udp_c;
      assert.equal(encodePacketBody(REQUEST).toHex(), body);
      const aead = key.sessionAead(HEAD.sessionId);
      assert.equal(
        sealPacket([key], aead, HEAD, hex(body)).toHex(),
        packet,
      );
      assert.deepEqual(openPacketHead(hex(packet), key), HEAD);
      const opened = openPacket(hex(packet), aead, HEAD);
      assert.deepEqual(decodePacketBody(opened, "request"), REQUEST);
      refuses("ERR_SS_HEADER_TYPE", () => decodePacketBody(opened, "response"));
    });

    test("seals and opens the vector's response, padding included", () => {
      const { body, packet } = vector.udp_s;
      const head = openPacketHead(hex(packet), key);
      assert.deepEqual(head, REPLY_HEAD);
      const aead = key.sessionAead(head.sessionId);
      const opened = openPacket(hex(packet), aead, head);
      assert.equal(opened.toHex(), body);
      const said = decodePacketBody(opened, "response");
      assert.deepEqual(said.clientSessionId, HEAD.sessionId);
      assert.deepEqual(said.payload, utf8("world"));
      assert.equal(
        sealPacket([key], aead, head, opened).toHex(),
        packet,
      );
    });

    test("seals and opens the vector's packet of a user", () => {
      const { eih, eih_udp: { packet, key: sessionKey } } = vector;
      assert.ok(sessionKey.length > 0);
      const identity = psk(name, Uint8Array.fromBase64(eih.iPSK));
      const user = psk(name, Uint8Array.fromBase64(eih.uPSK));
      const head = openPacketHead(hex(packet), identity);
      assert.deepEqual(head, HEAD);
      assert.deepEqual(
        openPacketIdentity(hex(packet), identity, head),
        user.identityHash,
      );
      const aead = user.sessionAead(head.sessionId);
      const opened = openPacket(hex(packet), aead, head, 1);
      assert.deepEqual(decodePacketBody(opened, "request"), REQUEST);
      assert.equal(
        sealPacket([identity, user], aead, head, opened).toHex(),
        packet,
      );
    });

    test("refuses a flipped bit and a cut, wherever it is", () => {
      const wire = hex(vector.udp_c.packet);
      const open = (packet: Uint8Array): void => {
        const head = openPacketHead(packet, key);
        const aead = key.sessionAead(head.sessionId);
        decodePacketBody(openPacket(packet, aead, head), "request");
      };
      open(wire);
      for (let bit = 0; bit < wire.length * 8; bit++) {
        refuses("ERR_SS_AUTHENTICATION", () => open(flipBit(wire, bit)));
      }
      for (let cut = 0; cut < wire.length; cut++) {
        refuses(
          cut < 32 ? "ERR_SS_TRUNCATED" : "ERR_SS_AUTHENTICATION",
          () => open(wire.subarray(0, cut)),
        );
      }
    });
  });
}

test("the ChaCha20 method seals and opens the vectors", () => {
  const vector = vectors.aead2022["2022-blake3-chacha20-poly1305"];
  const aead = psk("2022-blake3-chacha20-poly1305", hex(vector.psk_hex))
    .packetAead();
  for (
    const [{ nonce, body, packet }, head] of [
      [vector.udp_c, HEAD],
      [vector.udp_s, REPLY_HEAD],
    ] as const
  ) {
    const opened = openLongNoncePacket(hex(packet), aead);
    assert.deepEqual(opened.head, head);
    // The vector's body starts with the ids.
    assert.equal(opened.body.toHex(), body.slice(32));
    assert.equal(
      sealLongNoncePacket(aead, head, opened.body, () => hex(nonce)).toHex(),
      packet,
    );
  }
  const wire = hex(vector.udp_c.packet);
  for (let bit = 0; bit < wire.length * 8; bit++) {
    refuses(
      "ERR_SS_AUTHENTICATION",
      () => openLongNoncePacket(flipBit(wire, bit), aead),
    );
  }
  for (let cut = 0; cut < 40; cut++) {
    refuses(
      "ERR_SS_TRUNCATED",
      () => openLongNoncePacket(wire.subarray(0, cut), aead),
    );
  }
});

test("decodePacketBody() refuses an authentic body that ends early", () => {
  const whole = encodePacketBody({ ...REQUEST, payload: new Uint8Array(0) }, 3);
  assert.equal(decodePacketBody(whole, "request").payload.length, 0);
  for (let cut = 0; cut < whole.length; cut++) {
    refuses(
      cut < 11 || cut >= 14 ? "ERR_SS_TRUNCATED" : "ERR_SS_PADDING",
      () => decodePacketBody(whole.subarray(0, cut), "request"),
    );
  }
});

function refuses(code: ErrorCode, act: () => unknown): void {
  assert.throws(
    act,
    (error) => error instanceof ProtocolError && error.code === code,
    code,
  );
}
