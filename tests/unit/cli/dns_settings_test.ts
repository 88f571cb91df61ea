// Keys of configuration files are what they are.
// deno-lint-ignore-file camelcase
import assert from "node:assert/strict";
import { test } from "node:test";
import { parseArguments } from "../../../src/cli/options/args.ts";
import { findCommand } from "../../../src/cli/commands/commands.ts";
import {
  checkDnsRoutes,
  type DnsSettings,
  dnsSettings,
} from "../../../src/cli/config/dns_settings.ts";
import type { Sources } from "../../../src/cli/config/secrets.ts";
import {
  type ConfiguredLocal,
  configureLocal,
} from "../../../src/cli/config/config.ts";
import { formatResolver } from "../../../src/service/dns/dns_resolver.ts";
import { formatIp } from "../../../src/codec/ip_address.ts";
import { ConfigError } from "../../../src/errors.ts";

const RESOLV = "# comment\nsearch test\nnameserver 127.0.0.1\n" +
  "nameserver fe80::1%eth0\nnameserver 192.0.2.53\n";

/** Files by name; no others can be read. */
function sources(files: Readonly<Record<string, string>>): Sources {
  return {
    readText: (name) => {
      const text = files[name];
      if (text !== undefined) return text;
      throw new ConfigError("ERR_CONFIG_FILE", `no ${name}`);
    },
    variable: () => undefined,
    isPublic: () => false,
  };
}

function dns(
  argv: string[],
  files: Readonly<Record<string, string>> = {},
): DnsSettings | undefined {
  const args = parseArguments(findCommand("local")!, argv);
  return dnsSettings(args, sources(files));
}

const LISTEN = ["--dns-listen", "127.0.0.1:53"];

test("dnsSettings() reads where to listen and whom to ask", () => {
  assert.equal(dns([]), undefined);
  const { directNow, ...usual } = dns(["--dns-listen", "127.0.0.1:5353"])!;
  assert.equal(directNow!(), undefined);
  assert.deepEqual(usual, {
    listen: { host: "127.0.0.1", port: 5_353 },
    resolver: { host: "1.1.1.1", port: 53 },
    direct: undefined,
    fake: undefined,
    hosts: [],
  });
  const { listen, resolver, direct } = dns([
    ...["--dns-listen", "[::1]:53", "--dns-upstream", "[2001:db8::1]:54"],
    ...["--dns-direct", "192.0.2.1"],
  ])!;
  assert.deepEqual([listen, resolver, direct], [
    { host: "::1", port: 53 },
    { host: "2001:db8::1", port: 54 },
    { host: "192.0.2.1", port: 53 },
  ]);
});

test("dnsSettings() reads resolvers that speak TLS and HTTPS", () => {
  for (
    const [text, expected] of [
      ["tls://1.1.1.1", "tls://1.1.1.1:853"],
      ["TLS://[2001:db8::1]:54", "tls://[2001:db8::1]:54"],
      ["tls://dns.example/", "tls://dns.example:853"],
      ["https://dns.example", "https://dns.example:443/dns-query"],
      ["https://1.1.1.1:8443/q?a=b", "https://1.1.1.1:8443/q?a=b"],
    ]
  ) {
    const { resolver } = dns([...LISTEN, "--dns-upstream", text!])!;
    assert.equal(formatResolver(resolver), expected);
  }
  const { direct } = dns([...LISTEN, "--dns-direct", "tls://1.1.1.1"])!;
  assert.equal(formatResolver(direct!), "tls://1.1.1.1:853");
  for (
    const words of [
      ["--dns-upstream", "tls://1.1.1.1/path"],
      ["--dns-upstream", "tls://1.1.1.1:0"],
      ["--dns-upstream", "quic://1.1.1.1"],
      ["--dns-upstream", "https:///dns-query"],
      ["--dns-upstream", "https://a b/dns-query"],
      // The resolver of the name may be this program.
      ["--dns-direct", "tls://dns.example"],
    ]
  ) assert.throws(() => dns([...LISTEN, ...words]), ConfigError, words.join());
});

test("dnsSettings() reads the same of a file, and the command line wins", () => {
  const file = JSON.stringify({
    dns_listen: "127.0.0.1:5353",
    dns_upstream: "9.9.9.9",
    dns_direct: "192.0.2.1:54",
    fake_ip: true,
    fake_dns_ipv4_network: "10.64.0.0/16",
    fake_ip_filter: ["time.test"],
    fake_ip_file: "/tmp/names",
    rule_sets: { ads: { url: "https://lists.test/ads.srs" } },
  });
  const read = dns(["-c", "c.json", "--dns-upstream", "8.8.8.8"], {
    "c.json": file,
  })!;
  assert.deepEqual(read.listen, { host: "127.0.0.1", port: 5_353 });
  assert.deepEqual(read.resolver, { host: "8.8.8.8", port: 53 });
  assert.deepEqual(read.direct, { host: "192.0.2.1", port: 54 });
  assert.deepEqual(read.hosts, ["lists.test"]);
  const { ranges, file: kept, isTrue } = read.fake!;
  assert.equal(kept, "/tmp/names");
  assert.deepEqual(
    [ranges.ipv4, ranges.ipv6].map(({ prefix, bits }) =>
      `${formatIp(prefix)}/${bits}`
    ),
    ["10.64.0.0/16", "fdfe:dcba:9876::/64"],
  );
  for (
    const name of [
      ...["time.test", "a.time.test", "localhost", "printer", "x.local"],
    ]
  ) assert.ok(isTrue(name), name);
  for (const name of ["a.test", "xtime.test", "local.test"]) {
    assert.ok(!isTrue(name), name);
  }
});

test("dnsSettings() asks the first resolver of this machine that is another one", () => {
  const files = { "/etc/resolv.conf": RESOLV };
  assert.deepEqual(dns(LISTEN, files)!.direct, {
    host: "192.0.2.53",
    port: 53,
  });
  for (const listen of ["127.0.0.1:54", "127.0.0.2:53"]) {
    const { direct } = dns(["--dns-listen", listen], files)!;
    assert.deepEqual(direct, { host: "127.0.0.1", port: 53 }, listen);
  }
  const wildcard = dns(["--dns-listen", "0.0.0.0:53"], files)!;
  assert.deepEqual(wildcard.direct, { host: "192.0.2.53", port: 53 });
});

test("dnsSettings() follows the resolvers of this machine, unless one is configured", () => {
  const files = { "/etc/resolv.conf": RESOLV };
  const { directNow } = dns(LISTEN, files)!;
  files["/etc/resolv.conf"] = "nameserver 198.51.100.53\n";
  assert.deepEqual(directNow!(), { host: "198.51.100.53", port: 53 });
  const configured = dns([...LISTEN, "--dns-direct", "192.0.2.1"], files)!;
  assert.equal(configured.directNow, undefined);
});

test("dnsSettings() refuses what cannot be meant", () => {
  for (
    const [argv, message] of [
      [["--dns-listen", "127.0.0.1"], /--dns-listen/],
      [["--dns-upstream", "9.9.9.9"], /--dns-upstream has no effect alone/],
      [["--fake-ip"], /--fake-ip has no effect alone/],
      [["--dns-listen", "[::1]:53", "--dns-upstream", "a.test"], /upstream/],
      [["--dns-listen", "[::1]:53", "--dns-upstream", "9.9.9.9:0"], /upstream/],
      [
        [...LISTEN, "--dns-direct", "127.0.0.1:53"],
        /^--dns-direct 127.0.0.1:53: expected another address than --dns-listen, which would ask itself$/,
      ],
    ] as const
  ) {
    assert.throws(
      () => dns([...argv]),
      (error) => error instanceof ConfigError && message.test(error.message),
      argv.join(" "),
    );
  }
  for (
    const [key, value] of [
      ["fake_ip_range", "198.18.0.0/31"],
      ["fake_ip_range", "fd00::/64"],
      ["fake_ip6_range", "fd00::/121"],
      ["fake_ip_filter", "a b"],
    ]
  ) {
    const file = JSON.stringify({ fake_ip: true, [key!]: value });
    assert.throws(
      () => dns([...LISTEN, "-c", "c.json"], { "c.json": file }),
      (error) => error instanceof ConfigError && error.message.includes(key!),
      `${key} ${value}`,
    );
  }
});

test("checkDnsRoutes() refuses direct routes without a direct resolver", () => {
  const locals = [{ routes: {} }] as unknown as ConfiguredLocal[];
  const unanswerable = dns(LISTEN);
  assert.throws(
    () => checkDnsRoutes(unanswerable, locals),
    (error) =>
      error instanceof ConfigError && /--dns-direct/.test(error.message),
  );
  checkDnsRoutes(unanswerable, []);
  checkDnsRoutes(undefined, locals);
  checkDnsRoutes(dns([...LISTEN, "--dns-direct", "192.0.2.1"]), locals);
});

test("configureLocal() finds what is wrong with the DNS of a file", () => {
  const common = {
    server: "192.0.2.1",
    server_port: 8388,
    method: "aes-256-gcm",
    password: "p",
  };
  const args = parseArguments(findCommand("local")!, ["-c", "c.json"]);
  for (
    const [keys, message] of [
      [{ dns_listen: "127.0.0.1" }, /dns_listen/],
      [
        { dns_listen: "127.0.0.1:5353", routes: [{ to: "direct" }] },
        /--dns-direct/,
      ],
      [{ leak_guard: 1 }, /leak_guard/],
    ] as const
  ) {
    const file = JSON.stringify({
      ...common,
      ...keys,
    });
    assert.throws(
      () => configureLocal(args, sources({ "c.json": file })),
      message,
    );
  }
});
