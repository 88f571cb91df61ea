import assert from "node:assert/strict";
import { test } from "node:test";
import {
  FLEET_WATCH_MS,
  MAX_PANEL_BACKOFF_MS,
  PANEL_CALL_MS,
} from "../../../../src/limits.ts";
import type { NodeMemory, UsageReport } from "../../../../src/fleet.ts";
import {
  PanelLink,
  type PanelOptions,
} from "../../../../src/service/panel/panel_link.ts";
import { withDefaults } from "../../../../src/service/service.ts";
import {
  FakePanel,
  type FakeUser,
  PANEL_NODE,
  uuidOf,
} from "../../../support/fake_panel.ts";
import { World } from "../../../support/world.ts";

const AT = { host: "10.0.0.9", port: 80 };
const MINUTE = 66_000;

class Memory implements NodeMemory {
  readonly values = new Map<string, string>();

  entries(prefix: string): [string, string][] {
    return [...this.values].filter(([key]) => key.startsWith(prefix));
  }

  write(changes: Iterable<readonly [string, string | undefined]>): void {
    for (const [key, value] of changes) {
      if (value === undefined) this.values.delete(key);
      else this.values.set(key, value);
    }
  }
}

function userOf(id: number, more: Partial<FakeUser> = {}): FakeUser {
  return { id, uuid: uuidOf(id), ...more };
}

/** A panel and a node of it, in memory. */
class Scene {
  readonly world = new World();
  readonly panel = new FakePanel();
  readonly memory = new Memory();
  sequence = 0;

  constructor(users: readonly FakeUser[] = [userOf(1), userOf(2)]) {
    this.panel.users = users;
  }

  static async started(users?: readonly FakeUser[]): Promise<Scene> {
    const scene = new Scene(users);
    await scene.panel.listenIn(scene.world.network, AT);
    return scene;
  }

  open(options: Partial<PanelOptions> = {}): Promise<PanelLink> {
    return PanelLink.open({
      url: new URL(`http://${AT.host}/`),
      nodeId: 7,
      token: this.panel.token,
      memory: this.memory,
      ...options,
    }, withDefaults(this.world.dependencies));
  }

  async joined(options?: Partial<PanelOptions>): Promise<PanelLink> {
    const link = await this.open(options);
    await link.snapshot(["8388"]);
    await link.join();
    return link;
  }

  report(name: string, bytesUp: number, bytesDown: number): UsageReport {
    const sequence = ++this.sequence;
    return {
      ...{ service: "8388", name, bytesUp, bytesDown, sequence },
      ...{ connections: 1, open: 1, wantBytes: 0 },
    };
  }

  async pass(ms: number): Promise<void> {
    await this.world.clock.advance(ms);
  }

  said(text: RegExp): number {
    return this.world.lines.filter(({ message }) => text.test(message)).length;
  }

  async stop(link: PanelLink): Promise<void> {
    const stopping = link[Symbol.asyncDispose]();
    await this.pass(MINUTE);
    await stopping;
  }
}

test("PanelLink has the panel's users, under its keys, with their limits", async () => {
  const scene = await Scene.started([
    userOf(1, { "speed_limit": 8, "device_limit": 2 }),
    userOf(2),
  ]);
  const link = await scene.open();
  assert.equal(link.method.name, PANEL_NODE.cipher);
  assert.equal(link.served.port, 8388);
  const { users } = await link.snapshot(["8388"]);
  assert.deepEqual(
    users.map(({ service, name, limits }) => [service, name, limits]),
    [
      ["8388", "1", { bytesPerSecond: 1_000_000, maxHosts: 2 }],
      ["8388", "2", {}],
    ],
  );
  assert.equal(users[1]!.password, btoa(uuidOf(2).slice(0, 32)));
  const [first] = scene.panel.requests;
  assert.equal(
    first!.url.search,
    "?node_type=shadowsocks&node_id=7&token=node-token",
  );
  await scene.stop(link);
  assert.equal(scene.world.clock.pending, 0);
  assert.equal(scene.world.network.openConnections, 0);
});

test("PanelLink tells changes by difference, and asks by ETag", async () => {
  const scene = await Scene.started();
  const link = await scene.joined();
  let { position } = await link.snapshot(["8388"]);
  const nothing = link.changes(position);
  await scene.pass(FLEET_WATCH_MS);
  assert.deepEqual((await nothing).changes, []);
  await scene.pass(MINUTE);
  const asked = scene.panel.asked("/user");
  assert.equal(asked.length, 2);
  assert.match(asked[1]!.tag!, /^"[0-9a-f]{40}"$/);
  const waiting = link.changes(position);
  scene.panel.users = [
    userOf(2, { "speed_limit": 1 }),
    { id: 3, uuid: uuidOf(1) },
  ];
  await scene.pass(FLEET_WATCH_MS - 1_000);
  await scene.pass(MINUTE);
  assert.deepEqual((await waiting).changes, []);
  const next = await link.changes(position);
  // Whose key another user has now is gone first.
  assert.deepEqual(
    next.changes.map((change) =>
      change.kind === "put" ? change.user.name : `-${change.name}`
    ),
    ["-1", "2", "3"],
  );
  ({ position } = next);
  scene.panel.users = [userOf(2)];
  await scene.pass(2 * MINUTE);
  scene.panel.users = [userOf(2), userOf(4)];
  await scene.pass(2 * MINUTE);
  assert.equal((await link.changes(position)).isIncomplete, true);
  await scene.stop(link);
});

test("PanelLink removes no user because a list is missing, wrong, or empty once", async () => {
  const scene = await Scene.started();
  const link = await scene.joined();
  const names = async (): Promise<string[]> =>
    (await link.snapshot(["8388"])).users.map(({ name }) => name);
  for (
    const fate of [{ status: 502 }, { status: 200 }, { body: '{"users":' }, {
      body: "{}",
    }, "taken and cut"] as const
  ) {
    scene.panel.fates.set("user", fate);
    await scene.pass(MINUTE);
  }
  assert.deepEqual(await names(), ["1", "2"]);
  assert.equal(link.status.isUp, false);
  assert.equal(scene.said(/cannot fetch users; the present ones stay/), 1);
  // Back off: no more than one question in five minutes.
  await scene.pass(3 * MAX_PANEL_BACKOFF_MS);
  const before = scene.panel.asked("/user").length;
  await scene.pass(MAX_PANEL_BACKOFF_MS);
  assert.ok(scene.panel.asked("/user").length - before <= 2);
  scene.panel.fates.clear();
  scene.panel.users = [];
  await scene.pass(2 * MAX_PANEL_BACKOFF_MS);
  assert.equal(scene.said(/working again/), 1);
  assert.equal(scene.said(/list of users is empty/), 1);
  assert.deepEqual(await names(), []);
  await scene.stop(link);
});

test("PanelLink keeps users whose list is empty only once", async () => {
  const scene = await Scene.started();
  const link = await scene.joined();
  scene.panel.users = [];
  await scene.pass(MINUTE);
  scene.panel.users = [userOf(2)];
  await scene.pass(MINUTE);
  const { users } = await link.snapshot(["8388"]);
  assert.deepEqual(users.map(({ name }) => name), ["2"]);
  await scene.stop(link);
});

for (
  const [fate, becomes] of [
    [{ status: 502 }, "unknown"],
    [{ status: 504 }, "unknown"],
    [{ status: 500 }, "unknown"],
    [{ taken: 502 }, "unknown"],
    ["taken and cut", "unknown"],
    ["taken and silent", "unknown"],
    [{ body: '{"data":fal' }, "unknown"],
    [{ status: 503 }, "refused"],
    [{ status: 429 }, "refused"],
    [{ status: 404 }, "refused"],
    [{ status: 422 }, "refused"],
    [{ status: 302 }, "refused"],
  ] as const
) {
  test(`PanelLink bills no byte twice when a push meets ${JSON.stringify(fate)}`, async () => {
    const scene = await Scene.started();
    const link = await scene.joined();
    scene.panel.fates.set("push", fate);
    await link.report(1, [scene.report("1", 100, 200)]);
    await scene.pass(MINUTE + PANEL_CALL_MS);
    assert.equal(
      link.status.pushes[becomes] > 0,
      true,
      JSON.stringify(link.status),
    );
    const { uncertainBytes, pendingBytes } = link.status;
    assert.deepEqual(
      [uncertainBytes, pendingBytes],
      becomes === "unknown" ? [300, 0] : [0, 300],
    );
    scene.panel.fates.clear();
    await link.report(1, [scene.report("1", 101, 200)]);
    await scene.pass(2 * MAX_PANEL_BACKOFF_MS);
    const isTaken = typeof fate === "string" || "taken" in fate;
    const [up, down] = scene.panel.billed.get("1")!;
    assert.equal(
      up + down,
      isTaken || becomes === "refused" ? 301 : 1,
    );
    await scene.stop(link);
  });
}

test("PanelLink sends again what may have arrived if the operator wants it", async () => {
  const scene = await Scene.started();
  const link = await scene.joined({ resends: true });
  scene.panel.fates.set("push", "taken and cut");
  await link.report(1, [scene.report("1", 10, 0)]);
  await scene.pass(MINUTE);
  scene.panel.fates.clear();
  await scene.pass(4 * MINUTE);
  assert.deepEqual(scene.panel.billed.get("1"), [20, 0]);
  assert.equal(link.status.uncertainBytes, 0);
  await scene.stop(link);
});

test("PanelLink tells all at the end, also of who was removed; a panel that is gone delays it little", async () => {
  const scene = await Scene.started();
  const link = await scene.joined();
  await link.report(1, [scene.report("1", 5, 6), scene.report("2", 1, 0)]);
  const [outcome] = (await link.report(1, [scene.report("9", 7, 0)])).outcomes;
  assert.equal(outcome!.kind, "unknown");
  await scene.stop(link);
  assert.deepEqual([...scene.panel.billed], [["1", [5, 6]], ["2", [1, 0]], [
    "9",
    [7, 0],
  ]]);
  const other = await scene.joined();
  await other.report(1, [scene.report("1", 1, 1)]);
  scene.panel.fates.set("push", "taken and silent");
  const stopping = other[Symbol.asyncDispose]();
  await scene.pass(5_000);
  await stopping;
  assert.equal(other.status.uncertainBytes, 2);
});

test("PanelLink goes on with kept users and traffic while the panel is silent", async () => {
  const scene = await Scene.started();
  const first = await scene.joined();
  scene.panel.fates.set("push", { status: 503 });
  await first.report(1, [scene.report("1", 30, 0)]);
  await scene.stop(first);
  for (const action of ["config", "user"]) {
    scene.panel.fates.set(action, { status: 503 });
  }
  const second = await scene.joined();
  assert.equal((await second.snapshot(["8388"])).users.length, 2);
  assert.equal(second.status.pendingBytes, 30);
  scene.panel.fates.clear();
  await scene.pass(MINUTE);
  assert.deepEqual(scene.panel.billed.get("1"), [30, 0]);
  await scene.stop(second);
  // Without a memory there is nothing to go on with.
  scene.panel.fates.set("config", { status: 503 });
  await assert.rejects(scene.open({ memory: undefined }), {
    code: "ERR_PANEL_ANSWER",
  });
});

test("PanelLink counts devices of other nodes, and not its own twice", async () => {
  const scene = await Scene.started([userOf(1, { "device_limit": 3 })]);
  const link = await scene.joined();
  const seat = (place: string) => ({ service: "8388", name: "1", place });
  const enters = async (place: string): Promise<boolean> =>
    (await link.enter(1, seat(place), scene.report("1", 0, 0))).isAdmitted;
  assert.equal(await enters("192.0.2.1"), true);
  scene.panel.elsewhere = { "1": 1 };
  await scene.pass(MINUTE);
  assert.deepEqual(scene.panel.alive, { "1": ["192.0.2.1"] });
  // Users without a limit have no seats, and are told all the same.
  link.present = () => [["1", ["192.0.2.1"]], ["5", ["192.0.2.5"]]];
  await scene.pass(MINUTE);
  assert.deepEqual(scene.panel.alive, {
    "1": ["192.0.2.1"],
    "5": ["192.0.2.5"],
  });
  // One here, one elsewhere: one more.
  assert.equal(await enters("192.0.2.2"), true);
  assert.equal(await enters("192.0.2.3"), false);
  assert.equal(await enters("192.0.2.1"), true);
  await link.leave([seat("192.0.2.2")]);
  assert.equal(await enters("192.0.2.3"), true);
  await scene.stop(link);
});

test("PanelLink refuses a node that it cannot serve, and a wrong token, in one line", async () => {
  for (
    const [node, token, message] of [
      [
        { ...PANEL_NODE, cipher: "2022-blake3-chacha20-poly1305" },
        undefined,
        /cannot tell users apart/,
      ],
      [{ ...PANEL_NODE, "server_key": null }, undefined, /no server_key/],
      [
        { ...PANEL_NODE, cipher: "rc4-md5" },
        undefined,
        /Cannot serve the panel's node/,
      ],
      [{ ...PANEL_NODE, protocol: "trojan" }, undefined, /is of trojan/],
      [PANEL_NODE, "wrong-token", /refuses this node \(422\)/],
    ] as const
  ) {
    const scene = await Scene.started();
    scene.panel.node = node;
    await assert.rejects(
      scene.open(token === undefined ? {} : { token }),
      (error: Error & { code?: string }) =>
        error.code === "ERR_PANEL" && message.test(error.message) &&
        !error.message.includes("token=") &&
        !error.message.includes("wrong-token"),
    );
  }
});

test("PanelLink serves 256 users of 2017, and says that there are more", async () => {
  const scene = await Scene.started(
    Array.from({ length: 300 }, (_, i) => userOf(i + 1)),
  );
  scene.panel.node = {
    ...PANEL_NODE,
    cipher: "aes-256-gcm",
    "server_key": null,
  };
  const link = await scene.open();
  const { users } = await link.snapshot(["8388"]);
  assert.equal(users.length, 256);
  assert.equal(users[0]!.password, uuidOf(1));
  assert.equal(scene.said(/44 of 300 users are left out/), 1);
  await scene.stop(link);
});
