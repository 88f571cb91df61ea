import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { concat } from "../../src/bytes.ts";
import {
  decodeRequestBody,
  decodeRequestHeader,
  decodeResponseHeader,
  encodeRequestBody,
  encodeRequestHeader,
  encodeResponseHeader,
} from "../../src/codec/stream_header_2022.ts";
import { BlockCipher } from "../../src/crypto/block_cipher.ts";
import { findMethod } from "../../src/crypto/method.ts";
import { nobleProvider } from "../../src/crypto/noble.ts";
import { Psk, pskChainFromText } from "../../src/crypto/psk.ts";
import { deriveSubkey2022, identityHash } from "../../src/crypto/subkey.ts";
import { Users2022 } from "../../src/session/shadowsocks2022/users.ts";
import { hex, utf8 } from "../support/bytes.ts";
import { FakeClock } from "../support/fake_clock.ts";
import vectors from "./shadowsocks.json" with { type: "json" };
import { streams2022 } from "../support/sessions.ts";

const ADDRESS = { host: "example.com", port: 80 };
const PAYLOAD = hex(vectors.inputs.pay);
const UNIX_SECONDS = 1_700_000_000;

for (const [name, vector] of Object.entries(vectors.aead2022)) {
  const method = findMethod(name);
  const key = hex(vector.psk_hex);
  const psk = new Psk(method, key, nobleProvider);
  const clientSalt = hex(vector.c_salt);
  const serverSalt = hex(vector.s_salt);

  describe(name, () => {
    test("pskChainFromText() reads the key", () => {
      assert.deepEqual(pskChainFromText(vector.psk_b64, method), [key]);
    });

    test("deriveSubkey2022() gives both subkeys", () => {
      assert.equal(
        deriveSubkey2022(key, clientSalt, "session").toHex(),
        vector.c_subkey,
      );
      assert.equal(
        deriveSubkey2022(key, serverSalt, "session").toHex(),
        vector.s_subkey,
      );
    });

    test("the headers are encoded and decoded, byte for byte", () => {
      const fixed = hex(vector.req_fixed_pt);
      const body = hex(vector.req_var_pt);
      const header = { unixSeconds: UNIX_SECONDS, length: body.length };
      assert.deepEqual(encodeRequestHeader(header), fixed);
      assert.deepEqual(decodeRequestHeader(fixed), header);
      assert.deepEqual(encodeRequestBody(ADDRESS, 0, PAYLOAD), body);
      assert.deepEqual(decodeRequestBody(body), {
        address: ADDRESS,
        payload: PAYLOAD,
      });
      assert.deepEqual(decodeRequestBody(hex(vector.req_padded_var_pt)), {
        address: ADDRESS,
        payload: new Uint8Array(0),
      });
      const response = hex(vector.resp_fixed_pt);
      const said = decodeResponseHeader(response);
      assert.equal(said.unixSeconds, UNIX_SECONDS + 1);
      assert.deepEqual(said.requestSalt, clientSalt);
      assert.deepEqual(encodeResponseHeader(said), response);
    });

    test("the server reads both requests, the client the response", () => {
      const world = {
        clock: new FakeClock(),
        randomBytes: (length: number) => clientSalt.slice(0, length),
      };
      const streams = streams2022({ psk }, world);
      const server = streams.server();
      assert.deepEqual(server.accept(hex(vector.req).subarray(0, -5)), {
        address: ADDRESS,
        payload: PAYLOAD,
      });
      assert.deepEqual(
        server.open(hex(vector.req).subarray(-5)),
        utf8("hello"),
      );
      server.end();
      assert.deepEqual(streams.server().accept(hex(vector.req_padded)), {
        address: ADDRESS,
        payload: new Uint8Array(0),
      });
      const client = streams.client();
      client.request(ADDRESS, new Uint8Array(0));
      const opened = client.open(hex(vector.resp));
      client.end();
      assert.equal(opened.subarray(0, 4).toHex(), utf8("HTTP").toHex());
    });

    if (!("eih" in vector)) return;
    const { eih } = vector;
    const chain = pskChainFromText(`${eih.iPSK}:${eih.uPSK}`, method);
    const [identityKey, userKey] = chain as [Uint8Array, Uint8Array];

    test("an identity header hides the user's key hash", () => {
      assert.equal(identityHash(userKey).toHex(), eih.upsk_hash16);
      const subkey = deriveSubkey2022(identityKey, clientSalt, "identity");
      assert.equal(subkey.toHex(), eih.id_subkey);
      const cipher = new BlockCipher(subkey);
      assert.equal(cipher.encrypt(identityHash(userKey)).toHex(), eih.header);
      assert.deepEqual(cipher.decrypt(hex(eih.header)), identityHash(userKey));
    });

    test("the server finds the user by the header; the client writes it", () => {
      const bind = (key: Uint8Array): Psk =>
        new Psk(method, key, nobleProvider);
      const users = new Users2022([
        { name: "other", psk },
        { name: "alice", psk: bind(userKey) },
      ]);
      const world = {
        clock: new FakeClock(),
        randomBytes: (length: number) => clientSalt.slice(0, length),
      };
      const server = streams2022({ psk: bind(identityKey), users }, world)
        .server();
      assert.deepEqual(server.accept(hex(eih.req)), {
        address: ADDRESS,
        payload: PAYLOAD,
        user: "alice",
      });
      const client = streams2022(
        { psk: bind(userKey), identityKeys: [bind(identityKey)] },
        {
          clock: world.clock,
          // The second draw is the length of the padding.
          randomBytes: (length) =>
            length === 4 ? new Uint8Array(4) : clientSalt,
        },
      ).client();
      assert.deepEqual(client.request(ADDRESS, PAYLOAD), hex(eih.req));
    });
  });
}

test("without identity headers, the client writes the vector's request", () => {
  const name = "2022-blake3-chacha20-poly1305";
  const vector = vectors.aead2022[name];
  const psk = new Psk(findMethod(name), hex(vector.psk_hex), nobleProvider);
  const client = streams2022({ psk }, {
    clock: new FakeClock(),
    randomBytes: (length) =>
      length === 4 ? new Uint8Array(4) : hex(vector.c_salt),
  }).client();
  const stream = concat(
    client.request(ADDRESS, PAYLOAD),
    client.seal(utf8("hello")),
  );
  assert.deepEqual(stream, hex(vector.req));
});
