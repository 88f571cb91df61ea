/**
 * `umbra redir` in networks of its own: a LAN, the machine that redirects, and
 * the world, whose addresses nobody reaches but through the server. The rules
 * are those that `umbra redir rules` prints; ss-redir of libev is the control.
 */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { Namespace, NAMESPACES_SKIP as skip } from "../support/namespaces.ts";
import { Program, runToEnd } from "../support/process.ts";
import { programCommand } from "../support/program_command.ts";
import { ROOT } from "../support/runtimes.ts";
import { LIBEV_SKIP } from "./chain.ts";

const OURS = ["deno", "bun"] as const;
const WAYS = ["redirect", "tproxy"] as const;
type Way = typeof WAYS[number];

const folder = mkdtempSync(join(tmpdir(), "umbra-redir-"));
after(() => rmSync(folder, { recursive: true, force: true }));

/** A rule on a name, for connections that have nothing but an address. */
const CONFIG = join(folder, "redir.json");
writeFileSync(
  CONFIG,
  JSON.stringify({ routes: [{ domain: "blocked.test", to: "block" }] }),
);

const KEY = ["-k", "x", "-m", "aes-256-gcm"];
const ENDS = ["-s", "10.66.0.2:8388", "-l", "1234", ...KEY];
const WORLD_IPV4 = "203.0.113.9";
const WORLD_IPV6 = "2001:db8:9::9";

/** A program that is not Umbra's user. */
const AS_NOBODY = ["setpriv", "--reuid", "65534", "--clear-groups"];

for (const runtime of OURS) {
  for (const way of WAYS) {
    test(
      `${runtime}: TCP by ${way} and UDP, IPv4 and IPv6, of a LAN and its own`,
      {
        skip,
      },
      async () => {
        using scene = new Scene();
        await using world = await scene.world(runtime);
        scene.load(runtime, way);
        await using redir = await scene.redir(runtime, way);
        await scene.check();
        await scene.checkNames(world.server, redir);
        assert.doesNotMatch(redir.output, /defect|error/i);
        // What was meant for the port itself has no target.
        assert.notEqual(
          await scene.status(scene.lan, "http://10.77.0.1:1234/"),
          0,
        );
        await redir.waitForOutput(
          /redir port itself: its target is unknown/,
          5_000,
        );
      },
    );
  }

  test(`${runtime}: a thousand connections are redirected at once`, {
    skip,
  }, async () => {
    using scene = new Scene();
    await using _world = await scene.world(runtime);
    scene.load(runtime, "tproxy");
    await using _redir = await scene.redir(runtime, "tproxy");
    const { output } = await runToEnd(
      [
        ...scene.lan.under,
        ...["python3", `${ROOT}/tests/e2e/many_connections.py`],
        ...[WORLD_IPV4, "1000"],
      ],
      60_000,
    );
    assert.equal(output, "1000\n");
  });

  test(
    `${runtime}: the rules are removed as they were printed, and need no more`,
    {
      skip,
    },
    () => {
      using scene = new Scene();
      scene.load(runtime, "tproxy");
      assert.match(scene.near.run("nft list tables"), /umbra_redir/);
      for (
        const line of scene.rules(runtime, "tproxy", "--remove").split("\n")
      ) {
        if (line !== "") scene.near.run(line);
      }
      assert.equal(scene.near.run("nft list tables"), "");
      assert.doesNotMatch(scene.near.run("ip rule"), /fwmark/);
      assert.doesNotMatch(scene.near.run("ip -6 rule"), /fwmark/);
    },
  );

  test(`${runtime}: TPROXY without privilege says what to give`, {
    skip,
  }, async () => {
    using scene = new Scene();
    const { code, output } = await runToEnd(
      [
        ...scene.near.under,
        ...["setpriv", "--bounding-set", "-all", "--inh-caps", "-all"],
        ...[...programCommand(runtime), "redir", "-T", ...ENDS],
      ],
      20_000,
      { cwd: ROOT },
    );
    assert.equal(code, 1, output);
    assert.match(output, /TPROXY needs CAP_NET_RAW: setcap cap_net_raw\+ep/);
  });
}

for (const way of WAYS) {
  test(`libev's ss-redir passes the same by ${way}`, {
    skip: skip || LIBEV_SKIP,
  }, async () => {
    using scene = new Scene();
    await using _world = await scene.world("deno");
    scene.load("deno", way);
    // One of its sockets serves UDP of one family.
    for (
      const [host, worlds] of [["0.0.0.0", [WORLD_IPV4]], ["::", [
        WORLD_IPV6,
      ]]] as const
    ) {
      await using _redir = await Program.start(
        [
          ...[...scene.near.under, "ss-redir", "-s", "10.66.0.2", "-p", "8388"],
          ...["-b", host, "-l", "1234", "-u", ...KEY],
          ...way === "tproxy" ? ["-T"] : [],
        ],
        { ready: /listening/ },
      );
      await scene.check(worlds);
    }
  });
}

/** Three networks in a row. */
class Scene implements Disposable {
  readonly lan = new Namespace();
  readonly near = new Namespace();
  readonly far = new Namespace();

  constructor() {
    const home = { name: "home", ipv4: "10.77.0.", ipv6: "fd77::" };
    this.near.join(this.lan, home);
    const wan = { name: "wan", ipv4: "10.66.0.", ipv6: "fd66::" };
    this.near.join(this.far, wan);
    this.lan.run("ip route add default via 10.77.0.1");
    this.lan.run("ip -6 route add default via fd77::1");
    this.near.run("ip route add default via 10.66.0.2");
    this.near.run("ip -6 route add default via fd66::2");
    this.far.run(`ip address add ${WORLD_IPV4}/32 dev lo`);
    this.far.run(`ip address add ${WORLD_IPV6}/128 dev lo nodad`);
  }

  /** The server, and what is to be reached behind it. */
  async world(
    runtime: "deno" | "bun",
  ): Promise<AsyncDisposable & { readonly server: Program }> {
    await using owned = new AsyncDisposableStack();
    owned.use(
      await Program.start(
        [
          ...[...this.far.under, "python3", "-u"],
          `${ROOT}/tests/e2e/plain_target.py`,
        ],
        { ready: /ready/ },
      ),
    );
    const server = owned.use(
      await Program.start(
        [
          ...[...this.far.under, ...programCommand(runtime), "server", "-u"],
          ...["-s", "10.66.0.2:8388", "--allow-private", "all", ...KEY],
          ...["--log-connections", "--log-privacy", "full"],
        ],
        { ready: /listening/, cwd: ROOT },
      ),
    );
    const all = owned.move();
    return { server, [Symbol.asyncDispose]: () => all.disposeAsync() };
  }

  redir(runtime: "deno" | "bun", way: Way): Promise<Program> {
    return Program.start(
      [
        ...[...this.near.under, ...programCommand(runtime), "redir", "-u"],
        ...["--tcp-redir", way, ...ENDS, "-c", CONFIG, "--log-connections"],
        ...["--dns-listen", "10.77.0.1:53", "--dns-direct", "10.66.0.2"],
        ...["--fake-ip", "--log-privacy", "full"],
      ],
      { ready: /DNS listening/, cwd: ROOT },
    );
  }

  /** What `umbra redir rules` prints. */
  rules(runtime: "deno" | "bun", way: Way, ...flags: string[]): string {
    const [command, ...words] = programCommand(runtime);
    const { status, stdout, stderr } = spawnSync(command!, [
      ...[...words, "redir", "rules", "-u", "--tcp-redir", way, ...ENDS],
      ...["--lan", "home", "--own", "--user-id", "0", ...flags],
    ], { encoding: "utf8", cwd: ROOT });
    assert.equal(status, 0, stderr);
    return stdout;
  }

  /** Loads them, and runs the commands in their comments. */
  load(runtime: "deno" | "bun", way: Way): void {
    const script = this.rules(runtime, way);
    this.near.run("nft -f -", script);
    // They may be loaded again.
    this.near.run("nft -f -", script);
    for (const [, command] of script.matchAll(/^# {3}(ip .*)$/gm)) {
      this.near.run(command!);
    }
  }

  /** What is redirected, from both networks. */
  async check(
    worlds: readonly string[] = [WORLD_IPV4, WORLD_IPV6],
  ): Promise<void> {
    const nobody = [...this.near.under, ...AS_NOBODY];
    for (const under of [this.lan.under, nobody]) {
      for (const host of worlds) {
        const place = host.includes(":") ? `[${host}]` : host;
        const fetched = await runToEnd(
          [...under, "curl", "-sgm", "10", `http://${place}:8000/who`],
          20_000,
        );
        // The server's own address: it is on the machine of the target.
        assert.equal(fetched.output, host, `${under} ${host}`);
        // dig takes an answer from the asked address alone.
        const dug = await runToEnd(
          [
            ...[...under, "dig", "+short", "+tries=2", "+time=3"],
            ...[`@${host}`, "www.example"],
          ],
          20_000,
        );
        assert.equal(dug.output, "192.0.2.53\n", `${under} dig @${host}`);
      }
    }
  }

  /** Names that redirected connections have all the same. */
  async checkNames(server: Program, redir: Program): Promise<void> {
    const url = `http://${WORLD_IPV4}:8000/who`;
    const curl = async (...words: string[]): Promise<string> =>
      (await runToEnd(
        [...this.lan.under, "curl", "-sm", "10", ...words],
        20_000,
      )).output;
    // The one that a client says first.
    assert.equal(await curl("-H", "Host: other.test", url), WORLD_IPV4);
    assert.equal(await curl("-H", "Host: blocked.test", url), "");
    await redir.waitForOutput(
      /ERR_ROUTE_BLOCKED .*routes\[0\]/,
      5_000,
    );
    assert.equal(
      await curl("--http0.9", `http://${WORLD_IPV4}:8001/`),
      "speaks first\n",
    );
    // The one that has a made-up address.
    const dug = await runToEnd(
      [...this.lan.under, "dig", "+short", "@10.77.0.1", "name.test"],
      20_000,
    );
    const address = dug.output.trim();
    assert.match(address, /^198\.18\./);
    await curl("--resolve", `name.test:443:${address}`, "https://name.test/");
    await server.waitForOutput(/name\.test:443/, 5_000);
  }

  /** How curl ends. */
  async status(network: Namespace, url: string): Promise<number | null> {
    const words = ["curl", "-sm", "10", url];
    return (await runToEnd([...network.under, ...words], 20_000)).code;
  }

  [Symbol.dispose](): void {
    for (const one of [this.lan, this.near, this.far]) one[Symbol.dispose]();
  }
}
