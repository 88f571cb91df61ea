import assert from "node:assert/strict";
import { test } from "node:test";
import { findCommand } from "../../../src/cli/commands/commands.ts";
import { configureRedir } from "../../../src/cli/config/config.ts";
import { parseArguments } from "../../../src/cli/options/args.ts";
import { rulesOf } from "../../../src/cli/redir/redir_command.ts";
import {
  type RedirRules,
  redirRules,
  redirRulesRemoval,
} from "../../../src/cli/redir/rules.ts";
import { ConfigError } from "../../../src/errors.ts";
import { sourcesOf } from "../../support/sources.ts";

const RULES: RedirRules = {
  tcp: { way: "tproxy", port: 1234 },
  udp: 1234,
  dns: undefined,
  lan: ["eth1"],
  own: true,
  user: "umbra",
  mark: undefined,
  servers: ["192.0.2.1", "2001:db8::1"],
};

/** What a command line asks for. */
async function read(...argv: string[]): Promise<RedirRules> {
  const args = parseArguments(findCommand("redir")!, [
    ...["-s", "a.example:8388", "-k", "x", "-m", "aes-256-gcm"],
    ...argv,
  ]);
  const sources = sourcesOf(() => "");
  return await rulesOf(
    args,
    configureRedir(args, sources),
    (host) => Promise.resolve(host === "a.example" ? ["192.0.2.7"] : []),
  );
}

test("redirRules() leaves out what must not come back", () => {
  const text = redirRules(RULES);
  assert.match(text, /keep4 \{[^}]*240\.0\.0\.0\/4, 192\.0\.2\.1 \}/);
  assert.match(text, /keep6 \{[^}]*ff00::\/8, 2001:db8::1 \}/);
  const out = text.slice(text.indexOf("chain tproxy_out"));
  const [user, reply, mark] = ["skuid umbra return", "reply return", "mark set"]
    .map((words) => out.indexOf(words));
  assert.ok(0 < user! && user! < reply! && reply! < mark!, out);
});

test("redirRules() marks with another number than Umbra's own packets", () => {
  const text = redirRules({ ...RULES, mark: 1 });
  assert.match(text, /meta mark 1 return/);
  assert.match(text, /meta mark set 2 accept/);
  assert.match(text, /ip rule add fwmark 2 lookup 100/);
});

test("redirRules() sends DNS elsewhere, before anything else is asked", () => {
  const text = redirRules({ ...RULES, dns: 5_353 });
  const chains = text.split("  chain ").slice(1);
  assert.deepEqual(chains.map((chain) => chain.split(" ")[0]), [
    ...["tproxy_in", "tproxy_out", "dns_in", "dns_out"],
  ]);
  for (const chain of chains.slice(0, 2)) {
    const [dns, kept] = ["th dport 53 return", "@keep4"]
      .map((words) => chain.indexOf(words));
    assert.ok(0 < dns! && dns! < kept!, chain);
  }
  for (const chain of chains.slice(2)) {
    assert.match(chain, /th dport 53 redirect to :5353\n/);
    assert.doesNotMatch(chain, /keep4/);
  }
  assert.match(chains[3]!, /skuid umbra return/);
});

test("redirRules() needs no routes for TCP by redirect alone", () => {
  const tcp = { way: "redirect", port: 1234 } as const;
  const rules = { ...RULES, tcp, udp: undefined };
  assert.doesNotMatch(redirRules(rules), /tproxy|ip rule/);
  assert.equal(redirRulesRemoval(rules), "nft delete table inet umbra_redir\n");
});

test("rulesOf() reads the command line, and looks servers up", async () => {
  const { servers, tcp, udp, lan } = await read(
    ...["-T", "-u", "-l", "1234", "--lan", "eth1"],
  );
  assert.deepEqual({ servers, tcp, udp, lan }, {
    servers: ["192.0.2.7"],
    tcp: { way: "tproxy", port: 1234 },
    udp: 1234,
    lan: ["eth1"],
  });
});

test("rulesOf() knows where each network goes", async () => {
  const file = {
    ...{ server: "192.0.2.7", server_port: 8388, method: "aes-256-gcm" },
    password: "x",
    locals: [
      { local_port: 1, protocol: "redir", mode: "udp_only" },
      { local_port: 2, protocol: "redir", mode: "tcp_only" },
    ],
  };
  const args = parseArguments(findCommand("redir")!, [
    ...["-c", "f", "--lan", "eth1"],
  ]);
  const sources = sourcesOf(() => JSON.stringify(file));
  const { tcp, udp } = await rulesOf(
    args,
    configureRedir(args, sources),
    (host) => Promise.resolve([host]),
  );
  assert.deepEqual({ tcp, udp }, {
    tcp: { way: "redirect", port: 2 },
    udp: 1,
  });
  const text = redirRules({ ...RULES, tcp, udp });
  assert.match(text, /meta l4proto tcp redirect to :2\n/);
  assert.match(text, /meta l4proto udp tproxy ip6 to :1 /);
});

test("rulesOf() refuses rules that would do nothing, or go in circles", async () => {
  const cases: [string[], RegExp][] = [
    [[], /Missing traffic to redirect/],
    [["--own"], /would redirect Umbra's own traffic/],
    [["--lan", "eth1", "-l", "0"], /need a port/],
    [["--lan", "eth1", "--with-dns"], /give --dns-listen/],
    [
      ["--lan", "eth1", "--transport", "runtime"],
      /cannot give the original target/,
    ],
  ];
  for (const [argv, message] of cases) {
    await assert.rejects(
      () => read(...argv),
      (error) => error instanceof ConfigError && message.test(error.message),
    );
  }
  await read("--own", "--outbound-fwmark", "7");
});
