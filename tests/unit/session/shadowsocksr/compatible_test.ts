/**
 * Servers with the suffix `_compatible`: clients with and without the layer.
 */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { ssrClient } from "../../../../src/session/shadowsocksr/client.ts";
import { ssrServer } from "../../../../src/session/shadowsocksr/server.ts";
import { concat } from "../../../../src/bytes.ts";
import { randomSplit, seededBytes, utf8 } from "../../../support/bytes.ts";
import { FakeClock } from "../../../support/fake_clock.ts";
import { ssrKeys, ssrPort, ssrWorld } from "../../../support/ssr.ts";
import { Talk } from "../../../support/ssr_talk.ts";

const TARGET = { host: "example.com", port: 443 };

/** A protocol that refuses, so that a wrong guess of the obfs is noticed. */
const PROTOCOL = "auth_aes128_md5";

for (
  const obfs of ["http_simple", "http_post", "random_head"]
    .concat("tls1.2_ticket_auth", "tls1.2_ticket_fastauth")
) {
  describe(`${obfs}_compatible`, () => {
    for (const spoken of [obfs, "plain"]) {
      test(`serves a client of ${spoken}`, () => {
        const port = ssrPort({
          protocol: PROTOCOL,
          obfs: `${obfs}_compatible`,
        });
        const client = ssrClient(
          ssrKeys({ protocol: PROTOCOL, obfs: spoken }),
          ssrWorld(),
        );
        const ends = new Talk(
          client,
          ssrServer(port, ssrWorld()),
          (bytes) => spoken === "random_head" ? [bytes] : randomSplit(bytes, 3),
        );
        ends.up(client.request(TARGET, seededBytes(300)));
        ends.down(ends.server.seal(seededBytes(3_000)));
        ends.up(client.seal(seededBytes(3_000)));
        assert.deepEqual(ends.request?.address, TARGET);
        assert.deepEqual(
          ends.atTarget,
          concat(seededBytes(300), seededBytes(3_000)),
        );
        assert.deepEqual(ends.atApplication, seededBytes(3_000));
      });
    }
  });

  test(`${obfs} without the suffix refuses a client of plain`, () => {
    const port = ssrPort({ protocol: PROTOCOL, obfs });
    const client = ssrClient(ssrKeys({ protocol: PROTOCOL }), ssrWorld());
    const server = ssrServer(port, ssrWorld());
    assert.throws(
      () => server.accept(client.request(TARGET, seededBytes(300))),
      { code: "ERR_SSR_OBFS" },
    );
  });
}

for (const protocol of ["auth_sha1_v4", "auth_aes128_sha1", "auth_chain_a"]) {
  describe(`${protocol}_compatible`, () => {
    const port = ssrPort({ protocol: `${protocol}_compatible` });

    for (const spoken of [protocol, "origin"]) {
      test(`serves a client of ${spoken}`, () => {
        const client = ssrClient(
          ssrKeys({ protocol: spoken }),
          ssrWorld(),
        );
        const ends = new Talk(client, ssrServer(port, ssrWorld()));
        ends.up(client.request(TARGET, utf8("hello")));
        ends.down(ends.server.seal(utf8("world")));
        assert.deepEqual(ends.request?.address, TARGET);
        assert.deepEqual(ends.atTarget, utf8("hello"));
        assert.deepEqual(ends.atApplication, utf8("world"));
      });
    }

    test("takes no replay and no old stamp for a client of origin", async () => {
      const clock = new FakeClock();
      const world = ssrWorld(clock);
      const first = ssrClient(ssrKeys({ protocol }), world)
        .request(TARGET, utf8("hello"));
      ssrServer(port, world).accept(first);
      assert.throws(
        () => ssrServer(port, world).accept(first),
        { code: "ERR_SS_REPLAY" },
      );
      await clock.advance(1_000);
      assert.throws(
        () => ssrServer(port, ssrWorld(clock)).accept(first),
        { code: "ERR_SS_TIMESTAMP" },
      );
    });
  });
}
