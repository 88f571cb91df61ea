/**
 * Plugins between local and server: what goes through them, what past them, and
 * who owns them.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { PluginCrew } from "../../../../src/service/plugin/crew.ts";
import type { PluginOptions } from "../../../../src/service/plugin/options.ts";
import { ServerGroup } from "../../../../src/service/outbound/servers/server_group.ts";
import type { UpstreamServer } from "../../../../src/service/outbound/shadowsocks.ts";
import { startServer } from "../../../../src/service/server/server.ts";
import type { Connection, Endpoint } from "../../../../src/transport.ts";
import { utf8 } from "../../../support/bytes.ts";
import { settle } from "../../../support/fake_clock.ts";
import { FakePrograms } from "../../../support/fake_programs.ts";
import { acceptFrom, readExactly, send } from "../../../support/streams.ts";
import { accepted, SERVER, World } from "../../../support/world.ts";

const PLUGIN: PluginOptions = {
  name: "obfs",
  path: "/bin/obfs",
  mode: "tcp_only",
  env: {},
};

const OTHER: Endpoint = { host: "10.0.0.4", port: 8388 };
const NEVER = new AbortController().signal;

/** Servers behind plugins, which a group sends through. */
class Scene {
  readonly world = new World();
  readonly programs = new FakePrograms();
  readonly crew: PluginCrew;
  readonly group: ServerGroup;

  constructor(servers: readonly Partial<UpstreamServer>[]) {
    const world = { ...this.world.dependencies, programs: this.programs };
    this.crew = new PluginCrew(world);
    this.group = new ServerGroup(this.made(servers), {}, world);
    this.crew.start();
  }

  /** Servers with their plugins. */
  made(servers: readonly Partial<UpstreamServer>[]): UpstreamServer[] {
    const { method, masterKey } = this.world;
    return this.crew.attach(
      servers.map((one) => ({ endpoint: SERVER, method, masterKey, ...one })),
    );
  }

  /** Lets one of the programs forward to a server. */
  async forward(i: number, to: Endpoint = SERVER): Promise<void> {
    const { network, clock } = this.world;
    const listener = await network.listen(this.programs.started[i]!.local);
    const serve = async (): Promise<void> => {
      for (let one; (one = await acceptFrom(listener)) !== undefined;) {
        copyBothWays(one, await network.dial(to));
      }
    };
    serve().catch(() => {});
    await clock.advance(25);
  }
}

function copyBothWays(one: Connection, other: Connection): void {
  for (const [from, to] of [[one, other], [other, one]] as const) {
    from.readable.pipeTo(to.writable).catch(() => {});
  }
}

test("streams go through the plugin, and wait for it", async () => {
  const scene = new Scene([{ plugin: PLUGIN }]);
  const { world, programs, group } = scene;
  await world.server();
  const target = await world.target();
  await settle();
  const opening = group.open(
    { host: "10.0.0.3", port: 80 },
    utf8("hello"),
    NEVER,
  );
  await settle();
  assert.deepEqual(
    world.network.dialled.filter((to) => to.includes("8388")),
    [],
  );
  await scene.forward(0);
  const channel = await opening;
  await channel.write(new Uint8Array(0), NEVER);
  assert.deepEqual(await readExactly(await accepted(target), 5), utf8("hello"));
  assert.ok(
    world.network.dialled.includes(`127.0.0.1:${programs.last.local.port}`),
  );
  channel.close();
  await scene.crew.stop();
});

test("a server whose plugin does not listen yet is passed over", async () => {
  const scene = new Scene([
    { name: "first", plugin: PLUGIN },
    { name: "second", endpoint: OTHER },
  ]);
  const { world, group } = scene;
  await world.server({ listen: OTHER });
  const channel = await group.open(
    { host: "10.0.0.3", port: 80 },
    utf8("x"),
    NEVER,
  );
  channel.close();
  assert.deepEqual(
    group.status.map(({ selected, tcp }) => [selected, tcp.state]),
    [[false, "up"], [true, "up"]],
  );
  await scene.crew.stop();
});

test("datagrams go past a plugin, or through it, and nowhere while it is gone", async () => {
  const past = new Scene([{ plugin: PLUGIN }]);
  const packet = {
    address: { host: "10.0.0.3", port: 53 },
    payload: utf8("x"),
  };
  const to = ({ group }: Scene): unknown =>
    group.packets(packet.address).seal(packet).to;
  assert.deepEqual(to(past), SERVER);
  const through = new Scene([{ plugin: { ...PLUGIN, mode: "tcp_and_udp" } }]);
  await settle();
  assert.throws(() => to(through), { code: "ERR_NET_PLUGIN" });
  await through.forward(0);
  assert.deepEqual(to(through), through.programs.last.local);
  for (const { crew } of [past, through]) await crew.stop();
});

test("one plugin serves all entries that want the same, and ends with the last", async () => {
  const same = [
    { name: "a", plugin: PLUGIN },
    { name: "b", plugin: PLUGIN },
    { name: "c", endpoint: OTHER, plugin: PLUGIN },
  ];
  const scene = new Scene(same);
  const { programs, group, crew } = scene;
  await settle();
  assert.equal(programs.started.length, 2);
  assert.deepEqual(crew.status.map(({ server }) => server), ["a", "c"]);
  group.replace(scene.made(same.slice(1)));
  await settle();
  assert.equal(programs.started.length, 2);
  assert.deepEqual(programs.started.map((one) => one.wasEnded), [false, false]);
  group.replace(scene.made(same.slice(2)));
  await settle();
  assert.deepEqual(programs.started.map((one) => one.wasEnded), [true, false]);
  group.replace(scene.made(same));
  await settle();
  assert.equal(programs.started.length, 3);
  await crew.stop();
  assert.ok(programs.started.every((one) => one.wasEnded));
});

test("a plugin that is no longer configured lives as long as its streams and flows", async () => {
  const scene = new Scene([{ plugin: PLUGIN }]);
  const { world, programs, group } = scene;
  await world.server();
  await settle();
  await scene.forward(0);
  const target = { host: "10.0.0.3", port: 80 };
  const channel = await group.open(target, utf8("x"), NEVER);
  const flow = group.packets(target);
  group.replace(scene.made([{ endpoint: OTHER }]));
  await settle();
  assert.equal(programs.last.wasEnded, false);
  channel.close();
  await settle();
  assert.equal(programs.last.wasEnded, false);
  flow.free();
  flow.free();
  await settle();
  assert.equal(programs.last.wasEnded, true);
  await scene.crew.stop();
});

test("a server listens on the loopback, and its plugin where clients connect", async () => {
  for (
    const [mode, tcpAtFront, udpAtFront] of [
      ["tcp_only", false, true],
      ["udp_only", true, false],
      ["tcp_and_udp", false, false],
    ] as const
  ) {
    const world = new World();
    const programs = new FakePrograms();
    const { method, masterKey } = world;
    const starting = startServer({
      listen: SERVER,
      method,
      masterKey,
      mode: "tcp_and_udp",
      plugin: { ...PLUGIN, mode },
    }, { ...world.dependencies, programs });
    await settle();
    const { env } = programs.last.command;
    assert.deepEqual(
      [env["SS_REMOTE_HOST"], env["SS_REMOTE_PORT"], env["SS_LOCAL_HOST"]],
      [SERVER.host, String(SERVER.port), "127.0.0.1"],
    );
    const { local } = programs.last;
    const isFree = async (open: () => Promise<{ close(): void }>) => {
      try {
        (await open()).close();
        return true;
      } catch {
        return false;
      }
    };
    const { network } = world;
    assert.deepEqual(
      [
        await isFree(() => network.listen(SERVER)),
        await isFree(() => network.bind(SERVER)),
      ],
      [!tcpAtFront, !udpAtFront],
      mode,
    );
    assert.deepEqual(
      [
        await isFree(() => network.listen(local)),
        await isFree(() => network.bind(local)),
      ],
      [tcpAtFront, udpAtFront],
      mode,
    );
    if (mode !== "udp_only") await network.listen(SERVER);
    await world.clock.advance(25);
    const service = await starting;
    assert.deepEqual(service.address, SERVER);
    assert.equal(service.plugin!.state, "ready");
    const stopping = service.stop(0);
    await world.clock.advance(100);
    await stopping;
    assert.equal(programs.last.wasEnded, true);
  }
});

test("a server whose public address is taken does not start, and leaves nothing", async () => {
  const world = new World();
  const programs = new FakePrograms();
  const { method, masterKey } = world;
  await world.network.listen(SERVER);
  await assert.rejects(
    startServer(
      { listen: SERVER, method, masterKey, plugin: PLUGIN },
      { ...world.dependencies, programs },
    ),
    { code: "ERR_NET_ADDRESS_IN_USE" },
  );
  assert.equal(programs.started.length, 0);
});

test("clients behind a plugin are not counted by their address", async () => {
  const world = new World();
  const programs = new FakePrograms();
  const { method, masterKey } = world;
  const starting = startServer({
    listen: SERVER,
    method,
    masterKey,
    maxConnectionsPerHost: 1,
    plugin: PLUGIN,
  }, { ...world.dependencies, programs });
  await settle();
  const { local } = programs.last;
  await world.network.listen(SERVER);
  await world.clock.advance(25);
  await starting;
  const connections = [
    await world.network.dial(local),
    await world.network.dial(local),
  ];
  for (const one of connections) await send(one, utf8("x"));
  await settle();
  assert.ok(
    !world.lines.some(({ fields }) =>
      fields["code"] === "ERR_POLICY_HOST_CONNECTIONS"
    ),
  );
});
