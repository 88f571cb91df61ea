/**
 * Every protocol in every disguise: what one end writes, the other reads.
 */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { concat } from "../../../../src/bytes.ts";
import type { ServerSession } from "../../../../src/session/stream_protocol.ts";
import { ssrClient } from "../../../../src/session/shadowsocksr/client.ts";
import {
  SSR_OBFS,
  SSR_PROTOCOLS,
} from "../../../../src/session/shadowsocksr/names.ts";
import { ssrServer } from "../../../../src/session/shadowsocksr/server.ts";
import { flipBit, randomSplit, seededBytes } from "../../../support/bytes.ts";
import {
  seededRandomBytes,
  ssrKeys,
  type SsrOptions,
  ssrPort,
  ssrWorld,
} from "../../../support/ssr.ts";
import { type Cut, Talk } from "../../../support/ssr_talk.ts";

const PROTOCOLS = Object.keys(SSR_PROTOCOLS);
const OBFS = Object.keys(SSR_OBFS);
const TARGET = { host: "example.com", port: 443 };

/** Sizes at the edges of segments, paddings and units. */
const SIZES = [1, 2, 19, 400, 401, 900, 901, 1_200, 1_201, 1_300, 1_301]
  .concat(1_439, 1_440, 1_441, 1_446, 1_451, 1_456, 1_457, 2_048, 2_049)
  .concat(2_800, 2_801, 8_100, 8_101, 32_758, 32_759, 65_536);

const one: Cut = (bytes) =>
  Array.from(bytes, (_, i) => bytes.subarray(i, i + 1));

function talk(options: SsrOptions, cut?: Cut): Talk {
  const { clock } = ssrWorld();
  const client = ssrClient(ssrKeys(options), {
    clock,
    randomBytes: seededRandomBytes(3),
  });
  return new Talk(client, ssrServer(ssrPort(options), ssrWorld()), cut);
}

/** True if bytes get neither an answer nor a request. */
function refusesOrWaits(server: ServerSession, bytes: Uint8Array): boolean {
  try {
    const { request, reply } = server.accept(bytes);
    return request === undefined && reply === undefined;
  } catch (error) {
    assert.equal((error as Error).name, "ProtocolError");
    return true;
  }
}

for (const protocol of PROTOCOLS) {
  for (const obfs of OBFS) {
    describe(`${protocol} ${obfs}`, () => {
      const isChain = protocol.startsWith("auth_chain_");
      const options = {
        protocol,
        obfs,
        method: isChain ? "none" : "aes-128-ctr",
      };

      test("carries every size both ways", () => {
        const ends = talk(options);
        ends.up(ends.client.request(TARGET, seededBytes(10)));
        const up = [seededBytes(10)];
        const down: Uint8Array[] = [];
        for (const size of SIZES) {
          const payload = seededBytes(size, size);
          up.push(payload);
          down.push(payload);
          ends.up(ends.client.seal(payload));
          ends.down(ends.server.seal(payload));
        }
        assert.deepEqual(ends.request?.address, TARGET);
        assert.deepEqual(ends.atTarget, concat(...up));
        assert.deepEqual(ends.atApplication, concat(...down));
        ends.client.end();
        ends.server.end();
        ends.client.free();
        ends.server.free();
      });

      test("is read however it is cut", () => {
        // A client of random_head takes one read for the server's first bytes.
        const cuts: Cut[] = obfs === "random_head"
          ? [(bytes) => bytes.length < 104 ? [bytes] : randomSplit(bytes, 4)]
          : [one, (bytes) => randomSplit(bytes, bytes.length)];
        for (const cut of cuts) {
          const ends = talk(options, cut);
          const payload = seededBytes(3_000);
          ends.up(ends.client.request(TARGET, payload));
          ends.down(ends.server.seal(payload));
          ends.up(ends.client.seal(payload));
          assert.deepEqual(ends.request?.address, TARGET);
          assert.deepEqual(ends.atTarget, concat(payload, payload));
          assert.deepEqual(ends.atApplication, payload);
        }
      });

      test("says nothing to a header that is cut or changed", () => {
        const ends = talk(options);
        ends.up(ends.client.request(TARGET, seededBytes(10)));
        const wire = concat(...ends.sent);
        const step = obfs === "plain" ? 1 : 7;
        for (let length = 0; length < wire.length; length += step) {
          const server = ssrServer(ssrPort(options), ssrWorld());
          const cut = wire.subarray(0, length);
          const { request, reply } = server.accept(cut);
          if (request !== undefined) break;
          if (reply === undefined || protocol === "origin") continue;
          if (obfs !== "plain") break;
          // It has answered, so the whole header was there and authentic.
          for (let byte = 0; byte < Math.min(length, 100); byte++) {
            const other = ssrServer(ssrPort(options), ssrWorld());
            const changed = flipBit(cut, 8 * byte);
            assert.ok(refusesOrWaits(other, changed), `byte ${byte}`);
          }
          break;
        }
      });

      test("of another key is refused, without a word", () => {
        const ends = talk(options);
        const other = ssrKeys({
          ...options,
          key: new Uint8Array(16).fill(8),
        });
        const client = ssrClient(other, ssrWorld());
        const first = client.request(TARGET, seededBytes(10));
        const isKeyless = obfs === "random_head" || protocol === "origin";
        if (isKeyless && !obfs.startsWith("tls")) return;
        assert.throws(
          () => ends.server.accept(first),
          { name: "ProtocolError" },
        );
      });
    });
  }
}

for (const protocol of PROTOCOLS) {
  if (!/aes128|chain/.test(protocol)) continue;
  describe(`users of ${protocol}`, () => {
    const users = { 1001: "first password", 4294967295: "second" };

    test("are told apart", () => {
      for (const [uid, password] of Object.entries(users)) {
        const server = ssrServer(ssrPort({ protocol, users }), ssrWorld());
        const keys = ssrKeys({ protocol, users: { [uid]: password } });
        const client = ssrClient(keys, ssrWorld());
        const ends = new Talk(client, server);
        ends.up(client.request(TARGET, seededBytes(500)));
        ends.down(server.seal(seededBytes(700)));
        assert.equal(ends.request?.user, `user-${uid}`);
        assert.deepEqual(ends.atTarget, seededBytes(500));
        assert.deepEqual(ends.atApplication, seededBytes(700));
      }
    });

    test("with a wrong password or uid are refused, without a word", () => {
      const bad = [
        [{ 1001: "wrong" }, "ERR_SS_AUTHENTICATION"],
        [{ 1002: "first password" }, "ERR_SS_USER_UNKNOWN"],
        [{}, "ERR_SS_USER_UNKNOWN"],
      ] as const;
      for (const [mine, code] of bad) {
        const server = ssrServer(ssrPort({ protocol, users }), ssrWorld());
        const client = ssrClient(
          ssrKeys({ protocol, users: mine }),
          ssrWorld(),
        );
        const first = client.request(TARGET, seededBytes(2_000));
        // A wrong password may make the length wrong before the mac is there.
        assert.throws(() => server.accept(first), (error) => {
          const found = (error as { code?: string }).code;
          return found === code ||
            (code === "ERR_SS_AUTHENTICATION" && found === "ERR_SSR_LENGTH");
        });
      }
    });
  });
}
