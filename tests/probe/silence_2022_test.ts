/**
 * What a stranger can learn from `ss-server` with a 2022 method, with users
 * and without: nothing.
 */
import { describe, test } from "node:test";
import { concat } from "../../src/bytes.ts";
import { encodeAddress } from "../../src/codec/address.ts";
import { ChunkSealer } from "../../src/codec/chunk_sealer.ts";
import {
  encodeRequestBody,
  encodeRequestHeader,
  encodeResponseHeader,
} from "../../src/codec/stream_header_2022.ts";
import { type Method, METHODS } from "../../src/crypto/method.ts";
import { systemRandomBytes } from "../../src/random.ts";
import { flipBit, seededBytes, utf8 } from "../support/bytes.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { testPsk } from "../support/keys.ts";
import { expectSilence } from "../support/probes.ts";
import { TARGET } from "../support/world.ts";
import { streams2022 } from "../support/sessions.ts";

const UNIX_SECONDS = 1_700_000_000;
const NOTHING = new Uint8Array(0);

for (const { name, keyLength, algorithm } of METHODS.filter(is2022)) {
  const psk = testPsk(name);
  const identity = testPsk(name, 9);
  const world = { clock: new FakeClock(), randomBytes: systemRandomBytes };
  const masterKey = new Uint8Array(keyLength).fill(1);
  const kinds = [{
    title: name,
    options: { masterKey },
    streams: streams2022({ psk }, world),
    seal: (...units: Uint8Array[]): Uint8Array =>
      new ChunkSealer(psk, systemRandomBytes).start(NOTHING, units),
  }];
  if (algorithm === "aes-gcm") {
    kinds.push({
      title: `${name} with users`,
      options: {
        masterKey: new Uint8Array(keyLength).fill(9),
        ...{ users: [{ name: "alice", masterKey }] },
      },
      streams: streams2022({ psk, identityKeys: [identity] }, world),
      seal: (...units) => {
        const sealer = new ChunkSealer(psk, systemRandomBytes);
        const header = identity.identityCipher(sealer.salt)
          .encrypt(psk.identityHash);
        return sealer.start(header, units);
      },
    });
  }

  for (const { title, options, streams, seal } of kinds) {
    describe(title, () => {
      const request = streams.client().request(TARGET, seededBytes(900));

      test("random bytes of every length from 0 to 300", async () => {
        const probes = Array.from(
          { length: 301 },
          (_, length) => seededBytes(length, length + 1),
        );
        await expectSilence(name, probes, options);
      });

      test("a bit flipped in every byte, a request cut at every byte", async () => {
        const places = Array.from(request.keys()).filter((at) =>
          at < 120 || at % 37 === 0 || at > request.length - 20
        );
        await expectSilence(name, [
          ...places.map((at) => flipBit(request, at * 8 + at % 8)),
          ...places.map((at) => request.subarray(0, at)),
        ], options);
      });

      test("other keys, other methods, other names", async () => {
        const knock = (methodName: string, seed: number): Uint8Array =>
          streams2022({ psk: testPsk(methodName, seed) }, world).client()
            .request(TARGET, seededBytes(500));
        await expectSilence(name, [
          ...METHODS.filter(is2022).map((other) => knock(other.name, 5)),
          knock(name, 9),
          // A name that no user has, under the right identity key.
          streams2022(
            { psk: testPsk(name, 7), identityKeys: [identity] },
            world,
          ).client().request(TARGET, seededBytes(500)),
        ], options);
      });

      test("authentic requests that make no sense", async () => {
        const body = encodeRequestBody(TARGET, 0, utf8("hello"));
        const header = (of: Uint8Array, skew = 0): Uint8Array =>
          encodeRequestHeader({
            unixSeconds: UNIX_SECONDS + skew,
            length: of.length,
          });
        const requestSalt = new Uint8Array(keyLength);
        const response = encodeResponseHeader({
          unixSeconds: UNIX_SECONDS,
          requestSalt,
          length: 5,
        });
        const bodies = [
          Uint8Array.of(9, 9, 9),
          Uint8Array.of(3, 0, 0, 80, 0, 1, 0),
          encodeRequestBody({ host: "10.0.0.3", port: 0 }, 1, NOTHING),
          encodeRequestBody(TARGET, 0, NOTHING),
          concat(encodeAddress(TARGET), Uint8Array.of(0, 9, 0)),
        ];
        await expectSilence(name, [
          seal(header(body, 31), body),
          seal(header(body, -31), body),
          seal(response, utf8("hello")),
          ...bodies.map((body) => seal(header(body), body)),
          seal(header(body), body, Uint8Array.of(0, 0)),
        ], options);
      });
    });
  }
}

function is2022({ family }: Method): boolean {
  return family.needsClock;
}
