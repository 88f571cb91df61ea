/**
 * ShadowsocksR over UDP, both ends.
 */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { ProtocolError } from "../../../../src/errors.ts";
import { SSR_PROTOCOLS } from "../../../../src/session/shadowsocksr/names.ts";
import {
  SsrPacketClient,
  SsrPacketServer,
} from "../../../../src/session/shadowsocksr/packets.ts";
import { flipBit, seededBytes, utf8 } from "../../../support/bytes.ts";
import {
  seededRandomBytes,
  ssrKeys,
  ssrMemory,
  type SsrOptions,
  ssrPort,
  ssrWorld,
} from "../../../support/ssr.ts";
import { Forgetful } from "../../../support/stream_keys.ts";

const FROM = { host: "192.0.2.7", port: 5_000 };
const PACKET = {
  address: { host: "2001:db8::1", port: 53 },
  payload: utf8("a question of some length"),
};
const PROTOCOLS = Object.keys(SSR_PROTOCOLS);
const AUTHENTIC = PROTOCOLS.filter((name) => /aes128|chain/.test(name));

let seed = 0;

function client(options: SsrOptions): SsrPacketClient {
  return new SsrPacketClient(ssrKeys(options), seededRandomBytes(++seed));
}

function server(options: SsrOptions): SsrPacketServer {
  return new SsrPacketServer(
    ssrPort(options),
    seededRandomBytes(++seed),
    ssrMemory(),
  );
}

for (const protocol of PROTOCOLS) {
  for (const method of ["none", "aes-128-ctr", "chacha20"]) {
    test(`${protocol} ${method} carries packets both ways`, () => {
      const keyed = { protocol, method };
      const [here, there] = [client(keyed), server(keyed)];
      for (const size of [0, 1, 100, 1_200, 9_000]) {
        const packet = { ...PACKET, payload: seededBytes(size) };
        const opened = there.open(here.seal(packet), FROM);
        assert.deepEqual(opened.address, packet.address);
        assert.deepEqual(opened.payload, packet.payload);
        assert.deepEqual(here.open(there.seal(opened.association, packet)), {
          ...packet,
        });
      }
    });
  }
}

for (const protocol of AUTHENTIC) {
  describe(`packets of ${protocol}`, () => {
    const users = { 1001: "first", 1002: "second" };
    const options = { protocol, users };

    test("tell users apart, each of whom reads its own answers", () => {
      const there = server(options);
      for (const [uid, password] of Object.entries(users)) {
        const here = client({ protocol, users: { [uid]: password } });
        const { user, association } = there.open(here.seal(PACKET), FROM);
        assert.equal(user, `user-${uid}`);
        assert.deepEqual(here.open(there.seal(association, PACKET)), PACKET);
        there.end(association);
        assert.throws(() => there.seal(association, PACKET), TypeError);
      }
    });

    test("of a stranger are refused", () => {
      const there = server(options);
      const isRare = protocol.includes("chain");
      for (const mine of [{ 1001: "wrong" }, { 1003: "first" }, {}]) {
        let refused = 0;
        for (let i = 0; i < 64; i++) {
          const sealed = client({ protocol, users: mine }).seal(PACKET);
          try {
            there.open(sealed, FROM);
          } catch (error) {
            assert.ok(error instanceof ProtocolError);
            refused++;
          }
        }
        // One byte of mac lets one of 256 through to the address.
        assert.ok(isRare ? refused >= 60 : refused === 64, `${refused}`);
      }
    });

    test("are refused when a bit is flipped, but for one of 256", () => {
      const there = server({ protocol });
      const sealed = client({ protocol }).seal(PACKET);
      let served = 0;
      for (let bit = 16 * 8; bit < sealed.length * 8; bit++) {
        try {
          there.open(flipBit(sealed, bit), FROM);
          served++;
        } catch (error) {
          assert.ok(error instanceof ProtocolError);
        }
      }
      const bits = (sealed.length - 16) * 8;
      assert.ok(served <= (protocol.includes("chain") ? bits / 32 : 0));
    });
  });
}

for (const protocol of PROTOCOLS) {
  test(`packets of ${protocol} that are cut short are refused`, () => {
    const there = server({ protocol, method: "aes-128-cfb" });
    const sealed = client({ protocol, method: "aes-128-cfb" }).seal({
      ...PACKET,
      payload: new Uint8Array(0),
    });
    for (let length = 0; length < sealed.length; length++) {
      try {
        // One of 256 passes the mac of auth_chain_*, and has no address then.
        there.open(sealed.subarray(0, length), FROM);
        assert.fail(`${length} bytes were served`);
      } catch (error) {
        assert.ok(error instanceof ProtocolError, String(error));
      }
    }
  });

  test(`packets of ${protocol} are served once, and not sent back`, () => {
    const there = server({ protocol });
    const here = client({ protocol });
    const sealed = here.seal(PACKET);
    const { association } = there.open(sealed, FROM);
    assert.throws(() => there.open(sealed, FROM), { code: "ERR_SS_REPLAY" });
    const answer = there.seal(association, PACKET);
    assert.throws(() => there.open(answer, FROM), ProtocolError);
    // Without the memory it would be served again.
    const forgetful = new SsrPacketServer(
      ssrPort({ protocol }),
      ssrWorld().randomBytes,
      new Forgetful(),
    );
    for (let i = 0; i < 2; i++) forgetful.open(sealed, FROM);
  });
}

test("packets for port 0 are refused", () => {
  const sealed = client({}).seal({
    ...PACKET,
    address: { host: "example.com", port: 0 },
  });
  assert.throws(() => server({}).open(sealed, FROM), {
    code: "ERR_SS_ADDRESS_INVALID",
  });
});
