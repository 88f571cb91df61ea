// Keys of configuration files are what they are.
// deno-lint-ignore-file camelcase
/** Tests the findings of `umbra doctor --dns`, on a network in memory. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { findCommand } from "../../../src/cli/commands/commands.ts";
import { configureLocal } from "../../../src/cli/config/config.ts";
import { dnsSettings } from "../../../src/cli/config/dns_settings.ts";
import { examineDns } from "../../../src/cli/doctor/doctor_dns.ts";
import type { Finding } from "../../../src/cli/doctor/finding.ts";
import {
  judgeLookups,
  judgeSystemResolvers,
} from "../../../src/cli/doctor/judge_dns.ts";
import { parseArguments } from "../../../src/cli/options/args.ts";
import { readDnsQuery } from "../../../src/codec/dns_message.ts";
import { ownAnswer, readQuestion } from "../../../src/codec/dns_records.ts";
import { parseIp } from "../../../src/codec/ip_address.ts";
import { referenceKeyStreams } from "../../../src/crypto/key_streams/reference.ts";
import { nobleProvider } from "../../../src/crypto/noble.ts";
import { systemRandomBytes } from "../../../src/random.ts";
import type { Endpoint } from "../../../src/transport.ts";
import { sourcesOf } from "../../support/sources.ts";
import { SERVER, World } from "../../support/world.ts";

const FAR = { host: "10.0.0.53", port: 53 };
const NEAR = { host: "192.168.0.53", port: 53 };
const LISTEN = { host: "127.0.0.1", port: 53 };

const FILE = {
  server: SERVER.host,
  server_port: SERVER.port,
  method: "chacha20-ietf-poly1305",
  password: "password",
  dns_listen: "127.0.0.1:53",
  dns_upstream: FAR.host,
  dns_direct: NEAR.host,
  routes: [
    { domain_suffix: "corp.test", to: "direct" },
    { domain: "ads.test", to: "block" },
  ],
};

/**
 * Starts a resolver that has one address for every name except one, and reports
 * its queries.
 */
async function resolver(
  world: World,
  at: Endpoint,
  address: string,
): Promise<string[]> {
  const socket = await world.network.bind(at);
  const asked: string[] = [];
  (async () => {
    for (let datagram; (datagram = await socket.receive());) {
      const { payload, from } = datagram;
      const query = readDnsQuery(payload)!;
      const { name, type } = readQuestion(query.question);
      asked.push(name!);
      const answer = name!.endsWith("probe.invalid")
        ? { code: 3 }
        : { addresses: type === 1 ? [parseIp(address)!] : [], ttlSeconds: 60 };
      await socket.send(ownAnswer(payload, query, answer), from);
    }
  })();
  return asked;
}

interface Seen {
  readonly findings: Finding[];
  /** Names that resolvers were asked for, without those of probes. */
  readonly far: readonly string[];
  readonly near: readonly string[];
  readonly lookedUp: readonly string[];
}

/** Checks the inbound of a file, with a server and resolvers. */
async function examine(
  file: object,
  names: readonly string[],
  { isNearThere = true, isServed = true } = {},
): Promise<Seen> {
  const world = new World();
  if (isServed) await world.server({ mode: "tcp_and_udp" });
  const far = await resolver(world, FAR, "10.1.1.1");
  const near = isNearThere ? await resolver(world, NEAR, "192.168.1.1") : [];
  const lookedUp: string[] = [];
  const { network } = world;
  const resolve = network.resolve.bind(network);
  network.resolve = (host, options) => {
    lookedUp.push(host);
    return resolve(host, options);
  };
  const args = parseArguments(findCommand("local")!, ["-c", "f"]);
  const sources = sourcesOf(() => JSON.stringify({ ...FILE, ...file }));
  const { result: locals } = configureLocal(args, sources);
  const settings = dnsSettings(args, sources, locals)!;
  const findings: Finding[] = [];
  const running = (async () => {
    for await (
      const finding of examineDns(
        { settings, locals, names, progressed: () => {} },
        {
          transport: network,
          clock: world.clock,
          randomBytes: systemRandomBytes,
          aeadProvider: nobleProvider,
          keyStreamProvider: referenceKeyStreams,
          waitMs: 3_000,
        },
      )
    ) findings.push(finding);
  })();
  let isOver = false;
  const end = () => isOver = true;
  running.then(end, end);
  while (!isOver) await world.clock.advance(250);
  await running;
  await world.stop();
  const isName = (name: string) => !name.endsWith("probe.invalid");
  return {
    findings,
    far: far.filter(isName),
    near: near.filter(isName),
    lookedUp: lookedUp.filter((host) => !/^[\d.]+$/.test(host)),
  };
}

const lines = (findings: readonly Finding[]) =>
  findings.map(({ check, verdict, detail }) =>
    `${verdict} ${check}: ${detail.replace(/\d+ ms/, "0 ms")}`
  );

test("doctor --dns tells which resolver answers which name, and asks no other", async () => {
  const names = ["www.test", "a.corp.test", "ads.test"];
  const { findings, far, near, lookedUp } = await examine({}, names);
  assert.deepEqual(lines(findings), [
    "ok dns resolver: 10.0.0.53:53, asked through the server, answers in 0 ms",
    "ok dns resolver: 192.168.0.53:53, asked from this machine, answers in 0 ms",
    "ok dns name: www.test is 10.1.1.1, by 10.0.0.53:53 through the server",
    "ok dns memory: rules on names hold for 10.1.1.1: it is known as www.test",
    "ok dns name: a.corp.test is 192.168.1.1, by 192.168.0.53:53 from this " +
    "machine",
    "ok dns memory: rules on names hold for 192.168.1.1: it is known as " +
    "a.corp.test",
    "warn dns name: ads.test: there is no such name, answered by Umbra",
  ]);
  assert.match(findings.at(-1)!.advice!, /a route blocks it/);
  assert.deepEqual([far, near, lookedUp], [
    ["www.test"],
    ["a.corp.test"],
    [],
  ]);
});

test("doctor --dns tells resolvers that do not answer, and what to do", async () => {
  const { findings } = await examine({}, ["a.corp.test"], {
    isNearThere: false,
  });
  const [far, near, name] = findings;
  assert.equal(far!.verdict, "ok");
  assert.deepEqual(near, {
    check: "dns resolver",
    verdict: "fail",
    detail:
      "192.168.0.53:53, asked from this machine, does not answer within " +
      "3 s",
    advice: "name another one with --dns-direct",
  });
  assert.equal(name!.verdict, "fail");
  assert.match(name!.detail, /^a\.corp\.test is not answered by 192\.168\.0/);
  const { findings: unserved } = await examine(
    { routes: undefined },
    ["www.test"],
    { isServed: false },
  );
  assert.deepEqual(unserved.map(({ verdict }) => verdict), [
    "fail",
    "ok",
    "fail",
  ]);
  assert.match(unserved[0]!.advice!, /start the server with -u/);
});

test("doctor --dns follows made-up addresses back to their names", async () => {
  const { findings, far } = await examine(
    { fake_ip: true },
    ["www.test", "a.corp.test"],
  );
  assert.deepEqual(lines(findings.slice(2)), [
    "ok dns name: www.test is 198.18.0.1, made up here, for the server to " +
    "look up",
    "ok fake-ip: a connection to 198.18.0.1 leads to www.test, which the " +
    "server looks up",
    "ok dns name: a.corp.test is 192.168.1.1, by 192.168.0.53:53 from this " +
    "machine",
    "ok dns memory: rules on names hold for 192.168.1.1: it is known as " +
    "a.corp.test",
    "ok fake-ip: a.corp.test keeps its address: a route sends it directly, " +
    "or fake_ip_filter has it",
  ]);
  // With fake IPs, no resolver is asked.
  assert.deepEqual(far, []);
});

test("judgeSystemResolvers() tells whom programs ask past Umbra", () => {
  const judge = (text: string | undefined, listen = LISTEN) =>
    judgeSystemResolvers(text, listen);
  assert.equal(judge(undefined).verdict, "skip");
  assert.equal(judge("# nothing\n").verdict, "skip");
  assert.equal(judge("nameserver 127.0.0.1\n").verdict, "ok");
  assert.equal(
    judge("nameserver 127.0.0.1\n", { host: "0.0.0.0", port: 53 }).verdict,
    "ok",
  );
  const after = judge("nameserver 127.0.0.1\nnameserver 192.168.0.1\n");
  assert.equal(after.verdict, "warn");
  assert.match(after.detail, /192\.168\.0\.1 as well, whenever 127\.0\.0\.1/);
  const first = judge("nameserver 192.168.0.1\nnameserver 127.0.0.1\n");
  assert.match(first.detail, /not 127\.0\.0\.1:53 first/);
  assert.match(first.advice!, /"nameserver 127\.0\.0\.1" alone/);
  const elsewhere = judge("nameserver 127.0.0.1\n", { ...LISTEN, port: 5_353 });
  assert.equal(elsewhere.verdict, "warn");
  assert.match(elsewhere.advice!, /listen on port 53/);
});

test("judgeLookups() tells if this machine may look targets up", () => {
  const args = parseArguments(findCommand("local")!, ["-c", "f"]);
  const judge = (routes: object, looked?: number): Finding => {
    const file = JSON.stringify({ ...FILE, ...routes });
    const { result } = configureLocal(args, sourcesOf(() => file));
    return judgeLookups(result.map(({ routes }) => routes), looked);
  };
  const byAddress = [{ ip_cidr: "10.0.0.0/8", to: "direct" }];
  const open = { routes: byAddress, resolve: "local" };
  assert.equal(judge(open).verdict, "warn");
  assert.match(judge(open).advice!, /"leak_guard": true/);
  assert.equal(judge({ ...open, leak_guard: true }).verdict, "ok");
  assert.equal(judge({ ...open, resolve: "remote" }).verdict, "ok");
  assert.match(
    judge({}).detail,
    /^this machine looks up targets of direct routes alone$/,
  );
  assert.match(
    judge({ routes: undefined }, 0).detail,
    /^this machine looks up no target; the program that runs did so 0 times$/,
  );
  const seen = judge({}, 7);
  assert.equal(seen.verdict, "warn");
  assert.match(seen.detail, /did so 7 times/);
});
