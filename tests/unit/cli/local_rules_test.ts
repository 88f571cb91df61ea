// Keys of configuration files are what they are.
// deno-lint-ignore-file camelcase
import assert from "node:assert/strict";
import { test } from "node:test";
import { findCommand } from "../../../src/cli/commands/commands.ts";
import {
  type ConfiguredLocal,
  type ConfiguredRole,
  type ConfiguredServer,
  configureLocal,
  configureRedir,
  configureServer,
} from "../../../src/cli/config/config.ts";
import { dnsSettings } from "../../../src/cli/config/dns_settings.ts";
import { parseArguments } from "../../../src/cli/options/args.ts";
import { explainTargets } from "../../../src/cli/routes/route_command.ts";
import { ConfigError } from "../../../src/errors.ts";
import { formatResolver } from "../../../src/service/dns/dns_resolver.ts";
import { sourcesOf } from "../../support/sources.ts";
import type { Sources } from "../../../src/cli/config/secrets.ts";

const SERVER = {
  server: "192.0.2.1",
  server_port: 8388,
  password: "pw",
  method: "chacha20-ietf-poly1305",
};

const ACLS: Readonly<Record<string, string>> = {
  "/etc/a.acl": "[proxy_all]\n[bypass_list]\n|own.test\n",
  "/etc/b.acl": "[bypass_all]\n[proxy_list]\n|all.test\n",
  "/etc/no.acl": "[outbound_block_list]\n|own.test\n",
};

/** The file, the ACLs, and no resolver. */
function sources(file: unknown, resolv = ""): Sources {
  return sourcesOf((path) => {
    if (path === "/etc/resolv.conf") return resolv;
    return ACLS[path] ?? JSON.stringify(file);
  });
}

function local(
  file: unknown,
  argv: string[] = [],
  resolv = "nameserver 192.0.2.53\n",
): ConfiguredRole<ConfiguredLocal[]> {
  const args = parseArguments(findCommand("local")!, [
    ...["-c", "/etc/c.json"],
    ...argv,
  ]);
  return configureLocal(args, sources(file, resolv));
}

function server(
  file: unknown,
  argv: string[] = [],
): ConfiguredRole<ConfiguredServer[]> {
  const args = parseArguments(findCommand("server")!, [
    ...["-c", "/etc/c.json"],
    ...argv,
  ]);
  return configureServer(args, sources(file));
}

function refuses(run: () => unknown, message: RegExp): void {
  assert.throws(
    run,
    (error) => error instanceof ConfigError && message.test(error.message),
  );
}

/** Where names lead at each local. */
function ways({ result }: ConfiguredRole<ConfiguredLocal[]>): string[] {
  return result.map(({ routes }) =>
    ["own.test", "all.test", "other.test"].map((name) =>
      routes?.table.decide({ name, port: 443, network: "tcp" })?.to ?? "none"
    ).join(" ")
  );
}

const DIRECT = { domain: "own.test", to: "direct" };

test("a local has the rules of its entry, or those of all", () => {
  const file = {
    ...SERVER,
    acl: "b.acl",
    locals: [
      { local_port: 1 },
      { local_port: 2, acl: "a.acl" },
      { local_port: 3, routes: [DIRECT, { domain: "all.test", to: "block" }] },
      { local_port: 4, routes: [] },
    ],
  };
  assert.deepEqual(ways(local(file)), [
    "direct proxy direct",
    "direct proxy proxy",
    "direct block proxy",
    "proxy proxy proxy",
  ]);
  // An option beats every part of the file.
  assert.deepEqual(
    ways(local(file, ["--acl", "/etc/a.acl"])),
    Array(4).fill("direct proxy proxy"),
  );
  const alone = { ...SERVER, locals: [{ local_port: 1 }, file.locals[1]] };
  assert.deepEqual(ways(local(alone)), [
    "none none none",
    "direct proxy proxy",
  ]);
});

test("an error in the rules of a local is reported with its place", () => {
  const own = (rules: object) => () =>
    local({
      ...SERVER,
      locals: [{ local_port: 1 }, { local_port: 2, ...rules }],
    });
  refuses(
    own({ routes: [{ domain: "a.test", to: "nera" }] }),
    /c\.json: locals\[1\]\.routes\[0\]\.to: no server or group is called "nera"/,
  );
  refuses(
    own({ routes: [DIRECT], acl: "a.acl" }),
    /c\.json: locals\[1\]\.routes: an ACL and routes exclude each other/,
  );
  refuses(own({ routes: {} }), /locals\[1\]\.routes is .*expected a list/);
});

test("umbra route tells the rules of each local", async () => {
  const file = {
    ...SERVER,
    routes: [{ domain: "all.test", to: "block" }],
    locals: [{ local_port: 1 }, { local_port: 2, routes: [DIRECT] }],
  };
  const args = parseArguments(findCommand("route")!, [
    ...["-c", "/etc/c.json", "own.test"],
  ]);
  assert.deepEqual((await explainTargets(args, sources(file))).split("\n"), [
    "own.test → proxy: no route holds",
    'own.test at 127.0.0.1:2 → direct: locals[1].routes[0] domain "own.test"',
    "",
  ]);
});

test("a server has the ACL of its entry, or that of all", () => {
  const { server: host, ...rest } = SERVER;
  const file = {
    acl: "a.acl",
    servers: [
      { ...rest, server: "0.0.0.0" },
      { ...rest, server: "0.0.0.0", server_port: 8389, acl: "no.acl" },
    ],
  };
  const blocks = ({ result }: ConfiguredRole<ConfiguredServer[]>) =>
    result.map(({ routes }) =>
      routes?.targets.decide({
        name: "own.test",
        addresses: [],
        port: 1,
        network: "tcp",
      })?.to
    );
  assert.deepEqual(blocks(server(file)), ["direct", "block"]);
  assert.deepEqual(
    blocks(server(file, ["--acl", "/etc/no.acl"])),
    ["block", "block"],
  );
  const servers = [{ ...SERVER, acl: "no.acl" }];
  assert.match(
    local({ servers, local_port: 1 }).warnings.join("\n"),
    /^ignored: .*servers\[0\]: acl: it is for ss-server$/m,
  );
  assert.equal(host, "192.0.2.1");
});

test("a local of shadowsocks-rust that answers DNS is read as it is", () => {
  const file = {
    ...SERVER,
    locals: [
      { local_port: 1080, protocol: "socks" },
      {
        local_address: "127.0.0.1",
        local_port: 5353,
        protocol: "dns",
        mode: "tcp_and_udp",
        acl: "a.acl",
        local_dns_address: "192.0.2.7",
        local_dns_port: 54,
        remote_dns_address: "198.51.100.8",
        client_cache_size: 5,
      },
    ],
  };
  const { result, warnings } = local(file);
  assert.deepEqual(warnings, []);
  const [socks, dns] = result;
  assert.deepEqual([socks!.protocol, socks!.dns], ["socks", undefined]);
  assert.deepEqual(dns!.listen, { host: "127.0.0.1", port: 5_353 });
  assert.deepEqual([dns!.dns!.listen, dns!.protocol], [dns!.listen, undefined]);
  assert.equal(formatResolver(dns!.dns!.direct!), "192.0.2.7:54");
  assert.equal(formatResolver(dns!.dns!.resolver), "198.51.100.8:53");
  assert.deepEqual(ways({ ...local(file), result: [dns!] }), [
    "direct proxy proxy",
  ]);
  // One address on the command line is that of a proxy.
  assert.deepEqual(
    local(file, ["-l", "1"]).result.map(({ dns, listen }) => [
      dns,
      listen.port,
    ]),
    [[undefined, 1]],
  );
});

test("a local that answers DNS has the resolvers of all by default", () => {
  const locals = [{ local_port: 53, protocol: "dns" }];
  const [dns] = local({ ...SERVER, locals, dns_upstream: "tls://1.1.1.1" })
    .result;
  assert.equal(formatResolver(dns!.dns!.resolver), "tls://1.1.1.1:853");
  assert.equal(formatResolver(dns!.dns!.direct!), "192.0.2.53:53");
  assert.equal(dns!.dns!.fake, undefined);
  // Beside it there is no other, and what is said of one is said of it.
  const args = parseArguments(findCommand("local")!, [
    ...["-c", "/etc/c.json", "--fake-ip"],
  ]);
  const all = sources({ ...SERVER, locals });
  const { result } = configureLocal(args, all);
  assert.ok(result[0]!.dns!.fake);
  assert.equal(dnsSettings(args, all, result), undefined);
});

test("what makes no sense of a local that answers DNS is refused", () => {
  const one = (entry: object, more: object = {}, resolv = "") => () =>
    local(
      { ...SERVER, ...more, locals: [{ local_port: 53, ...entry }] },
      [],
      resolv,
    );
  const protocol = "dns";
  refuses(
    one({ protocol, local_dns_address: "/run/dns.sock" }),
    /locals\[0\]\.local_dns_address is "\/run\/dns\.sock", expected an IP address/,
  );
  refuses(
    one({ protocol, local_dns_address: "127.0.0.1" }),
    /local_dns_address 127\.0\.0\.1:53: expected another address than that of the local/,
  );
  refuses(
    one({ remote_dns_address: "192.0.2.1" }),
    /locals\[0\]\.remote_dns_address is for a local with "protocol": "dns"/,
  );
  refuses(
    one({ protocol }, { routes: [DIRECT] }),
    /A local with "protocol": "dns" with routes: .*give --dns-direct/,
  );
  refuses(one({ protocol: "fake-dns" }), /protocol .*expected/);
});

test("umbra redir answers DNS as well", () => {
  const file = {
    ...SERVER,
    locals: [{ local_port: 1 }, { local_port: 53, protocol: "dns" }],
  };
  const args = parseArguments(findCommand("redir")!, ["-c", "/etc/c.json"]);
  const { result } = configureRedir(args, sources(file));
  assert.deepEqual(
    result.map(({ redirected, dns, sniff }) => [
      redirected,
      dns !== undefined,
      sniff !== undefined,
    ]),
    [["redirect", false, true], [undefined, true, false]],
  );
});
