/**
 * Stream ciphers with other implementations, ours in both roles: over TCP some
 * MiB each way, whose digests must agree, by address and by name; over UDP
 * datagrams of several sizes.
 *
 * Ours run inside this process; legacy_programs_test.ts starts our programs.
 */
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { test } from "node:test";
import { systemTransport } from "../../src/adapters/net/system.ts";
import { chooseProviders } from "../../src/adapters/crypto/providers.ts";
import { masterKeyFromPassword } from "../../src/crypto/master_key.ts";
import { findMethod } from "../../src/crypto/method.ts";
import type { TransportError } from "../../src/errors.ts";
import { startLocal } from "../../src/service/inbound/local.ts";
import { startServer } from "../../src/service/server/server.ts";
import type { Dependencies, Service } from "../../src/service/service.ts";
import type { ClientKeys } from "../../src/session/family.ts";
import { seededBytes } from "../support/bytes.ts";
import { announceSkip } from "../support/report.ts";
import {
  command,
  digestOf,
  MIB,
  patternDigest,
  patternParts,
  Target,
} from "../support/target.ts";
import { type Address, socksConnect } from "../support/tcp.ts";
import { SocksUdp, UdpEcho } from "../support/udp.ts";
import { within } from "../support/within.ts";
import {
  HALF_CLOSES,
  type HalfClose,
  isServer,
  relaysUdp,
  STREAM_PEERS,
  type StreamKeys,
  type StreamPeer,
  StreamPeerEnd,
  streamPeerSkip,
} from "./stream_peers.ts";

/** Slow ones move less. */
const lengthOf = (method: string): number =>
  /cfb1$/.test(method) ? MIB / 4 : /cfb8$/.test(method) ? MIB : 8 * MIB;

const DATAGRAM_SIZES = [1, 512, 1_400];
const LIMIT_MS = 60_000;

for (const [name, methods] of Object.entries(STREAM_PEERS)) {
  const peer = name as StreamPeer;
  const skip = streamPeerSkip(peer);
  if (skip) announceSkip(`${peer}: ${skip}`);
  for (const method of methods) {
    const keys = { method, password: "correct horse" };

    if (isServer(peer)) {
      test(
        `ours → ${peer}, ${method}`,
        { skip },
        () => within(LIMIT_MS, "the chain", throughPeerServer(peer, keys)),
      );
    }
    test(
      `${peer} → ours, ${method}`,
      { skip },
      () => within(LIMIT_MS, "the chain", throughPeerLocal(peer, keys)),
    );
  }
}

for (const [name, ends] of Object.entries(HALF_CLOSES)) {
  const peer = name as StreamPeer;
  const skip = streamPeerSkip(peer);
  const keys = { method: "aes-256-cfb", password: "correct horse" };
  test(
    `ours → ${peer}, half-closed`,
    { skip },
    () =>
      within(
        LIMIT_MS,
        "the chain",
        throughPeerServer(peer, keys, halfClosed(ends.server)),
      ),
  );
  test(
    `${peer} → ours, half-closed`,
    { skip },
    () =>
      within(
        LIMIT_MS,
        "the chain",
        throughPeerLocal(peer, keys, halfClosed(ends.local)),
      ),
  );
}

/** What is done through a local. */
type Use = (
  local: Address,
  target: Target,
  method: string,
) => Promise<void>;

async function throughPeerServer(
  peer: StreamPeer,
  keys: StreamKeys,
  use: Use = moveBothWays,
): Promise<void> {
  await using target = await Target.start();
  await using server = await StreamPeerEnd.start(peer, keys);
  const local = await ourLocal(keys, server.address);
  try {
    await use(local.address, target, keys.method);
    if (relaysUdp(peer)) await echo(local.address);
  } finally {
    await local.stop(0);
  }
}

async function throughPeerLocal(
  peer: StreamPeer,
  keys: StreamKeys,
  use: Use = moveBothWays,
): Promise<void> {
  await using target = await Target.start();
  const server = await ourServer(keys);
  try {
    await using local = await StreamPeerEnd.start(peer, keys, server.address);
    await use(local.address, target, keys.method);
    if (relaysUdp(peer)) await echo(local.address);
  } finally {
    await server.stop(0);
  }
}

function parts({ method, password }: StreamKeys): {
  keys: ClientKeys;
  world: Dependencies;
} {
  const found = findMethod(method, { allowLegacy: true });
  return {
    keys: { method: found, masterKey: masterKeyFromPassword(password, found) },
    world: { transport: systemTransport(), ...chooseProviders([found]) },
  };
}

async function ourServer(peerKeys: StreamKeys): Promise<Service> {
  const { keys, world } = parts(peerKeys);
  return await somewhere((listen) =>
    startServer({ ...keys, listen, mode: "tcp_and_udp" }, world)
  );
}

async function ourLocal(
  peerKeys: StreamKeys,
  endpoint: Address,
): Promise<Service> {
  const { keys, world } = parts(peerKeys);
  const servers = [{ ...keys, endpoint }];
  return await somewhere((listen) =>
    startLocal({ listen, servers, mode: "tcp_and_udp" }, world)
  );
}

/** A port that is free for TCP may be taken for UDP: then the next one. */
async function somewhere(
  start: (listen: Address) => Promise<Service>,
): Promise<Service> {
  for (let left = 5;; left--) {
    try {
      return await start({ host: "127.0.0.1", port: 0 });
    } catch (error) {
      const { code } = error as Partial<TransportError>;
      if (code !== "ERR_NET_ADDRESS_IN_USE" || left === 0) throw error;
    }
  }
}

async function moveBothWays(
  local: Address,
  target: Target,
  method: string,
): Promise<void> {
  const length = lengthOf(method);
  const want = patternDigest(length);
  {
    using stream = await socksConnect(local, target.address);
    await stream.write(command(`down ${length}`));
    assert.equal(await digestOf(stream), want);
  }
  using stream = await socksConnect(local, target.named);
  await stream.write(command(`up ${length}`));
  for (const part of patternParts(length)) await stream.write(part);
  const said = Buffer.from(await stream.readAll()).toString();
  assert.equal(said, want);
}

/** One side ends, and the other still sends. */
function halfClosed(first: readonly HalfClose[]): Use {
  return async (local, target) => {
    if (first.includes("application")) {
      using stream = await socksConnect(local, target.address);
      await stream.write(command(`late ${MIB}`));
      stream.end();
      assert.equal(await digestOf(stream), patternDigest(MIB));
    }
    if (first.includes("target")) {
      using stream = await socksConnect(local, target.address);
      await stream.write(command("early"));
      assert.equal(await stream.read(), undefined);
      for (const part of patternParts(MIB)) await stream.write(part);
      stream.end();
      assert.equal(await target.earlyDigest, patternDigest(MIB));
    }
  };
}

/** Sends datagrams of several sizes to an echo. */
async function echo(local: Address): Promise<void> {
  using echo = await UdpEcho.start();
  using client = await SocksUdp.start(local);
  const target = { host: "127.0.0.1", port: echo.port };
  for (const size of DATAGRAM_SIZES) {
    const payload = seededBytes(size, size);
    await client.send(payload, target);
    const answer = await client.receive();
    assert.ok(Buffer.from(payload).equals(answer.payload), `${size} bytes`);
  }
}
