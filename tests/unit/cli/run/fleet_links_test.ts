import assert from "node:assert/strict";
import { test } from "node:test";
import { linksOf, nodeService } from "../../../../src/cli/run/fleet_links.ts";
import { parseServerUri } from "../../../../src/codec/uri.ts";
import type { FleetNode, NodeService } from "../../../../src/fleet.ts";
import { NODE_LOST_MS } from "../../../../src/limits.ts";
import { nodeBeat } from "../../../conformance/fleet_suite.ts";
import { findCommand } from "../../../../src/cli/commands/commands.ts";
import { configureServer } from "../../../../src/cli/config/config.ts";
import { parseArguments } from "../../../../src/cli/options/args.ts";
import { sourcesOf } from "../../../support/sources.ts";

const METHOD = "2022-blake3-aes-128-gcm";
const SERVER_KEY = "AAECAwQFBgcICQoLDA0ODw==";
const USER_KEY = "EBESExQVFhcYGRobHB0eHw==";
const NOW = 1_800_000_000_000;

const ALICE = {
  service: "8388",
  name: "alice",
  password: USER_KEY,
  method: METHOD,
};

function service(rest: Partial<NodeService> = {}): NodeService {
  return {
    service: "8388",
    host: "one.example",
    method: METHOD,
    mode: "tcp_and_udp",
    serverKey: SERVER_KEY,
    ...rest,
  };
}

function node(name: string, rest: Partial<FleetNode> = {}): FleetNode {
  return {
    ...nodeBeat({ services: [service({ host: `${name}.example` })] }),
    node: name,
    heardUnixMs: NOW,
    isDraining: false,
    isSealed: false,
    keyIds: [],
    ...rest,
  };
}

function hosts(nodes: readonly FleetNode[]): string[] {
  return linksOf({ nodes, unixMs: NOW }, ALICE)
    .map((link) => parseServerUri(link).host);
}

test("a link has the keys of the server and of the user", () => {
  const plugin = "obfs-local;obfs=http";
  const services = [service({ plugin })];
  const [link] = linksOf(
    { nodes: [node("one", { services })], unixMs: NOW },
    ALICE,
  );
  const { host, port, method, password, tag, ...rest } = parseServerUri(link!);
  assert.deepEqual(
    [host, port, method, password, tag],
    ["one.example", 8388, METHOD, `${SERVER_KEY}:${USER_KEY}`, "alice one"],
  );
  assert.equal(rest.plugin, plugin);
});

test("nodes that are lost, drain, start or end have no links", () => {
  const nodes = [
    node("lost", { heardUnixMs: NOW - NODE_LOST_MS - 1 }),
    node("late", { heardUnixMs: NOW - NODE_LOST_MS }),
    node("drains", { isDraining: true }),
    node("ends", { isReady: false }),
    node("up"),
  ];
  assert.deepEqual(hosts(nodes).toSorted(), ["late.example", "up.example"]);
});

test("who has the fewest connections comes first", () => {
  const nodes = [
    node("full", { connections: 90 }),
    node("idle", { connections: 0 }),
    node("busy", { connections: 9 }),
  ];
  assert.deepEqual(hosts(nodes), [
    ...["idle.example", "busy.example", "full.example"],
  ]);
});

test("nodes behind one address have one link, as long as one of them is up", () => {
  const services = [service({ host: "all.example" })];
  const nodes = [
    node("one", { services, isDraining: true }),
    node("two", { services }),
    node("three", { services }),
  ];
  assert.deepEqual(hosts(nodes), ["all.example"]);
});

test("a node has no link for users of another port or another method", () => {
  const nodes = [
    node("port", { services: [service({ service: "8389" })] }),
    node("method", { services: [service({ method: "aes-256-gcm" })] }),
    node("both", { services: [] }),
  ];
  assert.deepEqual(hosts(nodes), []);
});

test("what others hear of a server is what a link needs, and no more", () => {
  const configured = (settings: object) => {
    const args = parseArguments(findCommand("server")!, ["-c", "umbra.json"]);
    const file = JSON.stringify({ ["server_port"]: 8388, ...settings });
    return configureServer(args, sourcesOf(() => file)).result[0]!;
  };
  const of2022 = configured({ method: METHOD, password: SERVER_KEY });
  assert.deepEqual(nodeService(of2022, "8388", "one.example"), {
    ...service({ mode: "tcp_only" }),
  });
  // With a 2017 method, the password of a server belongs to the operator.
  const of2017 = configured({ method: "aes-256-gcm", password: "secret" });
  const heard = nodeService(of2017, "8388", "one.example");
  assert(heard !== undefined && !("serverKey" in heard));
});
