/**
 * What the originals of ShadowsocksR wrote above the cipher, read by ours.
 */
// Names of vectors are what they are.
// deno-lint-ignore-file camelcase
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, test } from "node:test";
import { concat } from "../../src/bytes.ts";
import { MD5 } from "../../src/crypto/legacy_digest.ts";
import { SsrIdentity } from "../../src/session/shadowsocksr/identity.ts";
import {
  authAes128Client,
  type AuthAes128Name,
  authAes128Server,
} from "../../src/session/shadowsocksr/protocol/auth_aes128.ts";
import {
  authChainClient,
  authChainServer,
} from "../../src/session/shadowsocksr/protocol/auth_chain.ts";
import { AuthClientLayer } from "../../src/session/shadowsocksr/protocol/auth_client.ts";
import {
  datagramProtocol,
  type DatagramUser,
  userKeyOf,
} from "../../src/session/shadowsocksr/protocol/auth_datagram.ts";
import {
  type AuthClient,
  type AuthHeader,
  type AuthServer,
  u32le,
} from "../../src/session/shadowsocksr/protocol/auth_protocol.ts";
import { AuthServerLayer } from "../../src/session/shadowsocksr/protocol/auth_server.ts";
import {
  authSha1V4Client,
  authSha1V4Server,
} from "../../src/session/shadowsocksr/protocol/auth_sha1_v4.ts";
import type { AuthChainName } from "../../src/session/shadowsocksr/protocol/chain_padding.ts";
import type { SsrProtocolName } from "../../src/session/shadowsocksr/names.ts";
import { SsrUsers } from "../../src/session/shadowsocksr/users.ts";
import { hex, utf8 } from "../support/bytes.ts";
import { scriptedRandom, ssrWorld, waysToCut } from "../support/ssr.ts";

/** One connection. */
interface Vector {
  readonly protocol: string;
  readonly method: string;
  readonly key: string;
  readonly client_iv: string;
  readonly server_iv: string;
  readonly protocol_param: string;
  readonly server_users: Readonly<Record<string, string>>;
  readonly overhead: number;
  readonly steps: readonly {
    readonly dir: "c2s" | "s2c";
    readonly plain: string;
    readonly wire: string;
  }[];
}

/** Datagrams. */
interface DatagramVector extends Omit<Vector, "steps"> {
  readonly packets: Vector["steps"];
}

const { tcp, udp } = JSON.parse(
  readFileSync(new URL("ssr-protocol.json", import.meta.url), "utf8"),
) as { tcp: readonly Vector[]; udp: readonly DatagramVector[] };

const served = tcp.filter(({ protocol }) => protocol.startsWith("auth_"));

test("there are 16 connections and 8 sets of datagrams", () => {
  assert.equal(served.length, 16);
  assert.equal(udp.length, 8);
});

for (const vector of served) {
  const { protocol, method, protocol_param } = vector;
  describe(`${protocol} ${method} ${protocol_param}`, () => {
    test("a server reads what the client wrote, however it is cut", () => {
      for (const parts of waysToCut(join(vector, "c2s", "wire"))) {
        const world = ssrWorld();
        const layer = new AuthServerLayer(serverOf(vector), world, noQuestion);
        const steps = parts.map((part) => layer.unwrap(part));
        layer.end();
        const payload = concat(...steps.map(({ payload }) => payload));
        assert.deepEqual(payload, join(vector, "c2s", "plain"));
      }
    });

    test("a client reads what the server wrote, however it is cut", () => {
      for (const parts of waysToCut(join(vector, "s2c", "wire"))) {
        const client = clientOf(vector);
        client.header(join(vector, "c2s", "plain"));
        const layer = new AuthClientLayer(client);
        const payload = parts.map((part) => layer.unwrap(part).payload);
        layer.end();
        assert.deepEqual(concat(...payload), join(vector, "s2c", "plain"));
      }
    });

    test("every flipped bit of the first 80 bytes is noticed or harmless", () => {
      const wire = join(vector, "c2s", "wire").slice(0, 80);
      const plain = join(vector, "c2s", "plain");
      for (let bit = 0; bit < wire.length * 8; bit++) {
        wire[bit >>> 3]! ^= 1 << (bit & 7);
        const layer = new AuthServerLayer(
          serverOf(vector),
          ssrWorld(),
          noQuestion,
        );
        try {
          const { payload } = layer.unwrap(wire);
          assert.deepEqual(payload, plain.subarray(0, payload.length));
        } catch (error) {
          assert.equal((error as Error).name, "ProtocolError");
        }
        wire[bit >>> 3]! ^= 1 << (bit & 7);
      }
    });

    test("our client's header is what a server of the same draws reads", () => {
      const { header } = acceptHeader(vector);
      const ours = clientOf(vector).header(join(vector, "c2s", "plain"));
      const again = serverOf(vector).accept(ours.bytes);
      assert.deepEqual(again?.id, header.id);
      assert.equal(again?.stamp, 1_700_000_000);
      if (!protocol.startsWith("auth_chain")) return;
      assert.deepEqual(ours.bytes, acceptHeader(vector).wire);
    });
  });
}

for (const vector of udp) {
  const { protocol, key, protocol_param, server_users, packets } = vector;
  test(`datagrams of ${protocol} ${protocol_param}`, () => {
    const name = protocol as SsrProtocolName;
    const ends = datagramProtocol(name, hex(key), scriptedRandom());
    const find = (uid: number): DatagramUser => {
      const password = server_users[uid];
      const user = password ? { password: utf8(password) } : undefined;
      return { uid, userKey: userKeyOf(name, hex(key), user) };
    };
    let user: DatagramUser | undefined;
    for (const { dir, plain, wire } of packets) {
      if (dir === "c2s") {
        const opened = ends.openUp(hex(wire), find);
        assert.deepEqual(opened.data, hex(plain));
        user = opened.user;
        assert.deepEqual(
          ends.openUp(ends.sealUp(hex(plain), user!), find),
          { data: hex(plain), user },
        );
      } else {
        assert.deepEqual(ends.openDown(hex(wire), user!), hex(plain));
        const ours = ends.sealDown(hex(plain), user!);
        assert.deepEqual(ends.openDown(ours, user!), hex(plain));
      }
    }
  });
}

/** All is new. */
function noQuestion(): undefined {}

function join(
  { steps }: Vector,
  direction: "c2s" | "s2c",
  what: "plain" | "wire",
): Uint8Array {
  return concat(
    ...steps.filter(({ dir }) => dir === direction).map((step) =>
      hex(step[what])
    ),
  );
}

function serverOf(vector: Vector): AuthServer {
  const key = hex(vector.key);
  const ivs = { sent: hex(vector.server_iv), received: hex(vector.client_iv) };
  const users = new SsrUsers();
  users.set(
    Object.entries(vector.server_users).map(([uid, password]) => ({
      name: `user-${uid}`,
      uid: Number(uid),
      password: utf8(password),
    })),
  );
  const world = ssrWorld();
  if (vector.protocol === "auth_sha1_v4") {
    return authSha1V4Server({ key, ivs }, world);
  }
  return vector.protocol.startsWith("auth_chain_")
    ? authChainServer(
      { name: vector.protocol as AuthChainName, key, ivs },
      users,
      world,
    )
    : authAes128Server(
      { name: vector.protocol as AuthAes128Name, key, ivs },
      users,
      world,
    );
}

function acceptHeader(
  vector: Vector,
): { header: AuthHeader; wire: Uint8Array } {
  const wire = join(vector, "c2s", "wire");
  const header = serverOf(vector).accept(wire);
  assert.ok(header);
  return { header, wire: wire.slice(0, header.length) };
}

/** A client that draws what the original drew. */
function clientOf(vector: Vector): AuthClient {
  const { header: { id }, wire } = acceptHeader(vector);
  const key = hex(vector.key);
  const ivs = { sent: hex(vector.client_iv), received: hex(vector.server_iv) };
  const { connection } = id;
  const identity = new SsrIdentity(scriptedRandom(
    new Uint8Array(32),
    u32le(id.client),
    Uint8Array.of(connection >>> 16, connection >>> 8, connection),
  ));
  const [uid, password] = vector.protocol_param.split(":");
  const user = password === undefined
    ? undefined
    : { uid: Number(uid), password: utf8(password) };
  const world = ssrWorld();
  if (vector.protocol === "auth_sha1_v4") {
    return authSha1V4Client({ key, ivs }, identity, world);
  }
  if (vector.protocol.startsWith("auth_aes128_")) {
    const name = vector.protocol as AuthAes128Name;
    return authAes128Client({ name, key, ivs }, { identity, user }, world);
  }
  const random = wire.subarray(0, 4);
  const hash = MD5.hmac(concat(ivs.sent, key), random);
  const masked = wire.subarray(12, 16);
  const drawn = masked.map((byte, i) => byte ^ hash[8 + i]!);
  return authChainClient(
    { name: vector.protocol as AuthChainName, key, ivs },
    { identity, user, overhead: vector.overhead },
    {
      ...world,
      randomBytes: user === undefined
        ? scriptedRandom(random, drawn)
        : scriptedRandom(random),
    },
  );
}
