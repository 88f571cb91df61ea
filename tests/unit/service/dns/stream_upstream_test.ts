/**
 * Resolvers over connections, in the memory world: used again, given up, cut
 * anywhere.
 *
 * @module
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { readDnsQuery } from "../../../../src/codec/dns_message.ts";
import { addressQuery, ownAnswer } from "../../../../src/codec/dns_records.ts";
import { UmbraError } from "../../../../src/errors.ts";
import {
  DNS_TCP_TIMEOUT_MS,
  MAX_IDLE_DNS_TALKS,
} from "../../../../src/limits.ts";
import { anyTarget } from "../../../../src/security/target_policy.ts";
import type { DnsResolver } from "../../../../src/service/dns/dns_resolver.ts";
import { frameMessage } from "../../../../src/service/dns/dns_tcp.ts";
import { StreamUpstream } from "../../../../src/service/dns/stream_upstream.ts";
import { Direct } from "../../../../src/service/outbound/direct.ts";
import { withDefaults } from "../../../../src/service/service.ts";
import type { Connection, Listener } from "../../../../src/transport.ts";
import { concat } from "../../../../src/bytes.ts";
import { utf8 } from "../../../support/bytes.ts";
import { settle } from "../../../support/fake_clock.ts";
import { readExactly, send } from "../../../support/streams.ts";
import { accepted, World } from "../../../support/world.ts";

const AT = { host: "10.0.0.53", port: 853 };
const TLS: DnsResolver = { ...AT, protocol: "tls" };
const HTTPS: DnsResolver = { ...AT, protocol: "https", path: "/dns-query" };

const MESSAGE = addressQuery(0x1234, "known.test", 1)!;
const QUERY = readDnsQuery(MESSAGE)!;
const ANSWER = ownAnswer(MESSAGE, QUERY, {
  addresses: [Uint8Array.of(192, 0, 2, 77)],
  ttlSeconds: 60,
});
const EXCHANGE = {
  client: { host: "127.0.0.1", port: 4_000 },
  query: QUERY,
  message: MESSAGE,
  isStream: true,
};

const NEVER = new AbortController().signal;

/** What an answer is over HTTP, whose id is 0. */
function overHttp(head = "HTTP/1.1 200 OK", body = ANSWER): Uint8Array {
  const sent = body.slice();
  sent.fill(0, 0, 2);
  return concat(
    utf8(`${head}\r\nContent-Length: ${sent.length}\r\n\r\n`),
    sent,
  );
}

async function scene(resolver: DnsResolver): Promise<{
  world: World;
  upstream: StreamUpstream;
  listener: Listener;
  names: string[];
}> {
  const world = new World();
  const names: string[] = [];
  const full = withDefaults({
    ...world.dependencies,
    // As if it were TLS.
    secure: (stream, { serverName }) => {
      names.push(serverName);
      return Promise.resolve(stream);
    },
  });
  const direct = new Direct(
    { policy: anyTarget, connectTimeoutMs: 1_000 },
    full,
  );
  return {
    world,
    upstream: new StreamUpstream(resolver, direct, full),
    listener: await world.network.listen(AT),
    names,
  };
}

const HEAD = [
  "POST /dns-query HTTP/1.1",
  "Host: 10.0.0.53:853",
  "Content-Type: application/dns-message",
  "Accept: application/dns-message",
  `Content-Length: ${MESSAGE.length}`,
  "\r\n",
].join("\r\n");

/** Reads a request of HTTP; the id of its query is 0. */
async function request(far: Connection): Promise<void> {
  const sent = MESSAGE.slice();
  sent.fill(0, 0, 2);
  const whole = concat(utf8(HEAD), sent);
  assert.deepEqual(await readExactly(far, whole.length), whole);
}

test("DNS over TLS: a length in front, one connection for several queries", async () => {
  const { world, upstream, listener, names } = await scene(TLS);
  const first = upstream.ask(EXCHANGE, NEVER);
  const far = await accepted(listener);
  const framed = frameMessage(MESSAGE);
  assert.deepEqual(await readExactly(far, framed.length), framed);
  await send(far, frameMessage(ANSWER));
  assert.deepEqual(await first, ANSWER);
  const second = upstream.ask(EXCHANGE, NEVER);
  await readExactly(far, framed.length);
  await send(far, frameMessage(ANSWER));
  assert.deepEqual(await second, ANSWER);
  assert.equal(world.network.dialled.length, 1);
  assert.deepEqual(names, [AT.host]);
  // A connection that the resolver has closed gives no answer: the query is
  // sent again.
  far.close();
  await settle();
  const third = upstream.ask(EXCHANGE, NEVER);
  const again = await accepted(listener);
  await readExactly(again, framed.length);
  await send(again, frameMessage(ANSWER));
  assert.deepEqual(await third, ANSWER);
  // Without a query it is closed after a while.
  await world.clock.advance(DNS_TCP_TIMEOUT_MS);
  again.close();
  assert.equal(world.network.openConnections, 0);
  assert.equal(world.clock.pending, 0);
});

test("DNS over HTTPS: a POST, the id of the query, one connection for several", async () => {
  const { world, upstream, listener } = await scene(HTTPS);
  const first = upstream.ask(EXCHANGE, NEVER);
  const far = await accepted(listener);
  await request(far);
  await send(far, overHttp());
  assert.deepEqual(await first, ANSWER);
  const second = upstream.ask(EXCHANGE, NEVER);
  await request(far);
  const body = ANSWER.slice();
  body.fill(0, 0, 2);
  const half = body.length >> 1;
  await send(
    far,
    utf8("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"),
    ...[body.subarray(0, half), body.subarray(half), new Uint8Array(0)]
      .flatMap((part) => [
        utf8(`${part.length.toString(16)}\r\n`),
        part,
        utf8("\r\n"),
      ]),
  );
  assert.deepEqual(await second, ANSWER);
  assert.equal(world.network.dialled.length, 1);
  upstream.stop();
  far.close();
  assert.equal(world.network.openConnections, 0);
  assert.equal(world.clock.pending, 0);
});

for (
  const [resolver, wire] of [[TLS, frameMessage(ANSWER)], [
    HTTPS,
    overHttp(),
  ]] as const
) {
  test(`an answer over ${resolver.protocol} that is cut anywhere is none`, async () => {
    const { world, upstream, listener } = await scene(resolver);
    for (let end = 0; end < wire.length; end++) {
      const asking = upstream.ask(EXCHANGE, NEVER);
      const far = await accepted(listener);
      await send(far, wire.subarray(0, end));
      await far.closeWrite();
      await assert.rejects(asking, UmbraError, `${end}`);
      far.close();
    }
    assert.equal(world.network.openConnections, 0);
    assert.equal(world.clock.pending, 0);
  });
}

test("what answers another query, says no or is no HTTP is no answer", async () => {
  const other = ANSWER.slice();
  other[20]! ^= 1;
  for (
    const [resolver, wire] of [
      [TLS, frameMessage(other)],
      [TLS, frameMessage(MESSAGE)],
      [TLS, frameMessage(new Uint8Array(0))],
      [HTTPS, overHttp("HTTP/1.1 200 OK", other)],
      [HTTPS, overHttp("HTTP/1.1 404 Not Found")],
      [HTTPS, overHttp("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip")],
      [HTTPS, utf8("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\na")],
      [
        HTTPS,
        utf8(
          "HTTP/1.1 200 OK\r\nContent-Length: 70000\r\n\r\n" +
            "a".repeat(70_000),
        ),
      ],
      [HTTPS, utf8("220 mail.test\r\n\r\n")],
    ] as const
  ) {
    const { world, upstream, listener } = await scene(resolver);
    const asking = upstream.ask(EXCHANGE, NEVER);
    const far = await accepted(listener);
    const sending = send(far, wire).catch(() => {});
    await assert.rejects(asking, UmbraError, new TextDecoder().decode(wire));
    far.close();
    await sending;
    upstream.stop();
    assert.equal(world.network.openConnections, 0);
  }
});

test("a resolver that says nothing is given up, and a query can be", async () => {
  const { world, upstream, listener } = await scene(TLS);
  const slow = upstream.ask(EXCHANGE, NEVER);
  (await accepted(listener)).readable.getReader();
  const refused = assert.rejects(slow, { code: "ERR_NET_TIMEOUT" });
  await world.clock.advance(DNS_TCP_TIMEOUT_MS);
  await refused;
  const stop = new AbortController();
  const given = upstream.ask(EXCHANGE, stop.signal);
  await accepted(listener);
  stop.abort(new Error("enough"));
  await assert.rejects(given, /enough/);
  assert.equal(world.clock.pending, 0);
});

test("so many connections are kept, and no more", async () => {
  const { world, upstream, listener } = await scene(TLS);
  const asking = Array.from(
    { length: MAX_IDLE_DNS_TALKS + 2 },
    () => upstream.ask(EXCHANGE, NEVER),
  );
  const far: Connection[] = [];
  for (const _ of asking) {
    const one = await accepted(listener);
    far.push(one);
    await readExactly(one, 2 + MESSAGE.length);
  }
  for (const one of far) await send(one, frameMessage(ANSWER));
  await Promise.all(asking);
  assert.equal(world.clock.pending, MAX_IDLE_DNS_TALKS);
  upstream.stop();
  for (const one of far) one.close();
  assert.equal(world.network.openConnections, 0);
});
