/**
 * ShadowsocksR as one of the families.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { nobleProvider } from "../../../../src/crypto/noble.ts";
import { referenceKeyStreams } from "../../../../src/crypto/key_streams/reference.ts";
import { findStreamMethod } from "../../../../src/crypto/stream_methods.ts";
import { ConfigError } from "../../../../src/errors.ts";
import { systemRandomBytes } from "../../../../src/random.ts";
import { replayFilterFor } from "../../../../src/security/replay_filter.ts";
import {
  clientProtocol,
  readKeys,
  serverProtocol,
} from "../../../../src/session/families.ts";
import type {
  ClientKeys,
  ClientProtocol,
  ServerKeys,
  ServerWorld,
  SsrClientSettings,
} from "../../../../src/session/family.ts";
import type { ServerUser } from "../../../../src/session/server_user.ts";
import { ssrMethod } from "../../../../src/session/shadowsocksr/method.ts";
import { seededBytes, utf8 } from "../../../support/bytes.ts";
import { FakeClock } from "../../../support/fake_clock.ts";
import { Talk } from "../../../support/ssr_talk.ts";

const TARGET = { host: "example.com", port: 443 };
const USERS: readonly ServerUser[] = [
  { name: "ann", uid: 1001, masterKey: utf8("ann's password") },
  { name: "bob", uid: 1002, masterKey: utf8("bob's password") },
];

function world(): ServerWorld {
  const clock = new FakeClock();
  return {
    aeadProvider: nobleProvider,
    keyStreamProvider: referenceKeyStreams,
    clock,
    randomBytes: systemRandomBytes,
    replayFilter: replayFilterFor("recent", clock),
  };
}

function keys(
  name: string,
  ssr: { protocol: string; obfs: string },
  users: readonly ServerUser[] = [],
): ServerKeys & ClientKeys & { readonly ssr: SsrClientSettings } {
  const method = ssrMethod(findStreamMethod(name)!);
  const [masterKey] = readKeys("barfoo!", method);
  const server = { host: "192.0.2.1", port: 8388 };
  return { method, masterKey: masterKey!, ssr: { ...ssr, server }, users };
}

for (const name of ["none", "table", "rc4-md5-6", "chacha20"]) {
  test(`families serve ShadowsocksR with ${name}`, () => {
    const both = keys(name, {
      protocol: "auth_chain_b",
      obfs: "tls1.2_ticket_auth",
    });
    const client = clientProtocol(both, world());
    const server = serverProtocol(both, world());
    const ends = new Talk(client.stream(), server.stream());
    ends.up(ends.client.request(TARGET, seededBytes(5_000)));
    ends.down(ends.server.seal(seededBytes(5_000)));
    assert.deepEqual(ends.request?.address, TARGET);
    assert.deepEqual(ends.atTarget, seededBytes(5_000));
    assert.deepEqual(ends.atApplication, seededBytes(5_000));

    const here = client.packets();
    const packet = { address: TARGET, payload: utf8("hello") };
    const from = { host: "192.0.2.2", port: 1 };
    const { association } = server.packets.open(here.seal(packet), from);
    assert.deepEqual(
      here.open(server.packets.seal(association, packet)),
      packet,
    );
  });
}

test("users may change while it runs", () => {
  const both = keys("aes-128-ctr", {
    protocol: "auth_aes128_sha1",
    obfs: "plain",
  }, USERS);
  const server = serverProtocol(both, world());
  const of = (user: ServerUser): ClientProtocol =>
    clientProtocol({
      ...both,
      ssr: {
        ...both.ssr,
        user: { uid: user.uid!, password: user.masterKey },
      },
    }, world());
  const serve = (user: ServerUser): string | undefined => {
    const ends = new Talk(of(user).stream(), server.stream());
    ends.up(ends.client.request(TARGET, utf8("x")));
    return ends.request?.user;
  };
  for (const user of USERS) assert.equal(serve(user), user.name);
  server.setUsers(USERS.slice(1));
  assert.throws(() => serve(USERS[0]!), { code: "ERR_SS_USER_UNKNOWN" });
  assert.equal(serve(USERS[1]!), "bob");
  server.replaceUser(undefined, USERS[0]);
  assert.equal(serve(USERS[0]!), USERS[0]!.name);
  const twin = { ...USERS[0]!, name: "twin" };
  assert.throws(() => server.replaceUser(USERS[1], twin), RangeError);
  server.replaceUser(USERS[1], undefined);
  assert.throws(() => serve(USERS[1]!), { code: "ERR_SS_USER_UNKNOWN" });
});

test("a server asks where a client without a name comes from", () => {
  const both = keys("none", { protocol: "auth_sha1_v4", obfs: "plain" });
  const request = clientProtocol(both, world()).stream()
    .request(TARGET, utf8("x"));
  let asked = 0;
  const server = serverProtocol(both, world()).stream(() => {
    asked++;
    return "192.0.2.1";
  });
  assert.ok(server.accept(request).request);
  assert.equal(asked, 1);
});

test("users are refused where they cannot be told apart", () => {
  const origin = keys("none", { protocol: "origin", obfs: "plain" }, USERS);
  assert.throws(
    () => serverProtocol(origin, world()),
    /origin does not support users/,
  );
  const good = keys("none", { protocol: "auth_chain_a", obfs: "plain" });
  const server = serverProtocol(good, world());
  const [ann, bob] = USERS;
  for (
    const users of [
      [{ ...ann!, uid: 5 }, { ...bob!, uid: 5 }],
      [{ name: "carl", masterKey: utf8("c") }],
    ]
  ) assert.throws(() => server.setUsers(users), RangeError);
});

test("names that do not exist are refused", () => {
  for (
    const ssr of [
      { protocol: "auth_chain_z", obfs: "plain" },
      { protocol: "origin", obfs: "constructor" },
    ]
  ) {
    assert.throws(
      () => clientProtocol(keys("none", ssr), world()),
      ConfigError,
    );
  }
});

test("an answer that comes later holds the reply back", async () => {
  const both = keys("aes-128-ctr", {
    protocol: "auth_aes128_md5",
    obfs: "plain",
  });
  for (const isNew of [true, false]) {
    const slow = {
      remembers: () => true,
      add: () => Promise.resolve(isNew),
      remember: () => {},
    };
    const server = serverProtocol(both, { ...world(), replayFilter: slow });
    const client = clientProtocol(both, world()).stream();
    const session = server.stream();
    const { request, reply, question } = session.accept(
      client.request(TARGET, utf8("x")),
    );
    assert.ok(request);
    assert.equal(reply, undefined);
    assert.equal(await question, isNew);
    // What was held back leaves with the first payload.
    const { payload } = client.open(session.seal(utf8("answer")));
    assert.deepEqual(payload, utf8("answer"));
  }
});
