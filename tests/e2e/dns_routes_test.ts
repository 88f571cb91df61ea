// Keys of configuration files are what they are.
// deno-lint-ignore-file camelcase
/**
 * DNS by routes: `dig` to a running local, two dnsmasq that answer differently,
 * and connections to what they are told.
 *
 * @module
 */
import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import {
  dig,
  DNS_SKIP,
  KNOWN_ADDRESS,
  KNOWN_NAME,
  startDnsServer,
} from "../support/dns_server.ts";
import { makeCertificate } from "../support/certificate.ts";
import { startDoh, startDot } from "../support/secure_dns.ts";
import { freePort, Program, runToEnd } from "../support/process.ts";
import { programCommand } from "../support/program_command.ts";
import { ROOT } from "../support/runtimes.ts";
import { type Address, socksConnect, SocksRefusal } from "../support/tcp.ts";
import { METHOD, PASSWORD, startServer } from "./chain.ts";

const folder = mkdtempSync(join(tmpdir(), "umbra-dns-"));
after(() => rmSync(folder, { recursive: true, force: true }));

/** Answers on every address of this machine, and says so. */
const target = createServer((socket) => {
  socket.on("error", () => {});
  socket.end("here");
});
target.listen(0, "0.0.0.0");
await once(target, "listening");
after(() => target.close());
const { port } = target.address() as AddressInfo;

/** What the resolver of this machine's own network says. */
const NEAR_ADDRESS = "192.0.2.99";

interface Scene extends AsyncDisposable {
  readonly server: Program;
  readonly local: Program;
  readonly socks: Address;
  readonly dns: Address;
  ask(...question: string[]): Promise<string>;
}

/** Where the parts of a scene are. */
type Places = Readonly<Record<"socks" | "dns" | "far" | "near", Address>>;

async function start(
  runtime: "deno" | "bun",
  given:
    | Readonly<Record<string, unknown>>
    | ((places: Places) => Readonly<Record<string, unknown>>),
  variables: Readonly<Record<string, string>> = {},
): Promise<Scene> {
  await using owned = new AsyncDisposableStack();
  const [far, near] = [
    { host: "127.0.0.1", port: await freePort() },
    { host: "127.0.0.1", port: await freePort() },
  ];
  owned.use(await startDnsServer(far));
  owned.use(
    await startDnsServer(near, [
      `--host-record=${KNOWN_NAME},${NEAR_ADDRESS},60`,
      "--host-record=near.test,127.5.0.1,60",
    ]),
  );
  const server = owned.use(
    await startServer(runtime, {
      flags: ["-u", "--log-connections", "--log-privacy", "full"],
    }),
  );
  const socks = { host: "127.0.0.1", port: await freePort() };
  const dns = { host: "127.0.0.1", port: await freePort() };
  const config = typeof given === "function"
    ? given({ socks, dns, far, near })
    : given;
  const path = join(folder, `${socks.port}.json`);
  writeFileSync(
    path,
    JSON.stringify({
      server: "127.0.0.1",
      server_port: server.address.port,
      method: METHOD,
      password: PASSWORD,
      local_port: socks.port,
      dns_listen: `127.0.0.1:${dns.port}`,
      dns_upstream: `127.0.0.1:${far.port}`,
      dns_direct: `127.0.0.1:${near.port}`,
      log_connections: true,
      ...config,
    }),
  );
  const local = owned.use(
    await Program.start(
      [...programCommand(runtime, variables), "local", "-c", path],
      { ready: /DNS listening on/, cwd: ROOT },
    ),
  );
  const all = owned.move();
  return {
    server: server.program,
    local,
    socks,
    dns,
    ask: async (...question) => (await dig(dns, ...question)).trim(),
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  };
}

/** What is read of a target through a local, or why it is refused. */
async function outcome(socks: Address, host: string): Promise<string> {
  try {
    using stream = await socksConnect(socks, { host, port });
    await stream.write(Uint8Array.of(1));
    return new TextDecoder().decode(await stream.readAll());
  } catch (error) {
    if (error instanceof SocksRefusal) return `REP ${error.rep}`;
    throw error;
  }
}

for (const runtime of ["deno", "bun"] as const) {
  test(
    `a local on ${runtime} that shadowsocks-rust calls "dns" answers by its own rules`,
    { skip: DNS_SKIP },
    async () => {
      const scene = await start(runtime, ({ socks, dns, far, near }) => ({
        local_port: undefined,
        dns_listen: undefined,
        dns_upstream: undefined,
        dns_direct: undefined,
        locals: [
          { local_port: socks.port },
          {
            protocol: "dns",
            local_address: dns.host,
            local_port: dns.port,
            local_dns_address: near.host,
            local_dns_port: near.port,
            remote_dns_address: far.host,
            remote_dns_port: far.port,
            client_cache_size: 5,
            routes: [{ domain: "near.test", to: "direct" }],
          },
        ],
      }));
      await using _ = scene;
      const { ask, socks, local } = scene;
      assert.equal(await ask(KNOWN_NAME), KNOWN_ADDRESS, local.describe());
      assert.equal(await ask("near.test"), "127.5.0.1");
      assert.equal(await outcome(socks, "127.0.0.1"), "here");
    },
  );

  test(
    `DNS on ${runtime} asks the resolver of each name's route, and remembers names`,
    { skip: DNS_SKIP },
    async () => {
      const scene = await start(runtime, {
        routes: [
          { domain: "near.test", to: "direct" },
          { domain_suffix: "ads.test", to: "block" },
          { ip_cidr: "198.51.100.0/24", to: "direct" },
        ],
      });
      await using _ = scene;
      const { ask, socks, local } = scene;
      assert.equal(await ask(KNOWN_NAME), KNOWN_ADDRESS, local.describe());
      assert.equal(await ask("near.test"), "127.5.0.1");
      assert.equal(await ask("near.test", "+tcp"), "127.5.0.1");
      const { host, port: at } = scene.dns;
      const blocked = await runToEnd(
        ["dig", `@${host}`, "-p", `${at}`, "x.ads.test"],
        10_000,
      );
      assert.match(blocked.output, /status: NXDOMAIN/);
      // The rule is on a name; the application has an address.
      assert.equal(await outcome(socks, "127.5.0.1"), "here");
      await local.waitForOutput(
        /route=.*routes\[0\] domain .*near\.test/,
        10_000,
      );
    },
  );

  test(
    `DNS on ${runtime} makes addresses up, which are names again, also after a restart`,
    { skip: DNS_SKIP },
    async () => {
      const fake_ip_file = join(folder, `${runtime}.names`);
      const config = {
        fake_ip: true,
        fake_ip_file,
        routes: [{ domain: "near.test", to: "direct" }],
      };
      {
        const scene = await start(runtime, config);
        await using _ = scene;
        const { ask, socks } = scene;
        assert.equal(await ask("near.test"), "127.5.0.1");
        assert.equal(await ask("localhost"), "");
        assert.equal(await ask("first.test"), "198.18.0.1");
        assert.equal(await ask("first.test", "AAAA"), "fdfe:dcba:9876::1");
        assert.equal(await ask("first.test", "HTTPS"), "");
        assert.equal(await ask("other.test"), "198.18.0.2");
        assert.equal(await outcome(socks, "198.18.0.9"), "REP 4");
        await scene.local.stop();
      }
      const scene = await start(runtime, config);
      await using _ = scene;
      assert.equal(await scene.ask("third.test"), "198.18.0.3");
      assert.equal(await scene.ask("other.test"), "198.18.0.2");
    },
  );

  test(
    `a made-up address on ${runtime} reaches the server as its name`,
    { skip: DNS_SKIP },
    async () => {
      const scene = await start(runtime, {
        fake_ip: true,
        fake_ip_filter: ["true.test"],
        fake_ip_file: join(folder, `${runtime}-2.names`),
      });
      await using _ = scene;
      const fake = await scene.ask("meant.test");
      assert.equal(fake, "198.18.0.1", scene.local.describe());
      assert.equal(await outcome(scene.socks, fake), "");
      const seen = new RegExp(`target=meant\\.test:${port}`);
      await scene.server.waitForOutput(seen, 10_000);
      await scene.local.waitForOutput(seen, 10_000);
      assert.doesNotMatch(scene.server.output, /198\.18/);
    },
  );
}

const certificate = makeCertificate(folder);
const TRUST = {
  DENO_CERT: certificate.authority,
  NODE_EXTRA_CA_CERTS: certificate.authority,
};

for (const runtime of ["deno", "bun"] as const) {
  test(
    `DNS on ${runtime} asks over TLS through the server, and over HTTPS directly`,
    { skip: DNS_SKIP },
    async () => {
      await using dot = await startDot(certificate);
      await using doh = await startDoh(certificate);
      const routes = [{ domain: "near.test", to: "direct" }];
      const resolvers = {
        dns_upstream: `tls://127.0.0.1:${dot.port}`,
        dns_direct: `https://127.0.0.1:${doh.port}/dns-query`,
      };
      {
        await using scene = await start(runtime, {
          ...{ ...resolvers, routes },
        }, TRUST);
        const { ask, local } = scene;
        assert.equal(await ask("far.test"), "192.0.2.53", local.describe());
        assert.equal(await ask("far.test", "AAAA"), "");
        assert.equal(await ask("near.test"), "192.0.2.53");
        assert.equal(await ask("near.test", "AAAA", "+tcp"), "");
        assert.deepEqual([dot.asked, doh.asked], [
          ["far.test", "far.test"],
          ["near.test", "near.test"],
        ]);
        assert.deepEqual([dot.connections(), doh.connections()], [1, 1]);
      }
      // Of an unknown authority: there is no answer, and no name is revealed.
      await using scene = await start(runtime, { ...resolvers, routes });
      for (const name of ["far.test", "near.test"]) {
        const answered = await scene.ask(name, "+tries=1", "+time=1");
        assert.doesNotMatch(answered, /192/);
      }
      assert.deepEqual([dot.asked.length, doh.asked.length], [2, 2]);
    },
  );

  test(
    `a local on ${runtime} resolves names for rules through the server`,
    { skip: DNS_SKIP },
    async () => {
      await using scene = await start(runtime, {
        resolve: "remote",
        routes: [{ ip_cidr: `${KNOWN_ADDRESS}/32`, to: "block" }],
      });
      assert.equal(await outcome(scene.socks, KNOWN_NAME), "REP 2");
      assert.equal(await outcome(scene.socks, "127.0.0.1"), "here");
    },
  );
}
