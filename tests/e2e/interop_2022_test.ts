/**
 * The 2022 edition with other implementations: every method, with one user and
 * with several, ours in both roles and on both runtimes. Over TCP 8 MiB each
 * way, whose digests must agree; over UDP datagrams of several sizes.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { test } from "node:test";
import { announceSkip } from "../support/report.ts";
import { socksConnect } from "../support/tcp.ts";
import {
  command,
  digestOf,
  MIB,
  patternDigest,
  patternParts,
  Target,
} from "../support/target.ts";
import { seededBytes } from "../support/bytes.ts";
import { SocksUdp, UdpEcho } from "../support/udp.ts";
import { within } from "../support/within.ts";
import {
  type Party,
  type PeerEnd,
  PEERS,
  peerSkip,
  startPeerLocal,
  startPeerServer,
  startRelay,
} from "./peers.ts";

const LENGTH = 8 * MIB;

/** Sizes that every implementation relays. */
const DATAGRAM_SIZES = [1, 512, 1_400, 8_000];

/** Starting two programs included. */
const LIMIT_MS = 30_000;

const METHODS: Readonly<Record<string, number>> = {
  "2022-blake3-aes-128-gcm": 16,
  "2022-blake3-aes-256-gcm": 32,
  "2022-blake3-chacha20-poly1305": 32,
};

for (const peer of PEERS) {
  const skip = peerSkip(peer);
  if (skip) announceSkip(`${peer}: ${skip}`);
}

for (const [method, keyLength] of Object.entries(METHODS)) {
  const hasUsers = method.includes("aes");
  for (const peer of PEERS) {
    for (const ours of ["deno", "bun"] as const) {
      for (const [local, server] of [[peer, ours], [ours, peer]] as const) {
        for (const many of hasUsers ? [false, true] : [false]) {
          const users = many ? ", one of three users" : "";
          test(
            `${local} → ${server}, ${method}${users}`,
            { skip: peerSkip(peer) },
            () => within(LIMIT_MS, "the chain", moveBothWays(local, server)),
          );

          // deno-lint-ignore no-inner-declarations
          async function moveBothWays(
            local: Party,
            server: Party,
          ): Promise<void> {
            const password = key(keyLength);
            const names = many ? ["alice", "bob", "carol"] : [];
            const all = names.map((name) => ({
              name,
              password: key(keyLength),
            }));
            await using target = await Target.start();
            await using serverEnd = await startPeerServer(server, {
              method,
              password,
              users: all,
            });
            await using localEnd = await startPeerLocal(
              local,
              serverEnd.address,
              {
                method,
                password: many ? `${password}:${all[1]!.password}` : password,
              },
            );
            const want = patternDigest(LENGTH);
            const said = (): string =>
              localEnd.program.describe() + serverEnd.program.describe();
            assert.equal(await download(localEnd, target), want, said());
            assert.equal(await upload(localEnd, target), want, said());
            // shadowsocks-rust's server passes no empty datagrams on.
            const empty = server === "shadowsocks-rust" ? [] : [0];
            await echo(localEnd, [...empty, ...DATAGRAM_SIZES], said);
            if (many && server === ours) {
              await serverEnd.program.waitForOutput(/user=bob/, 5_000);
            }
          }
        }
      }
    }
  }
}

test("deno → a relay of sing-box → bun, with a chain of three keys", {
  skip: peerSkip("sing-box"),
}, async () => {
  const method = "2022-blake3-aes-128-gcm";
  const [first, second, user] = [key(16), key(16), key(16)];
  await using target = await Target.start();
  await using server = await startPeerServer("bun", {
    method,
    password: second,
    users: [{ name: "alice", password: user }],
  });
  const relayKeys = { method, password: first };
  await using relay = await startRelay(server.address, relayKeys, second);
  await using local = await startPeerLocal("deno", relay.address, {
    method,
    password: `${first}:${second}:${user}`,
  });
  const said = (): string =>
    [local, relay, server].map(({ program }) => program.describe()).join("");
  assert.equal(await download(local, target), patternDigest(LENGTH), said());
  await echo(local, DATAGRAM_SIZES, said);
});

/** Sends datagrams of several sizes to an echo, twice each. */
async function echo(
  local: PeerEnd,
  sizes: readonly number[],
  said: () => string,
): Promise<void> {
  using echo = await UdpEcho.start();
  using client = await SocksUdp.start(local.address);
  const target = { host: "127.0.0.1", port: echo.port };
  for (const size of [...sizes, ...sizes]) {
    const payload = seededBytes(size, size);
    await client.send(payload, target);
    const answer = await client.receive().catch((error) => {
      throw new Error(`${size} bytes: ${said()}`, { cause: error });
    });
    assert.ok(Buffer.from(payload).equals(answer.payload), `${size} bytes`);
    assert.deepEqual(answer.from, target);
  }
}

function key(length: number): string {
  return randomBytes(length).toString("base64");
}

/** @returns The digest we computed. */
async function download(local: PeerEnd, target: Target): Promise<string> {
  using stream = await socksConnect(local.address, target.address);
  await stream.write(command(`down ${LENGTH}`));
  return await digestOf(stream);
}

/** @returns The digest the target computed. */
async function upload(local: PeerEnd, target: Target): Promise<string> {
  using stream = await socksConnect(local.address, target.address);
  await stream.write(command(`up ${LENGTH}`));
  for (const part of patternParts(LENGTH)) await stream.write(part);
  return Buffer.from(await stream.readAll()).toString();
}
