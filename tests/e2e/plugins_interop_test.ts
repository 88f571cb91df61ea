/**
 * Plugins that others have written, with other implementations at the other
 * end: ours in both roles and on both runtimes, 1 MiB each way, and datagrams
 * past the plugin. Debian has the programs: simple-obfs and
 * shadowsocks-v2ray-plugin.
 *
 * @module
 */
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
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
import { until, within } from "../support/within.ts";
import {
  type End,
  LIBEV_SKIP,
  METHOD,
  PASSWORD,
  startLocal,
  startServer,
} from "./chain.ts";
import {
  type PeerEnd,
  peerSkip,
  startPeerLocal,
  startPeerServer,
} from "./peers.ts";

/** Starting four programs included. */
const LIMIT_MS = 30_000;

const LENGTH = MIB;

type Party = "deno" | "bun" | "shadowsocks-rust" | "libev";

/** A plugin at both ends. */
interface Pair {
  readonly name: string;
  readonly programs: readonly [server: string, local: string];
  readonly options: readonly [server: string, local: string];
  /** Package of Debian. */
  readonly from: string;
}

const PLUGINS: readonly Pair[] = [
  ...["http", "tls"].map((obfs): Pair => ({
    name: `obfs ${obfs}`,
    programs: ["obfs-server", "obfs-local"],
    options: [`obfs=${obfs}`, `obfs=${obfs};obfs-host=www.example.com`],
    from: "simple-obfs",
  })),
  {
    name: "v2ray websocket",
    programs: ["ss-v2ray-plugin", "ss-v2ray-plugin"],
    options: ["server;host=h.example;path=/ws", "host=h.example;path=/ws"],
    from: "shadowsocks-v2ray-plugin",
  },
];

const WEBSOCKET = PLUGINS.at(-1)!;

const skips = new Map(PLUGINS.map((plugin) => [plugin, pluginSkip(plugin)]));
for (const skip of new Set(skips.values())) if (skip) announceSkip(skip);

const OURS: readonly Party[] = ["deno", "bun"];
const OTHERS: readonly Party[] = ["shadowsocks-rust", "libev"];

const PAIRINGS: readonly (readonly [local: Party, server: Party])[] = [
  ["deno", "bun"],
  ["bun", "deno"],
  ...OURS.flatMap((ours) =>
    OTHERS.flatMap((other) => [[ours, other], [other, ours]] as const)
  ),
];

for (const plugin of PLUGINS) {
  for (const [local, server] of PAIRINGS) {
    test(`${local} → ${plugin.name} → ${server}`, {
      skip: skips.get(plugin) || skipOf(local) || skipOf(server),
    }, () => check(local, server, plugin, METHOD, PASSWORD));
  }
}

for (
  const [method, length] of [
    ["2022-blake3-aes-128-gcm", 16],
    ["2022-blake3-aes-256-gcm", 32],
    ["2022-blake3-chacha20-poly1305", 32],
  ] as const
) {
  for (
    const [local, server] of [
      ["deno", "bun"],
      ["bun", "shadowsocks-rust"],
      ["shadowsocks-rust", "deno"],
    ] as const
  ) {
    test(`${local} → ${WEBSOCKET.name} → ${server}, ${method}`, {
      skip: skips.get(WEBSOCKET) || skipOf(local) || skipOf(server),
    }, () => {
      const key = Buffer.from(seededBytes(length, length)).toString("base64");
      return check(local, server, WEBSOCKET, method, key);
    });
  }
}

/** Moves everything both ways. */
async function check(
  local: Party,
  server: Party,
  plugin: Pair,
  method: string,
  password: string,
): Promise<void> {
  const moving = async (): Promise<void> => {
    await using target = await Target.start();
    const keys = { method, password };
    await using far = await start("server", server, keys, plugin);
    await using near = await start("local", local, keys, plugin, far.address);
    const said = (): string => near.program.describe() + far.program.describe();
    const want = patternDigest(LENGTH);
    // It listens before its plugin does.
    if (local === "libev" || server === "libev") {
      await until(
        10_000,
        "the plugins listen",
        () => answers(near.address, target),
      );
    }
    for (let i = 0; i < 3; i++) {
      assert.equal(await download(near.address, target), want, said());
    }
    assert.equal(await upload(near.address, target), want, said());
    await echo(near.address, said);
  };
  await within(LIMIT_MS, "the chain", moving());
}

/** True if a byte comes back. */
async function answers(local: Address, target: Target): Promise<boolean> {
  using stream = await socksConnect(local, target.address);
  await stream.write(command("down 1"));
  return await stream.read().then((bytes) => bytes?.length === 1, () => false);
}

/** Starts one end with its plugin. */
async function start(
  role: "server" | "local",
  party: Party,
  keys: { readonly method: string; readonly password: string },
  { programs, options }: Pair,
  server?: Address,
): Promise<End | PeerEnd> {
  const i = role === "server" ? 0 : 1;
  if (party === "libev") {
    const flags = ["-u", "--plugin", programs[i]];
    flags.push("--plugin-opts", options[i]);
    return server === undefined
      ? await startServer(party, { ...keys, flags })
      : await startLocal(party, server, { ...keys, flags });
  }
  const peer = {
    ...keys,
    plugin: { plugin: programs[i], "plugin_opts": options[i] },
  };
  return server === undefined
    ? await startPeerServer(party, peer)
    : await startPeerLocal(party, server, peer);
}

/** @returns The digest we computed. */
async function download(local: Address, target: Target): Promise<string> {
  using stream = await socksConnect(local, target.address);
  await stream.write(command(`down ${LENGTH}`));
  return await digestOf(stream);
}

/** @returns The digest the target computed. */
async function upload(local: Address, target: Target): Promise<string> {
  using stream = await socksConnect(local, target.address);
  await stream.write(command(`up ${LENGTH}`));
  for (const part of patternParts(LENGTH)) await stream.write(part);
  return Buffer.from(await stream.readAll()).toString();
}

/** Datagrams go past the plugin, to the same port. */
async function echo(local: Address, said: () => string): Promise<void> {
  using echo = await UdpEcho.start();
  using client = await SocksUdp.start(local);
  const target = { host: "127.0.0.1", port: echo.port };
  for (const size of [1, 512, 1_200]) {
    const payload = seededBytes(size, size);
    await client.send(payload, target);
    const answer = await client.receive().catch((error) => {
      throw new Error(`${size} bytes: ${said()}`, { cause: error });
    });
    assert.ok(Buffer.from(payload).equals(answer.payload), `${size} bytes`);
  }
}

function skipOf(party: Party): string | false {
  return party === "libev" ? LIBEV_SKIP : peerSkip(party);
}

function pluginSkip({ programs, from }: Pair): string | false {
  const absent = programs.filter((program) =>
    spawnSync(program, ["-h"], { stdio: "ignore", timeout: 10_000 }).error
  );
  return absent.length > 0 &&
    `${absent.join(", ")} not found: apt-get install -y ${from}`;
}
