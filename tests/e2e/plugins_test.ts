/**
 * Plugins of the program as it runs: what passes through them, what they are
 * told, how they end and are started again, and that none is left.
 *
 * @module
 */
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { join } from "node:path";
import { test } from "node:test";
import { seededBytes } from "../support/bytes.ts";
import { executablesOf } from "../support/executables.ts";
import { type FakePlugin, fakePlugin } from "../support/fake_plugin.ts";
import { freePort, isAlive, Program, runToEnd } from "../support/process.ts";
import { programCommand } from "../support/program_command.ts";
import { denoPath, ROOT } from "../support/runtimes.ts";
import { command, Target } from "../support/target.ts";
import { type Address, socksConnect } from "../support/tcp.ts";
import { SocksUdp, UdpEcho } from "../support/udp.ts";
import { until, within } from "../support/within.ts";
import { METHOD, PASSWORD } from "./chain.ts";

const RUNTIMES = ["deno", "bun"] as const;

type Runtime = (typeof RUNTIMES)[number];

/** An end of ours, and its configuration. */
class End implements AsyncDisposable {
  readonly address: Address;
  readonly admin: Address;
  readonly program: Program;
  readonly file: string;

  private constructor(
    address: Address,
    admin: Address,
    program: Program,
    file: string,
  ) {
    this.address = address;
    this.admin = admin;
    this.program = program;
    this.file = file;
  }

  static async start(
    runtime: Runtime,
    role: "server" | "local",
    folder: string,
    config: object,
    variables: Readonly<Record<string, string>> = {},
  ): Promise<End> {
    const port = await freePort();
    const admin = await freePort();
    const file = join(folder, `${role}-${port}.json`);
    const place = role === "server"
      ? { server: "127.0.0.1", "server_port": port, "allow_private": "all" }
      : { "local_address": "127.0.0.1", "local_port": port };
    const whole = { method: METHOD, password: PASSWORD, ...place, ...config };
    writeFileSync(file, JSON.stringify(whole));
    const program = await Program.start([
      ...programCommand(runtime, variables),
      ...[role, "-v", "-c", file, "--admin", `127.0.0.1:${admin}`],
    ], { ready: /operator's port on/, cwd: ROOT });
    const host = "127.0.0.1";
    return new End({ host, port }, { host, port: admin }, program, file);
  }

  /** Writes other keys into the file, and lets it be read. */
  async reload(change: object): Promise<void> {
    const before = JSON.parse(readFileSync(this.file, "utf8"));
    writeFileSync(this.file, JSON.stringify({ ...before, ...change }));
    const answer = await this.ask("/api/reload", "POST");
    assert.equal(answer.status, 200, await answer.text());
  }

  ask(path: string, method = "GET"): Promise<Response> {
    return fetch(`http://127.0.0.1:${this.admin.port}${path}`, { method });
  }

  /** Pids that its plugins have told. */
  get pids(): number[] {
    return [...this.program.output.matchAll(/pid (\d+)/g)]
      .map(([, pid]) => Number(pid));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.program.stop(6_000);
    rmSync(this.file, { force: true });
  }
}

/** Sends through a local, and gets it back. */
async function ping(local: Address, target: Target): Promise<void> {
  using stream = await within(
    8_000,
    "a way",
    socksConnect(local, target.address),
  );
  await stream.write(command("echo\nping"));
  await within(8_000, "an answer", stream.readExactly(4));
}

function toServer(server: End, plugin: object): object {
  return {
    server: server.address.host,
    "server_port": server.address.port,
    ...plugin,
  };
}

/** Keys of a plugin. */
function keys(
  { path }: FakePlugin,
  options: string,
  mode = "tcp_only",
): object {
  return { plugin: path, "plugin_opts": options, "plugin_mode": mode };
}

for (const runtime of RUNTIMES) {
  test(`${runtime}: streams and datagrams pass through plugins at both ends`, async () => {
    using plugin = fakePlugin();
    const file = join(plugin.folder, "env");
    await using target = await Target.start();
    await using server = await End.start(runtime, "server", plugin.folder, {
      mode: "tcp_and_udp",
      ...keys(plugin, "server", "tcp_and_udp"),
    });
    await using local = await End.start(runtime, "local", plugin.folder, {
      mode: "tcp_and_udp",
      ...toServer(server, keys(plugin, `env=${file}`, "tcp_and_udp")),
      "plugin_env": ["WANTED"],
    }, { UMBRA_PASSWORD: "Hunter2", WANTED: "this" });
    await ping(local.address, target);
    using echo = await UdpEcho.start();
    using client = await SocksUdp.start(local.address);
    const payload = seededBytes(1_200, 1);
    await client.send(payload, { host: "127.0.0.1", port: echo.port });
    const answer = await client.receive();
    assert.ok(Buffer.from(payload).equals(answer.payload));
    assert.doesNotMatch(local.program.output, /Hunter2/);
    const env = JSON.parse(readFileSync(file, "utf8"));
    assert.equal(env.SS_REMOTE_PORT, String(server.address.port));
    assert.equal(env.WANTED, "this");
    assert.equal(env.UMBRA_PASSWORD, undefined);
  });

  test(`${runtime}: a plugin that ends is started again, and no other plugin`, async () => {
    using plugin = fakePlugin();
    await using target = await Target.start();
    await using server = await End.start(runtime, "server", plugin.folder, {
      ...keys(plugin, "server;exit=3;after=1500"),
    });
    await using local = await End.start(runtime, "local", plugin.folder, {
      ...toServer(server, keys(plugin, "exit=4;after=1500")),
    });
    await local.program.waitForOutput(
      /WARN {2}plugin \S+fake-plugin \(server 127\.0\.0\.1:\d+\) ended with code 4; last output: "[^"]*I must go": restarting in 0\.\d s/,
      10_000,
    );
    await server.program.waitForOutput(
      /ended with code 3; last output:/,
      10_000,
    );
    // A request during their start waits, or gets an error and is repeated.
    for (let i = 0; i < 3; i++) {
      await until(
        20_000,
        "an answer",
        () => ping(local.address, target).then(() => true, () => false),
      );
    }
    const metrics = await (await local.ask("/metrics")).text();
    assert.match(metrics, /umbra_plugin_restarts_total\{[^}]*\} [1-9]/);
  });

  test(`${runtime}: no plugin is left when the program is killed, and none when it ends`, async () => {
    using plugin = fakePlugin();
    for (const signal of ["SIGKILL", "SIGTERM"] as const) {
      const end = await End.start(
        runtime,
        "local",
        plugin.folder,
        {
          server: "127.0.0.1",
          "server_port": 1,
          ...keys(plugin, "stubborn;pid"),
        },
      );
      try {
        await end.program.waitForOutput(/pid \d+[^]*is ready/, 5_000);
        const [pid] = end.pids;
        assert.equal(isAlive(pid!), true);
        end.program.signal(signal);
        await until(6_000, "the plugin's end", () => !isAlive(pid!));
        await within(6_000, "its end", end.program.exited);
      } finally {
        await end[Symbol.asyncDispose]();
      }
    }
  });

  test(`${runtime}: a server whose plugin cannot run is passed over`, async () => {
    using plugin = fakePlugin();
    await using target = await Target.start();
    await using server = await End.start(runtime, "server", plugin.folder, {});
    const { host, port } = server.address;
    const entry = {
      server: host,
      "server_port": port,
      method: METHOD,
      password: PASSWORD,
    };
    await using local = await End.start(runtime, "local", plugin.folder, {
      servers: [
        { ...entry, id: "broken", ...keys(plugin, "exit=1") },
        { ...entry, id: "good", "server_port": port },
      ],
    });
    for (let i = 0; i < 10; i++) await ping(local.address, target);
    await local.program.waitForOutput(
      /server broken\) ended with code 1.*its server counts as down until the plugin runs/,
      15_000,
    );
    await ping(local.address, target);
    const status = await (await local.ask("/api/status")).json();
    assert.equal(status.plugins[0].server, "broken");
    assert.notEqual(status.plugins[0].state, "ready");
    assert.match(status.plugins[0].lastEnd, /^ended with code 1$/);
    const metrics = await (await local.ask("/metrics")).text();
    assert.match(metrics, /umbra_plugin_up\{[^}]*server="broken"[^}]*\} 0/);
    const { output: top } = await runToEnd([
      ...programCommand(runtime),
      ...["top", "--admin", `127.0.0.1:${local.admin.port}`],
    ], 10_000);
    assert.match(top, /plugin \S+fake-plugin of broken {2}\S/);
    assert.match(top, /last end: ended with code 1/);
  });

  test(`${runtime}: a reload starts another plugin, and leaves one that is the same`, async () => {
    using plugin = fakePlugin();
    await using target = await Target.start();
    await using server = await End.start(runtime, "server", plugin.folder, {
      ...keys(plugin, "server;pid"),
    });
    await using local = await End.start(runtime, "local", plugin.folder, {
      ...toServer(server, keys(plugin, "pid")),
    });
    await ping(local.address, target);
    for (const end of [server, local]) await end.reload({ timeout: 77 });
    await ping(local.address, target);
    assert.deepEqual([server.pids.length, local.pids.length], [1, 1]);
    await server.reload({ "plugin_opts": "server;pid;other" });
    await local.reload({ "plugin_opts": "pid;other" });
    await ping(local.address, target);
    for (const { pids } of [server, local]) {
      assert.equal(pids.length, 2);
      await until(6_000, "the end of the first", () => !isAlive(pids[0]!));
      assert.equal(isAlive(pids[1]!), true);
    }
    for (const end of [server, local]) await end.reload({ plugin: "" });
    await ping(local.address, target);
    for (const { pids } of [server, local]) {
      await until(6_000, "the end of the second", () => !isAlive(pids[1]!));
    }
    const before = await local.ask("/api/status").then((one) => one.json());
    const answer = await fetch(
      `http://127.0.0.1:${local.admin.port}/api/reload`,
      { method: "POST" },
    );
    assert.equal(answer.status, 200);
    assert.deepEqual(before.plugins, []);
  });

  test(`${runtime}: doctor runs the plugin, and tells which hop fails`, async () => {
    using plugin = fakePlugin();
    await using target = await Target.start();
    await using server = await End.start(runtime, "server", plugin.folder, {
      ...keys(plugin, "server"),
    });
    const doctor = async (options: string): Promise<Map<string, string>> => {
      const { output } = await runToEnd(
        [
          ...[...programCommand(runtime), "doctor", "--json", "--wait", "2"],
          ...["-s", `127.0.0.1:${server.address.port}`, "-k", PASSWORD],
          ...["-m", METHOD, "--plugin", plugin.path, "--plugin-opts", options],
          ...["--target", `127.0.0.1:${target.address.port}`],
        ],
        30_000,
        { cwd: ROOT },
      );
      const { checks } = JSON.parse(output) as {
        checks: { check: string; verdict: string; detail: string }[];
      };
      return new Map(
        checks.map(({ check, verdict, detail }) => [
          check,
          `${verdict}: ${detail}`,
        ]),
      );
    };
    const works = await doctor("x");
    assert.match(works.get("connect")!, /^ok: connected to 127\.0\.0\.1 port/);
    assert.match(works.get("plugin")!, /^ok: \S+fake-plugin listens after/);
    assert.match(works.get("key")!, /^ok: password and method/);
    const broken = await doctor("exit=1");
    assert.match(broken.get("connect")!, /^ok/);
    assert.match(
      broken.get("plugin")!,
      /^fail: plugin .* ended with code 1; last output: "I must go"/,
    );
    assert.equal(broken.get("key"), undefined);
  });

  test(`${runtime}: what cannot be started is one line, and exit code 2 or 1`, async () => {
    const run = async (
      ...argv: string[]
    ): Promise<{ code: number | null; output: string }> =>
      await runToEnd([...programCommand(runtime), ...argv], 20_000, {
        cwd: ROOT,
      });
    const base = ["-s", "127.0.0.1:1", "-k", "x", "-l", "0"];
    const absent = await run("local", ...base, "--plugin", "obfs-locl");
    assert.equal(absent.code, 2);
    assert.equal(
      absent.output,
      "umbra: --plugin: the program is not in PATH: install it, or give its path\n",
    );
    using plugin = fakePlugin();
    const workers = await run(
      ...["local", ...base, "--plugin", plugin.path],
      ...["-l", String(await freePort()), "--workers", "2"],
    );
    assert.equal(workers.code, 2);
    assert.match(workers.output, /--workers and a plugin exclude each other/);
    const taken = createServer();
    await new Promise<void>((resolve) => {
      taken.listen(0, "127.0.0.1", resolve);
    });
    const { port } = taken.address() as AddressInfo;
    const busy = await run(
      ...["server", "-s", `127.0.0.1:${port}`, "-k", "x"],
      ...["--plugin", plugin.path, "--plugin-opts", "server"],
    );
    taken.close();
    assert.equal(busy.code, 1);
    assert.match(
      busy.output,
      /Cannot listen on 127\.0\.0\.1:\d+: address already in use/,
    );
  });
}

test("deno: a plugin needs two permissions, which the refusal names", {
  skip: executablesOf("deno") !== undefined && "for the sources",
}, async () => {
  using plugin = fakePlugin();
  const port = await freePort();
  const run = (...flags: string[]): string[] => [
    ...[denoPath()!, "run", "--quiet", "--no-prompt"],
    ...["--allow-net", "--allow-read", ...flags, join(ROOT, "src", "main.ts")],
    ...["local", "-s", "127.0.0.1:1", "-k", "x", "-l", String(port)],
    ...["--plugin", plugin.path],
  ];
  const refused = await runToEnd(run("--allow-env=UMBRA_BUILD"), 20_000);
  assert.equal(refused.code, 2);
  assert.match(
    refused.output,
    /^umbra: --plugin: Deno was not granted the permission: run it with --allow-run=\/bin\/sh --allow-env=NODE_V8_COVERAGE\n$/,
  );
  await using program = await Program.start(
    run("--allow-env=UMBRA_BUILD,NODE_V8_COVERAGE", "--allow-run=/bin/sh"),
    { ready: /plugin \S+ \(server 127\.0\.0\.1:1\) is ready/, cwd: ROOT },
  );
  await program.stop();
});

test("deno: a program without plugins can start none, not even after a reload", async () => {
  using plugin = fakePlugin();
  await using local = await End.start("deno", "local", plugin.folder, {
    server: "127.0.0.1",
    "server_port": 1,
  });
  writeFileSync(
    local.file,
    JSON.stringify({
      ...JSON.parse(readFileSync(local.file, "utf8")),
      plugin: plugin.path,
    }),
  );
  const answer = await local.ask("/api/reload", "POST");
  assert.notEqual(answer.status, 200);
  assert.match(
    await answer.text(),
    /has dropped the permission to run programs: restart/,
  );
});
