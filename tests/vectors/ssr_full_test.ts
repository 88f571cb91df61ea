/**
 * What the originals of ShadowsocksR wrote to the connection, read by ours:
 * the disguises alone, and all layers together.
 */
// Names of vectors are what they are.
// deno-lint-ignore-file camelcase
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, test } from "node:test";
import { concat } from "../../src/bytes.ts";
import { MD5 } from "../../src/crypto/legacy_digest.ts";
import { encodeAddress } from "../../src/codec/address.ts";
import { ssrClient } from "../../src/session/shadowsocksr/client.ts";
import { SsrIdentity } from "../../src/session/shadowsocksr/identity.ts";
import { HttpObfsClient } from "../../src/session/shadowsocksr/obfs/http_client.ts";
import { HttpObfsServer } from "../../src/session/shadowsocksr/obfs/http_server.ts";
import {
  RandomHeadClient,
  RandomHeadServer,
} from "../../src/session/shadowsocksr/obfs/random_head.ts";
import { TlsObfsClient } from "../../src/session/shadowsocksr/obfs/tls_client.ts";
import { TlsObfsServer } from "../../src/session/shadowsocksr/obfs/tls_server.ts";
import {
  u16le,
  u32le,
} from "../../src/session/shadowsocksr/protocol/auth_protocol.ts";
import { openIdentity } from "../../src/session/shadowsocksr/protocol/identity_block.ts";
import { ssrServer } from "../../src/session/shadowsocksr/server.ts";
import type { Layer } from "../../src/session/layer.ts";
import type {
  ClientSession,
  ServerSession,
  Step,
} from "../../src/session/stream_protocol.ts";
import { Questions } from "../../src/session/shadowsocksr/world.ts";
import { hex, utf8 } from "../support/bytes.ts";
import {
  scriptedRandom,
  ssrKey,
  type SsrOptions,
  ssrPort,
  ssrWorld,
  waysToCut,
} from "../support/ssr.ts";

/** One write. */
interface Write {
  readonly dir: "c2s" | "s2c";
  readonly input?: string;
  readonly wire: string;
}

/** One dialogue of a disguise. */
interface ObfsVector {
  readonly obfs: string;
  readonly label: string;
  readonly key: string;
  readonly iv_len: number;
  readonly obfs_param: string;
  readonly host: string;
  readonly port: number;
  readonly client_id?: string;
  readonly steps: readonly Write[];
}

/** One connection. */
interface FullVector {
  readonly protocol: string;
  readonly method: string;
  readonly obfs: string;
  readonly protocol_param: string;
  readonly obfs_param: string;
  readonly key: string;
  readonly client_iv: string;
  readonly c2s_plain: string;
  readonly s2c_plain: string;
  readonly steps: readonly Write[];
}

const read = <T>(name: string): readonly T[] =>
  (JSON.parse(readFileSync(new URL(name, import.meta.url), "utf8")) as {
    cases: readonly T[];
  }).cases;

const obfs = read<ObfsVector>("ssr-obfs.json");
const full = read<FullVector>("ssr-full.json");

test("there are 8 dialogues and 8 connections", () => {
  assert.equal(obfs.length, 8);
  assert.equal(full.length, 8);
});

for (const vector of obfs) {
  describe(`${vector.obfs} ${vector.label}`, () => {
    test("a server reads what the client wrote, however it is cut", () => {
      for (const parts of waysToCut(wires(vector, "c2s"))) {
        const steps = feed(obfsServer(vector), parts);
        assert.deepEqual(payloadOf(steps), inputs(vector, "c2s"));
      }
    });

    test("a client reads what the server wrote, however it is cut", () => {
      const wire = wires(vector, "s2c");
      const ways = waysToCut(wire);
      // Its first read ends where the random bytes do; nothing tells.
      const first = hex(vector.steps.find(({ dir }) => dir === "s2c")!.wire);
      for (
        const parts of vector.obfs === "random_head"
          ? [[first, ...waysToCut(wire.subarray(first.length))[1]!]]
          : ways
      ) {
        const client = obfsClient(vector);
        client.wrap(utf8("first"));
        assert.deepEqual(
          payloadOf(feed(client, parts)),
          inputs(vector, "s2c"),
        );
      }
    });

    test("a server refuses what is cut short before it is open", () => {
      const first = hex(vector.steps[0]!.wire);
      for (let length = 0; length < first.length; length++) {
        const server = obfsServer(vector);
        const { payload, reply } = server.unwrap(first.subarray(0, length));
        if (payload.length > 0) break;
        assert.equal(reply, undefined, `after ${length} bytes`);
        assert.throws(() => server.end(), { code: "ERR_SS_TRUNCATED" });
      }
    });
  });
}

for (const vector of full) {
  const { protocol, method, obfs } = vector;
  describe(`${protocol} ${method} ${obfs}`, () => {
    test("a server reads what the client wrote, however it is cut", () => {
      for (const parts of waysToCut(wires(vector, "c2s"))) {
        const server = ssrServer(ssrPort(optionsOf(vector)), ssrWorld());
        assert.deepEqual(serve(server, parts), hex(vector.c2s_plain));
        server.free();
      }
    });

    test("a client reads what the server wrote, however it is cut", () => {
      const wire = wires(vector, "s2c");
      const first = hex(vector.steps.find(({ dir }) => dir === "s2c")!.wire);
      for (
        const parts of obfs === "random_head"
          ? [[first, ...waysToCut(wire.subarray(first.length))[1]!]]
          : waysToCut(wire)
      ) {
        const client = fullClient(vector);
        client.request({ host: "example.com", port: 80 }, utf8("first"));
        assert.deepEqual(
          payloadOf(parts.map((part) => client.open(part))),
          hex(vector.s2c_plain),
        );
        client.end();
        client.free();
      }
    });
  });
}

/** Feeds parts until the end. */
function feed(layer: Layer, parts: readonly Uint8Array[]): Step[] {
  const steps = parts.map((part) => layer.unwrap(part));
  layer.end();
  return steps;
}

/** What the target gets, address included. */
function serve(
  server: ServerSession,
  parts: readonly Uint8Array[],
): Uint8Array {
  const out: Uint8Array[] = [];
  for (const part of parts) {
    if (out.length > 0) {
      out.push(server.open(part).payload);
      continue;
    }
    const { request } = server.accept(part);
    if (request === undefined) continue;
    out.push(encodeAddress(request.address), request.payload);
  }
  server.end();
  return concat(...out);
}

function wires(
  { steps }: { readonly steps: readonly Write[] },
  direction: Write["dir"],
): Uint8Array {
  return concat(
    ...steps.filter(({ dir }) => dir === direction).map(({ wire }) =>
      hex(wire)
    ),
  );
}

function inputs({ steps }: ObfsVector, direction: Write["dir"]): Uint8Array {
  return concat(
    ...steps.filter(({ dir }) => dir === direction).map(({ input }) =>
      hex(input ?? "")
    ),
  );
}

function payloadOf(steps: readonly Step[]): Uint8Array {
  return concat(...steps.map(({ payload }) => payload));
}

function obfsServer({ obfs, obfs_param, key }: ObfsVector): Layer {
  const world = ssrWorld();
  switch (obfs) {
    case "http_simple":
    case "http_post":
      return new HttpObfsServer(obfs_param, world.clock);
    case "random_head":
      return new RandomHeadServer(world.randomBytes);
    default:
      return new TlsObfsServer(
        { key: hex(key), param: "" },
        world,
        new Questions(),
      );
  }
}

function obfsClient(vector: ObfsVector): Layer {
  const { obfs, obfs_param: param, host, port } = vector;
  const world = ssrWorld();
  switch (obfs) {
    case "http_simple":
    case "http_post":
      return new HttpObfsClient(
        { name: obfs, param, host, port, ivLength: vector.iv_len },
        world.randomBytes,
      );
    case "random_head":
      return new RandomHeadClient(world.randomBytes);
    default:
      return new TlsObfsClient(
        {
          name: obfs as "tls1.2_ticket_auth",
          param,
          host,
          key: hex(vector.key),
          sessionId: hex(vector.client_id!),
        },
        world,
      );
  }
}

function optionsOf(vector: FullVector): SsrOptions {
  const [uid, password] = vector.protocol_param.split(":");
  return {
    method: vector.method,
    key: hex(vector.key),
    protocol: vector.protocol,
    obfs: vector.obfs,
    ...(password !== undefined && { users: { [uid!]: password } }),
  };
}

/** A client that draws what the original drew, as far as answers depend on it. */
function fullClient(vector: FullVector): ClientSession {
  const options = optionsOf(vector);
  const sessionId = vector.obfs.startsWith("tls")
    ? wires(vector, "c2s").subarray(44, 76)
    : new Uint8Array(32);
  const header = innerStart(vector);
  const iv = hex(vector.client_iv);
  const random = header.subarray(0, 4);
  const hash = MD5.hmac(concat(iv, hex(vector.key)), random);
  const uid = header.subarray(12, 16).map((byte, i) => byte ^ hash[8 + i]!);
  const isChain = vector.protocol.startsWith("auth_chain_");
  const users = Object.entries(options.users ?? {});
  const drawn = [
    iv,
    ...(isChain ? [random] : []),
    ...(isChain && users.length === 0 ? [uid] : []),
  ];
  const block = isChain ? blockOf(vector, header) : new Uint8Array(16);
  return ssrClient({
    key: ssrKey(vector.method, hex(vector.key)),
    protocol: vector.protocol as "origin",
    obfs: vector.obfs as "plain",
    obfsParam: vector.obfs_param,
    host: "127.0.0.1",
    port: 8388,
    user: users.length === 0
      ? undefined
      : { uid: Number(users[0]![0]), password: utf8(users[0]![1]) },
    identity: new SsrIdentity(scriptedRandom(
      sessionId,
      block.subarray(4, 8),
      block.slice(8, 11).reverse(),
    )),
  }, { ...ssrWorld(), randomBytes: scriptedRandom(...drawn) });
}

/** The first bytes inside disguise and cipher, of a method without IV. */
function innerStart(vector: FullVector): Uint8Array {
  const layer = obfsServer({
    ...vector,
    obfs_param: "",
    label: "",
    iv_len: 0,
    host: "",
    port: 0,
  });
  const wire = wires(vector, "c2s");
  return vector.obfs === "plain" ? wire : layer.unwrap(wire).payload;
}

/** The block of a header of `auth_chain_*`, decrypted. */
function blockOf(vector: FullVector, header: Uint8Array): Uint8Array {
  const [, password] = vector.protocol_param.split(":");
  const userKey = password === undefined ? hex(vector.key) : utf8(password);
  const { stamp, client, connection, numbers } = openIdentity(
    header.subarray(16, 32),
    userKey,
    vector.protocol,
  );
  assert.equal(stamp, 1_700_000_000);
  return concat(u32le(stamp), client, u32le(connection), ...numbers.map(u16le));
}
