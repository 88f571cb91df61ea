/**
 * Layers share the memory between them: what a session hands out must be its
 * caller's, whatever is sealed and opened afterwards, by any session.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { ssrClient } from "../../../../src/session/shadowsocksr/client.ts";
import {
  SSR_OBFS,
  SSR_PROTOCOLS,
} from "../../../../src/session/shadowsocksr/names.ts";
import { ssrServer } from "../../../../src/session/shadowsocksr/server.ts";
import { seededBytes, utf8 } from "../../../support/bytes.ts";
import {
  ssrKeys,
  type SsrOptions,
  ssrPort,
  ssrWorld,
} from "../../../support/ssr.ts";
import { Talk } from "../../../support/ssr_talk.ts";

const TARGET = { host: "example.com", port: 443 };
/** Below and above a record and a packet, and beyond what is kept. */
const LENGTHS = [1, 3_000, 20_000, 400_000];

/** A pair that has shaken hands. */
function pair(options: SsrOptions): Talk {
  const client = ssrClient(ssrKeys(options), ssrWorld());
  const ends = new Talk(client, ssrServer(ssrPort(options), ssrWorld()));
  ends.up(client.request(TARGET, utf8("first")));
  ends.down(ends.server.seal(utf8("answer")));
  return ends;
}

const STACKS: readonly SsrOptions[] = [
  ...Object.keys(SSR_PROTOCOLS).map((protocol) => ({ protocol })),
  ...Object.keys(SSR_OBFS).flatMap((obfs) => [
    { obfs },
    { obfs, protocol: "auth_aes128_md5" },
  ]),
];

for (const options of STACKS) {
  const { protocol = "origin", obfs = "plain" } = options;
  test(`${protocol} ${obfs} hands out memory of its own`, () => {
    const all = [pair(options), pair(options)];
    const kept: { bytes: Uint8Array; copy: Uint8Array }[] = [];
    const keep = (bytes: Uint8Array): Uint8Array => {
      kept.push({ bytes, copy: bytes.slice() });
      return bytes;
    };
    for (const length of LENGTHS) {
      const payload = seededBytes(length, length);
      for (const { client, server } of all) {
        for (
          const [from, to] of [[client, server], [server, client]] as const
        ) {
          const sealed = keep(from.seal(payload));
          const half = sealed.length >> 1;
          const parts = [sealed.subarray(0, half), sealed.subarray(half)]
            .map((part) => keep(to.open(part).payload));
          const length = parts[0]!.length + parts[1]!.length;
          assert.equal(length, payload.length);
        }
      }
    }
    for (const { bytes, copy } of kept) assert.deepEqual(bytes, copy);
  });
}

test("clients without the layer, and allocators, are handed memory of their own", () => {
  const plain = { protocol: "auth_aes128_md5", obfs: "plain" };
  for (
    const compatible of [
      { ...plain, obfs: "tls1.2_ticket_auth_compatible" },
      { protocol: "auth_aes128_md5_compatible", obfs: "plain" },
    ]
  ) {
    const spoken = compatible.protocol === plain.protocol
      ? plain
      : { protocol: "origin", obfs: "plain" };
    const client = ssrClient(ssrKeys(spoken), ssrWorld());
    const server = ssrServer(ssrPort(compatible), ssrWorld());
    const ends = new Talk(client, server);
    ends.up(client.request(TARGET, utf8("first")));
    const payload = seededBytes(30_000);
    const taken: ArrayBufferLike[] = [];
    const allocate = (length: number): Uint8Array => {
      const bytes = new Uint8Array(length);
      taken.push(bytes.buffer);
      return bytes;
    };
    const sealed = client.seal(payload, allocate);
    assert.ok(taken.includes(sealed.buffer));
    const opened = server.open(sealed, allocate).payload;
    assert.ok(taken.includes(opened.buffer));
    assert.deepEqual(opened, payload);
    const copy = opened.slice();
    server.seal(seededBytes(30_000, 9));
    server.open(client.seal(seededBytes(30_000, 8)));
    assert.deepEqual(opened, copy);
  }
});
