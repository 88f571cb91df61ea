/**
 * Three networks in a row: a LAN, the machine that redirects, and the world,
 * whose addresses are reachable only through the server.
 *
 * @module
 */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { Namespace, NAMESPACES_SKIP } from "../support/namespaces.ts";
import { Program, runToEnd } from "../support/process.ts";
import { programCommand } from "../support/program_command.ts";
import { announceSkip } from "../support/report.ts";
import { ROOT } from "../support/runtimes.ts";

/** Why there is no such scene, for the option `skip` of a test. */
export const SCENE_SKIP: string | false = NAMESPACES_SKIP ||
  spawnSync("dig", ["-v"]).error !== undefined &&
    "dig not found: apt-get install -y bind9-dnsutils";
if (SCENE_SKIP) announceSkip(SCENE_SKIP);

/** How TCP may come. */
export const WAYS = ["redirect", "tproxy"] as const;

/** One of them. */
export type Way = typeof WAYS[number];

/** What both ends share. */
export const KEY: readonly string[] = ["-k", "x", "-m", "aes-256-gcm"];

/** The server, and where is listened. */
export const ENDS: readonly string[] = [
  ...["-s", "10.66.0.2:8388", "-l", "1234"],
  ...KEY,
];

/** What is reached through the server alone. */
export const WORLD_IPV4 = "203.0.113.9";
export const WORLD_IPV6 = "2001:db8:9::9";

/** A program that is not Umbra's user. */
export const AS_NOBODY: readonly string[] = [
  "setpriv",
  "--reuid",
  "65534",
  "--clear-groups",
];

/** What is behind the server, and the server. */
export interface World extends AsyncDisposable {
  readonly server: Program;
}

/** See the module. */
export class Scene implements Disposable {
  readonly lan: Namespace = new Namespace();
  readonly near: Namespace = new Namespace();
  readonly far: Namespace = new Namespace();

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
  async world(runtime: "deno" | "bun"): Promise<World> {
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

  redir(
    runtime: "deno" | "bun",
    way: Way,
    ...flags: string[]
  ): Promise<Program> {
    return Program.start(
      [
        ...[...this.near.under, ...programCommand(runtime), "redir", "-u"],
        ...["--tcp-redir", way, ...ENDS, ...flags],
      ],
      { ready: /ss-redir listening/, cwd: ROOT },
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
  load(runtime: "deno" | "bun", way: Way, ...flags: string[]): void {
    const script = this.rules(runtime, way, ...flags);
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

  /** Names that clients say first, with a rule that blocks `blocked.test`. */
  async checkNames(redir: Program): Promise<void> {
    const url = `http://${WORLD_IPV4}:8000/who`;
    const curl = async (...words: string[]): Promise<string> =>
      (await runToEnd(
        [...this.lan.under, "curl", "-sm", "10", ...words],
        20_000,
      )).output;
    assert.equal(await curl("-H", "Host: other.test", url), WORLD_IPV4);
    assert.equal(await curl("-H", "Host: blocked.test", url), "");
    await redir.waitForOutput(/ERR_ROUTE_BLOCKED .*routes\[0\]/, 5_000);
    assert.equal(
      await curl("--http0.9", `http://${WORLD_IPV4}:8001/`),
      "speaks first\n",
    );
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
