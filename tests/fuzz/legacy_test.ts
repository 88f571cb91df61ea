/**
 * Fuzzes the parsers of lightsocks and ShadowsocksR, on both sides: every input
 * leads to progress or to one of our errors.
 */
import assert from "node:assert/strict";
import process from "node:process";
import { test } from "node:test";
import { systemHmacs } from "../../src/adapters/crypto/hmacs.ts";
import { concat, fromLatin1, toLatin1 } from "../../src/bytes.ts";
import { makeLightsocksTable } from "../support/lightsocks_table.ts";
import { parseLightsocksUrl } from "../../src/codec/lightsocks_config.ts";
import { parseOnlineConfig } from "../../src/codec/sip008.ts";
import { parseSsrUsers, readMudb } from "../../src/codec/ssr_config.ts";
import { formatSsrUri, parseSsrUri } from "../../src/codec/ssr_uri.ts";
import { findCommand } from "../../src/cli/commands/commands.ts";
import {
  configureLocal,
  configureServer,
} from "../../src/cli/config/config.ts";
import { parseArguments } from "../../src/cli/options/args.ts";
import { useHmac } from "../../src/crypto/legacy_digest.ts";
import { UmbraError } from "../../src/errors.ts";
import { systemRandomBytes } from "../../src/random.ts";
import { ConnectionMemory } from "../../src/security/connection_memory.ts";
import { ByteTable } from "../../src/session/lightsocks/byte_table.ts";
import { LightsocksClient } from "../../src/session/lightsocks/client.ts";
import { LightsocksServer } from "../../src/session/lightsocks/server.ts";
import { ssrClient } from "../../src/session/shadowsocksr/client.ts";
import {
  SSR_OBFS,
  SSR_PROTOCOLS,
} from "../../src/session/shadowsocksr/names.ts";
import {
  SsrPacketClient,
  SsrPacketServer,
} from "../../src/session/shadowsocksr/packets.ts";
import { ssrServer } from "../../src/session/shadowsocksr/server.ts";
import { seededBytes, seededRandom, utf8 } from "../support/bytes.ts";
import { mutations } from "../support/mutate.ts";
import { sourcesOf } from "../support/sources.ts";
import {
  seededRandomBytes,
  ssrKeys,
  ssrMemory,
  type SsrOptions,
  ssrPort,
  ssrWorld,
} from "../support/ssr.ts";
import { Forgetful } from "../support/stream_keys.ts";
import { Talk } from "../support/ssr_talk.ts";

/**
 * Number of mutations for each parser; a long run sets `FUZZ_COUNT=1000000`.
 */
const COUNT = Number(process.env["FUZZ_COUNT"] ?? 500);

// The programs use the same; the functions of noble would take most of a long
// run.
for (const hmac of systemHmacs("auto")) {
  if (useHmac(hmac, systemRandomBytes) === undefined) break;
}

const TARGET = { host: "example.com", port: 443 };
const PROTOCOLS = Object.keys(SSR_PROTOCOLS);
const OBFS = Object.keys(SSR_OBFS);

/**
 * Bytes that are likely in inputs: address types, record types, characters of
 * heads.
 */
const SPICE = Uint8Array.of(
  ...[0, 1, 3, 4, 5, 0x14, 0x16, 0x17, 0x25, 0x0a, 0x0d, 0xff],
);

/**
 * Feeds inputs to a parser.
 *
 * @returns The number of inputs for each result.
 */
function fuzz<T>(
  inputs: Iterable<T>,
  take: (input: T) => unknown,
): Map<string, number> {
  const outcomes = new Map<string, number>();
  for (const input of inputs) {
    let outcome = "value";
    try {
      take(input);
    } catch (error) {
      if (!(error instanceof UmbraError)) throw error;
      outcome = error.code;
    }
    outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
  }
  return outcomes;
}

function mutated(samples: readonly Uint8Array[]): Iterable<Uint8Array> {
  return mutations(samples, SPICE, { count: COUNT, seed: 15 });
}

/** Cuts an input in two at a place that its first byte determines. */
function halves(bytes: Uint8Array): Uint8Array[] {
  const at = (bytes[0] ?? 0) % Math.max(1, bytes.length);
  return [bytes.subarray(0, at), bytes.subarray(at)];
}

/** Each protocol without obfuscation, and each obfuscation. */
const STACKS: readonly SsrOptions[] = [
  ...PROTOCOLS.map((protocol) => ({ protocol, method: "none" })),
  ...OBFS.map((obfs) => ({ obfs, method: "none", protocol: "auth_chain_a" })),
  ...OBFS.map((obfs) => ({ obfs, method: "none" })),
];

for (const options of STACKS) {
  const name = `${options.protocol ?? "origin"} ${options.obfs ?? "plain"}`;
  const world = ssrWorld();
  const memory = new Forgetful();
  const port = ssrPort(options);
  const keys = ssrKeys(options);

  /** Records a dialogue as it is sent. */
  const record = (): Talk => {
    const server = ssrServer(ssrPort(options), ssrWorld());
    const client = ssrClient(ssrKeys(options), {
      clock: world.clock,
      randomBytes: seededRandomBytes(2),
    });
    const ends = new Talk(client, server);
    ends.up(client.request(TARGET, utf8("payload")));
    ends.up(client.seal(seededBytes(300)));
    ends.down(server.seal(seededBytes(300)));
    return ends;
  };

  test(`a server of ${name} survives ${COUNT} mutations`, () => {
    const { sent } = record();
    const samples = [concat(...sent), ...sent];
    fuzz(mutated(samples), (bytes) => {
      // The memory of the last input would refuse the next one.
      const connections = new ConnectionMemory(world.clock);
      const server = ssrServer(port, { ...world, connections, memory });
      for (const part of halves(bytes)) server.accept(part);
      server.end();
    });
  });

  test(`a client of ${name} survives ${COUNT} mutations`, () => {
    const { answered } = record();
    const samples = [concat(...answered), ...answered];
    fuzz(mutated(samples), (bytes) => {
      const client = ssrClient(keys, {
        clock: world.clock,
        randomBytes: seededRandomBytes(2),
      });
      client.request(TARGET, utf8("payload"));
      for (const part of halves(bytes)) client.open(part);
      client.end();
    });
  });
}

for (const protocol of PROTOCOLS) {
  test(`packets of ${protocol} survive ${COUNT} mutations, both ways`, () => {
    const options = { protocol, method: "none" };
    const client = new SsrPacketClient(
      ssrKeys(options),
      seededRandomBytes(4),
    );
    const server = new SsrPacketServer(
      ssrPort(options),
      seededRandomBytes(5),
      ssrMemory(),
    );
    const packet = { address: TARGET, payload: utf8("payload") };
    const from = { host: "192.0.2.1", port: 1 };
    const up = client.seal(packet);
    const { association } = server.open(up, from);
    const down = server.seal(association, packet);
    fuzz(mutated([up, down]), (bytes) => server.open(bytes, from));
    fuzz(mutated([down, up]), (bytes) => client.open(bytes));
  });
}

test(`lightsocks survives ${COUNT} mutations, both ways`, () => {
  const table = new ByteTable(makeLightsocksTable(seededRandomBytes()));
  const up = concat(
    Uint8Array.of(5, 2, 0, 2),
    ...[Uint8Array.of(5, 1, 0, 3, 11), utf8("example.com"), utf8("\0Phi")],
  );
  const down = Uint8Array.of(5, 0, 5, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1, 2, 3);
  const outcomes = fuzz(mutated([up]), (bytes) => {
    const server = new LightsocksServer(table);
    for (const part of halves(table.encode(bytes))) {
      if (server.accept(part).request) return;
    }
    server.end();
  });
  assert.ok(outcomes.get("value")! > 0);
  assert.ok(outcomes.get("ERR_SOCKS_TRUNCATED")! > 0);
  fuzz(mutated([down]), (bytes) => {
    const client = new LightsocksClient(table);
    client.request(TARGET, utf8("first"));
    for (const part of halves(table.encode(bytes))) client.open(part);
    client.end();
  });
});

test(`links and subscriptions survive ${COUNT} mutations`, () => {
  const link = formatSsrUri({
    host: "2001:db8::1",
    port: 8388,
    protocol: "auth_chain_a",
    method: "none",
    obfs: "tls1.2_ticket_auth",
    password: "a password",
    obfsParam: "www.example.com",
    protocolParam: "1001:secret",
    tag: "näme",
    extra: [["udpport", "0"]],
  });
  const inside = atob(
    link.slice(6).replaceAll("-", "+").replaceAll("_", "/"),
  );
  const outcomes = fuzz(mutated([toLatin1(inside)]), (bytes) => {
    const text = `ssr://${btoa(fromLatin1(bytes))}`;
    const server = parseSsrUri(text);
    try {
      formatSsrUri(server);
    } catch (error) {
      // Some readable values cannot be written in the same form.
      if (!(error instanceof UmbraError)) throw error;
    }
  });
  assert.ok(outcomes.get("value")! > 0);
  assert.ok(outcomes.get("ERR_SS_URI_INVALID")! > 0);
  fuzz(mutated([utf8(link), utf8(btoa(`MAX=1\n${link}\nss://x`))]), (bytes) => {
    parseOnlineConfig(fromLatin1(bytes));
  });
  const password = "A".repeat(342);
  fuzz(
    mutated([utf8(`http://example.com:1/#${password}`)]),
    (bytes) => parseLightsocksUrl(fromLatin1(bytes)),
  );
});

test(`configurations survive ${COUNT} mutations`, () => {
  const values = [
    ...[null, true, 0, 1, -1, 1.5, 65_536, 1e300, "", "text", "8388", "1:a"],
    ...[[], ["a"], ["a", "http_simple", "origin"], {}, { password: "p" }],
    ...["64#1:a,2:b", "#", "##", { 1: "p", 99999: "p" }, { a: 1 }],
  ];
  const keys = ["server", "server_port", "password", "method", "protocol"]
    .concat(
      "protocol_param",
      "obfs",
      "obfs_param",
      "port_password",
      "local_port",
    )
    .concat("additional_ports", "redirect", "timeout", "listen", "remote")
    .concat("serverAddr", "serverPort", "localAddr", "localPort", "user")
    .concat("port", "passwd", "enable", "transfer_enable", "u", "d");
  const next = seededRandom(6);
  function* documents(): Generator<unknown> {
    for (let i = 0; i < COUNT; i++) {
      const document: Record<string, unknown> = {};
      for (let n = next() % 8; n > 0; n--) {
        document[keys[next() % keys.length]!] = values[next() % values.length];
      }
      yield next() % 20 === 0 ? values[next() % values.length] : document;
    }
  }
  const args = (command: string) =>
    parseArguments(findCommand(command)!, ["-c", "f", "--allow-legacy"]);
  const [server, local] = [args("server"), args("local")];
  const sources = (document: unknown) =>
    sourcesOf(() => JSON.stringify(document));
  const readers = [
    (document: unknown) => configureServer(server, sources(document)),
    (document: unknown) => configureLocal(local, sources(document)),
    (document: unknown) => readMudb([document]),
    readMudb,
    (document: unknown) => parseSsrUsers(String(document)),
  ];
  for (const read of readers) fuzz(documents(), read);
});
