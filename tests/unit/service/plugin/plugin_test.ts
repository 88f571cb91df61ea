/**
 * A plugin from its start to its end, event by event, with programs and a
 * network of the test's own.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { TransportError } from "../../../../src/errors.ts";
import {
  PLUGIN_READY_MS,
  PLUGIN_STEADY_MS,
  PROGRAM_GONE_MS,
} from "../../../../src/limits.ts";
import type { PluginOptions } from "../../../../src/service/plugin/options.ts";
import {
  Plugin,
  type PluginPlace,
} from "../../../../src/service/plugin/plugin.ts";
import { withDefaults } from "../../../../src/service/service.ts";
import type { Listener } from "../../../../src/transport.ts";
import { settle } from "../../../support/fake_clock.ts";
import { FakePrograms } from "../../../support/fake_programs.ts";
import { World } from "../../../support/world.ts";

const OPTIONS: PluginOptions = {
  name: "obfs-local",
  path: "/usr/bin/obfs-local",
  options: "obfs=http;obfs-host=a\\;b",
  args: ["-v"],
  mode: "tcp_only",
  env: { PATH: "/bin" },
};

const PLACE: PluginPlace = {
  server: "far",
  remote: { host: "server.example", port: 8388 },
};

/** A plugin in a world of its own; the middle of every random wait. */
class Scene {
  readonly world = new World({}, undefined, (length) => {
    const bytes = new Uint8Array(length);
    bytes[0] = 0x80;
    return bytes;
  });
  readonly programs = new FakePrograms();
  readonly plugin: Plugin;

  constructor(
    options: Partial<PluginOptions> = {},
    place: PluginPlace = PLACE,
  ) {
    const world = withDefaults({
      ...this.world.dependencies,
      programs: this.programs,
    });
    this.plugin = new Plugin({ ...OPTIONS, ...options }, place, world);
  }

  /** Lets the program that was started last listen. */
  async listen(): Promise<Listener> {
    const listener = await this.world.network.listen(this.programs.last.local);
    await this.world.clock.advance(25);
    return listener;
  }

  /** The program ends, and what it held is free. */
  async exit(listener?: Listener, how?: string): Promise<void> {
    listener?.close();
    this.programs.last.exit(how);
    await settle();
  }

  /** Lets the wait pass that the last warning tells. */
  async restart(): Promise<string> {
    const wait = /restarting in (\S+) s/.exec(this.warnings.at(-1)!)![1]!;
    await this.world.clock.advance(Number(wait) * 1_000);
    return wait;
  }

  get warnings(): string[] {
    return this.world.lines.filter(({ level }) => level === "warn")
      .map(({ message }) => message);
  }
}

const NEVER = new AbortController().signal;

test("a plugin gets what SIP003 says, and nothing else of the environment", async () => {
  const scene = new Scene();
  scene.plugin.start();
  await settle();
  const { path, args, env } = scene.programs.last.command;
  assert.equal(path, OPTIONS.path);
  assert.deepEqual(args, ["-v"]);
  const { SS_LOCAL_PORT: port, ...rest } = env;
  assert.match(port!, /^[1-9]\d*$/);
  assert.deepEqual(rest, {
    PATH: "/bin",
    SS_REMOTE_HOST: "server.example",
    SS_REMOTE_PORT: "8388",
    SS_LOCAL_HOST: "127.0.0.1",
    SS_PLUGIN_OPTIONS: "obfs=http;obfs-host=a\\;b",
  });
});

test("a plugin without options has no variable for them, and IPv6 its loopback", async () => {
  const { options: _, ...plain } = OPTIONS;
  const world = new World();
  const programs = new FakePrograms();
  const place = { server: "six", remote: { host: "2001:db8::1", port: 1 } };
  new Plugin(
    plain,
    place,
    withDefaults({ ...world.dependencies, programs }),
  ).start();
  await settle();
  const { env } = programs.last.command;
  assert.ok(!("SS_PLUGIN_OPTIONS" in env));
  assert.equal(env["SS_REMOTE_HOST"], "2001:db8::1");
  assert.equal(env["SS_LOCAL_HOST"], "::1");
});

test("a connection that waits for a plugin gets its address once it listens", async () => {
  const scene = new Scene();
  scene.plugin.start();
  await settle();
  const waiting = scene.plugin.ready(NEVER);
  assert.equal(scene.plugin.isReady, false);
  assert.equal(scene.plugin.endpoint, undefined);
  await scene.listen();
  assert.deepEqual(await waiting, scene.programs.last.local);
  assert.deepEqual(scene.plugin.endpoint, scene.programs.last.local);
  assert.equal(scene.plugin.status.state, "ready");
});

test("a connection that waits too long, or gives up, gets an error", async () => {
  const scene = new Scene();
  scene.plugin.start();
  await settle();
  const late = assert.rejects(
    scene.plugin.ready(NEVER),
    (error: TransportError) => error.code === "ERR_NET_PLUGIN",
  );
  const giving = new AbortController();
  const reason = new TransportError("ERR_NET_ABORTED", "enough");
  const given = assert.rejects(scene.plugin.ready(giving.signal), reason);
  giving.abort(reason);
  await given;
  await scene.world.clock.advance(PLUGIN_READY_MS);
  await late;
});

test("a plugin that does not listen is ended, and started on another port", async () => {
  const scene = new Scene();
  scene.plugin.start();
  await settle();
  const first = scene.programs.last;
  await scene.world.clock.advance(PLUGIN_READY_MS);
  assert.equal(first.wasEnded, true);
  assert.match(
    scene.warnings[0]!,
    /^plugin obfs-local \(server far\) did not listen within 5 s and was ended by signal 15: restarting in 0\.2 s$/,
  );
  await scene.world.clock.advance(200);
  assert.equal(scene.programs.started.length, 2);
  assert.notEqual(scene.programs.last.local.port, first.local.port);
  await scene.listen();
  assert.equal(scene.plugin.isReady, true);
});

test("a plugin that ends is started again, later each time, and its last words are told", async () => {
  const scene = new Scene();
  scene.plugin.start();
  await settle();
  const waits: string[] = [];
  for (let i = 0; i < 10; i++) {
    const listener = await scene.listen();
    await scene.world.clock.advance(2_000);
    for (let line = 0; line < 7; line++) {
      scene.programs.last.say(`line\u001b[31m ${line}`);
    }
    await scene.exit(listener);
    assert.equal(scene.plugin.isReady, false);
    waits.push(await scene.restart());
  }
  assert.deepEqual(
    waits,
    ["0.2", "0.4", "0.8", "1.6", "3.2", "6.4", "12.8", "25.6", "30.0", "30.0"],
  );
  assert.equal(
    scene.warnings[0],
    "plugin obfs-local (server far) ended with code 1; last output: " +
      '"line [31m 2 / line [31m 3 / line [31m 4 / line [31m 5 / ' +
      'line [31m 6": restarting in 0.2 s',
  );
  assert.equal(scene.plugin.status.restarts, 10);
});

test("a plugin that has run for a minute is started again at once", async () => {
  const scene = new Scene();
  scene.plugin.start();
  await settle();
  const waits: string[] = [];
  for (const ranMs of [10, 10, PLUGIN_STEADY_MS]) {
    const listener = await scene.listen();
    await scene.world.clock.advance(ranMs);
    await scene.exit(listener);
    waits.push(await scene.restart());
  }
  assert.deepEqual(waits, ["0.2", "0.4", "0.2"]);
});

test("after five early ends, connections do not wait for a plugin until it listens", async () => {
  const scene = new Scene();
  scene.plugin.start();
  await settle();
  for (let i = 0; i < 5; i++) {
    scene.programs.last.say("bad options");
    await scene.exit();
    if (i < 4) await scene.restart();
  }
  assert.match(
    scene.warnings[4]!,
    /; its server counts as down until the plugin runs/,
  );
  await assert.rejects(
    scene.plugin.ready(NEVER),
    /plugin obfs-local \(server far\) ended with code 1; last output: "bad options"/,
  );
  let told = 0;
  scene.plugin.onReady(() => told++);
  await scene.restart();
  await scene.listen();
  assert.equal(told, 1);
  assert.deepEqual(
    await scene.plugin.ready(NEVER),
    scene.programs.last.local,
  );
});

test("a plugin of a server gets the server's address, and listens on its public port", async () => {
  const front = { host: "0.0.0.0", port: 443 };
  const local = { host: "127.0.0.1", port: 40_000 };
  const scene = new Scene({}, { server: "near", remote: front, local });
  scene.plugin.start();
  await settle();
  const { env } = scene.programs.last.command;
  assert.deepEqual(
    [env["SS_REMOTE_HOST"], env["SS_REMOTE_PORT"]],
    ["0.0.0.0", "443"],
  );
  assert.deepEqual(scene.programs.last.local, local);
  await scene.world.network.listen({ host: "127.0.0.1", port: 443 });
  await scene.world.clock.advance(25);
  assert.deepEqual(scene.plugin.endpoint, front);
});

test("a plugin for datagrams alone counts as ready while it runs", async () => {
  const scene = new Scene({ mode: "udp_only" });
  scene.plugin.start();
  await settle();
  assert.equal(scene.plugin.isReady, true);
  await scene.exit();
  assert.equal(scene.plugin.isReady, false);
});

test("stop() ends a plugin and starts it no more, and does not wait for ever", async () => {
  const scene = new Scene();
  scene.plugin.start();
  await settle();
  await scene.listen();
  scene.programs.last.isStubborn = true;
  const waiting = scene.plugin.stop();
  await scene.world.clock.advance(PROGRAM_GONE_MS);
  await waiting;
  assert.equal(scene.programs.last.wasEnded, true);
  assert.equal(scene.plugin.status.state, "stopped");
  await assert.rejects(scene.plugin.ready(NEVER), /was stopped/);
  await scene.exit();
  await scene.world.clock.advance(60_000);
  assert.equal(scene.programs.started.length, 1);
  assert.deepEqual(scene.warnings, []);
  assert.equal(scene.world.clock.pending, 0);
});

test("stop() while a plugin waits for its next start leaves nothing behind", async () => {
  const scene = new Scene();
  scene.plugin.start();
  await settle();
  await scene.exit();
  assert.equal(scene.plugin.status.state, "waiting");
  await scene.plugin.stop();
  await scene.world.clock.advance(60_000);
  assert.equal(scene.programs.started.length, 1);
  assert.equal(scene.world.clock.pending, 0);
});

test("the last who lets a plugin go ends it", async () => {
  const scene = new Scene();
  scene.plugin.start();
  await settle();
  scene.plugin.hold();
  scene.plugin.hold();
  scene.plugin.release();
  await settle();
  assert.equal(scene.plugin.isStopped, false);
  scene.plugin.release();
  await settle();
  assert.equal(scene.plugin.isStopped, true);
  assert.equal(scene.programs.last.wasEnded, true);
});

test("the output of a plugin is in the log at debug", async () => {
  const scene = new Scene();
  scene.plugin.start();
  await settle();
  scene.programs.last.say("hello");
  scene.programs.last.say(" \t ");
  assert.deepEqual(
    scene.world.lines.filter(({ level }) => level === "debug"),
    [{
      level: "debug",
      message: "plugin obfs-local (server far) output",
      fields: { line: "hello" },
    }],
  );
});
