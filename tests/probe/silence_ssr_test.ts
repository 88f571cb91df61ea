/**
 * Strangers at a server of ShadowsocksR: garbage, handshakes that are cut or
 * changed, and recordings get no byte and no close before the deadline.
 */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { findStreamMethod } from "../../src/crypto/stream_methods.ts";
import type { ServerOptions } from "../../src/service/server/server.ts";
import { ssrClient } from "../../src/session/shadowsocksr/client.ts";
import { ssrMethod } from "../../src/session/shadowsocksr/method.ts";
import { seededBytes, utf8 } from "../support/bytes.ts";
import { FakeClock } from "../support/fake_clock.ts";
import {
  CLOSED,
  expectSilence,
  PATIENCE_MS,
  probe,
  SILENT,
  startServer,
} from "../support/probes.ts";
import { ssrKeys, type SsrOptions, ssrWorld } from "../support/ssr.ts";

const KEY = new Uint8Array(16).fill(7);

/** Stacks in which a stranger can be told from a client. */
const STACKS: readonly (SsrOptions & { readonly method: string })[] = [
  ["auth_sha1_v4", "plain", "aes-128-ctr"],
  ["auth_aes128_md5", "plain", "none"],
  ["auth_aes128_sha1", "http_simple", "aes-128-cfb"],
  ["auth_aes128_md5", "tls1.2_ticket_auth", "aes-128-ctr"],
  ["auth_chain_a", "tls1.2_ticket_auth", "none"],
  ["auth_chain_b", "plain", "none"],
].map(([protocol, obfs, method]) => ({
  protocol: protocol!,
  obfs: obfs!,
  method: method!,
}));

/** Lengths at the edges of headers, hellos and what the originals wait for. */
const LENGTHS = [1, 2, 6, 7, 10, 11, 12, 22, 23, 31, 36, 40, 47, 50, 100]
  .concat(300, 1_000, 2_048, 8_192);

for (const stack of STACKS) {
  const { protocol, obfs, method } = stack;
  const server: Partial<ServerOptions> = {
    method: ssrMethod(findStreamMethod(method)!),
    masterKey: KEY,
    ssr: { protocol: protocol!, obfs: obfs! },
  };
  /** The first write of a client. */
  const first = (key = KEY): Uint8Array =>
    ssrClient(
      ssrKeys({ ...stack, key }),
      { ...ssrWorld(), clock: new FakeClock() },
    ).request({ host: "10.0.0.3", port: 80 }, utf8("hello"));

  describe(`${protocol} ${obfs} ${method}`, () => {
    test("says nothing to garbage, to other keys, and to what is cut", async () => {
      const good = first();
      const other = first(new Uint8Array(16).fill(8));
      await expectSilence("aes-128-gcm", [
        ...LENGTHS.map((length) => seededBytes(length, length)),
        ...LENGTHS.map((length) => other.subarray(0, length)),
        ...[1, 5, 7, 20, 30].map((length) => good.subarray(0, length)),
        utf8("GET / HTTP/1.1\r\nHost: example.com\r\n\r\n"),
        utf8("GET /%61%62%63%64%65 HTTP/1.1\r\nHost: a\r\n\r\nabcdefghijk"),
      ], server);
    });

    test("says nothing to a recording", async () => {
      const world = await startServer("aes-128-gcm", server);
      const target = await world.target();
      const recorded = first();
      const served = await probe(world, recorded);
      await world.clock.advance(1);
      assert.ok(served.seen().received.length > 0);
      const replayed = await probe(world, recorded);
      await world.clock.advance(PATIENCE_MS - 1);
      assert.deepEqual(replayed.seen(), SILENT);
      await world.clock.advance(1);
      assert.deepEqual(replayed.seen(), CLOSED);
      served.client.close();
      replayed.client.close();
      target.close();
      await world.stop();
    });
  });
}
