/**
 * Users over UDP, in both editions: who is who, what is counted, and what a
 * limit does to its user and to no other.
 */
import assert from "node:assert/strict";
import { SERVICE_DEFAULTS } from "../../../src/service/options.ts";
import { describe, test } from "node:test";
import { masterKeyFromPassword } from "../../../src/crypto/master_key.ts";
import { findMethod, type Method } from "../../../src/crypto/method.ts";
import type { ErrorCode } from "../../../src/errors.ts";
import { MAX_TRIAL_USERS } from "../../../src/limits.ts";
import { Accounts } from "../../../src/service/server/accounts.ts";
import type { ServerService } from "../../../src/service/server/server.ts";
import { withDefaults } from "../../../src/service/service.ts";
import { startUdpServer } from "../../../src/service/udp/udp_server.ts";
import type { Mode } from "../../../src/service/options.ts";
import type { ClientKeys } from "../../../src/session/family.ts";
import type { PacketServer } from "../../../src/session/packet_protocol.ts";
import type { ServerUser } from "../../../src/session/server_user.ts";
import type { UserLimits, UserUsage } from "../../../src/users.ts";
import { utf8 } from "../../support/bytes.ts";
import { FakeClock, settle } from "../../support/fake_clock.ts";
import { PacketPeer, Peer, stopped } from "../../support/udp_world.ts";
import { accepted, SERVER, World } from "../../support/world.ts";
import { anyTarget } from "../../../src/security/target_policy.ts";
import { Direct } from "../../../src/service/outbound/direct.ts";
import { everythingTo } from "../../../src/service/outbound/outbound.ts";

const SERVER_NAME = "the server's";

for (const name of ["aes-128-gcm", "2022-blake3-aes-128-gcm"]) {
  const method = findMethod(name);
  const user = (name: string, limits?: UserLimits): ServerUser => ({
    name,
    masterKey: key(method, name),
    ...(limits && { limits }),
  });

  describe(`several users of ${name} over UDP`, () => {
    test("are served by their own key, named and counted", async () => {
      const scene = await Scene.start(method, [user("alice"), user("bob")]);
      const alice = await scene.client("alice", 1);
      const bob = await scene.client("bob", 2);
      await alice.ask("12345");
      await bob.ask("12");
      await alice.ask("");
      await settle();
      assert.deepEqual(alice.answers, ["10.0.0.3:7 12345", "10.0.0.3:7 "]);
      assert.deepEqual(bob.answers, ["10.0.0.3:7 12"]);
      assert.deepEqual(scene.usage("alice"), {
        bytesUp: 5,
        bytesDown: 5,
        packetsUp: 2,
        packetsDown: 2,
        connections: 0,
        associations: 1,
        lastSeenUnixMs: scene.world.clock.unixMs(),
        open: 1,
        hosts: ["10.0.1.1"],
      });
      assert.equal(scene.usage("bob").bytesUp, 2);
      assert.equal(scene.accounts.total().packetsUp, 3);
      await scene.stop();
      assert.equal(scene.usage("alice").open, 0);
      assert.equal(scene.accounts.total().open, 0);
    });

    test("are kept apart on one address", async () => {
      const scene = await Scene.start(method, [user("alice"), user("bob")]);
      const alice = await scene.client("alice", 1);
      await alice.ask("alice's");
      await settle();
      alice.socket.close();
      const bob = await scene.client("bob", 1);
      await bob.ask("bob's");
      await settle();
      assert.deepEqual(bob.answers, ["10.0.0.3:7 bob's"]);
      const [one, two] = scene.echo.datagrams;
      assert.notEqual(one!.from.port, two!.from.port);
      await scene.stop();
    });

    test("do not include a stranger, who sees silence", async () => {
      const scene = await Scene.start(method, [user("alice")]);
      const mallory = await scene.client("mallory", 1);
      await mallory.ask("hello");
      await settle();
      assert.deepEqual(mallory.answers, []);
      assert.deepEqual(scene.echo.texts, []);
      await scene.expectDropped({
        [
          name.startsWith("2022")
            ? "ERR_SS_USER_UNKNOWN"
            : "ERR_SS_AUTHENTICATION"
        ]: 1,
      });
    });

    test("a quota ends its user's flow, in either direction, and no other", async () => {
      const scene = await Scene.start(method, [
        user("alice", { quotaBytes: 20 }),
        user("bob"),
      ]);
      const alice = await scene.client("alice", 1);
      const bob = await scene.client("bob", 2);
      await bob.ask("x");
      await alice.ask("12345");
      await settle();
      const before = scene.world.network.openSockets;
      // 10 of 20 are used; the answer of this one is one byte too many.
      await alice.ask("123456");
      await settle();
      assert.equal(scene.world.network.openSockets, before - 1);
      assert.equal(scene.usage("alice").bytesUp, 11);
      assert.equal(scene.usage("alice").bytesDown, 5);
      for (const text of ["12345", "12345", "1234", "1"]) {
        await alice.ask(text);
        await bob.ask(text);
        await settle();
      }
      assert.equal(scene.usage("alice").bytesUp, 15);
      assert.equal(scene.usage("alice").open, 0);
      assert.deepEqual(alice.answers, ["10.0.0.3:7 12345"]);
      assert.equal(bob.answers.length, 5);
      await scene.expectDropped({ ERR_POLICY_USER_QUOTA: 5 });
    });

    test("an end ends its user's flow, and no other", async () => {
      const scene = await Scene.start(method, [
        user("alice", { expiresUnixMs: 1_700_000_010_000 }),
        user("bob"),
      ]);
      const alice = await scene.client("alice", 1);
      const bob = await scene.client("bob", 2);
      for (const client of [alice, bob]) await client.ask("before");
      await scene.world.clock.advance(10_000);
      const { from } = scene.echo.datagrams[0]!;
      await scene.echo.socket.send(utf8("late"), from);
      for (const client of [alice, bob]) await client.ask("after");
      await settle();
      assert.equal(alice.answers.length, 1);
      assert.equal(bob.answers.length, 2);
      assert.equal(scene.usage("alice").open, 0);
      await scene.expectDropped({ ERR_POLICY_USER_EXPIRED: 2 });
    });

    test("a rate drops the user's datagrams above it, in both directions, and no others", async () => {
      const scene = await Scene.start(method, [
        user("alice", { bytesPerSecond: 1_000 }),
        user("bob"),
      ]);
      const alice = await scene.client("alice", 1);
      const bob = await scene.client("bob", 2);
      const text = "x".repeat(100);
      for (let i = 0; i < 40; i++) {
        for (const client of [alice, bob]) await client.ask(text);
        await scene.world.clock.advance(50);
      }
      assert.equal(bob.answers.length, 40);
      // 2 s at 1,000 bytes a second, and the burst.
      const { packetsUp, packetsDown, bytesUp } = scene.usage("alice");
      assert.ok(packetsUp >= 19 && packetsUp <= 23, `${packetsUp}`);
      assert.equal(bytesUp, packetsUp * 100);
      assert.equal(alice.answers.length, packetsDown);
      assert.equal(scene.accounts.total().packetsUp, 40 + packetsUp);
      // A flood leaves no debt behind.
      for (let i = 0; i < 100; i++) await alice.ask(text);
      await scene.world.clock.advance(200);
      await alice.ask("y");
      await settle();
      assert.equal(alice.answers.at(-1), "10.0.0.3:7 y");
      const [line] = await scene.stop();
      assert.ok((line!["ERR_POLICY_USER_RATE"] as number) >= 100);
    });

    test("a limit of associations ends the user's own quietest, and leaves TCP alone", async () => {
      const scene = await Scene.start(method, [
        user("alice", { maxConnections: 2 }),
        user("bob"),
      ]);
      const bob = await scene.client("bob", 9);
      await bob.ask("first of all");
      const [one, two, three] = [
        await scene.client("alice", 1),
        await scene.client("alice", 2),
        await scene.client("alice", 3),
      ] as const;
      for (const client of [one, two, one, three]) {
        await client.ask("hello");
        await settle();
      }
      assert.equal(scene.usage("alice").open, 2);
      assert.equal(scene.usage("alice").associations, 3);
      const late = async (i: number): Promise<void> => {
        const { from } = scene.echo.datagrams[i]!;
        await scene.echo.socket.send(utf8("late"), from);
        await settle();
      };
      for (const i of [0, 1, 2]) await late(i);
      assert.equal(bob.answers.length, 2);
      assert.equal(one.answers.length, 3);
      assert.equal(two.answers.length, 1);
      using visit = scene.accounts.connect("alice", "10.0.1.1");
      visit.count("up", 1);
      await scene.stop();
    });

    test("come and go while the server runs, and others do not notice", async () => {
      const [alice, bob, carol] = ["alice", "bob", "carol"].map((name) =>
        user(name)
      ) as [ServerUser, ServerUser, ServerUser];
      const scene = await Scene.start(method, [alice, bob, carol]);
      const clients = [
        await scene.client("alice", 1),
        await scene.client("bob", 2),
        await scene.client("carol", 3),
        await scene.client("dave", 4),
      ] as const;
      const askAll = async (text: string): Promise<void> => {
        for (const client of clients) await client.ask(text);
        await settle();
      };
      await askAll("one");
      assert.equal(scene.accounts.total().open, 3);
      scene.update([bob, { ...carol, disabled: true }, user("dave")]);
      // Flows have ended, though nothing was sent.
      assert.equal(scene.accounts.total().open, 1);
      const { from } = scene.echo.datagrams[0]!;
      await scene.echo.socket.send(utf8("late"), from);
      await askAll("two");
      scene.update([alice, bob, carol, user("dave")]);
      await askAll("three");
      const texts = clients.map(({ answers }) =>
        answers.map((answer) => answer.slice("10.0.0.3:7 ".length)).join()
      );
      assert.deepEqual(texts, [
        "one,three",
        "one,two,three",
        "one,three",
        "two,three",
      ]);
      const bobs = scene.echo.datagrams.filter(({ text }) => text !== "late")
        .map(({ from }) => from.port);
      assert.equal(bobs[1], bobs[3], "bob keeps his flow");
      await scene.expectDropped({
        [
          name.startsWith("2022")
            ? "ERR_SS_USER_UNKNOWN"
            : "ERR_SS_AUTHENTICATION"
        ]: 2,
        ERR_POLICY_USER_DISABLED: 1,
      });
    });

    test("are the same over TCP and UDP, alone or together", async () => {
      for (const mode of ["udp_only", "tcp_and_udp"] as const) {
        const scene = await Scene.start(method, [user("alice")], mode);
        scene.update([user("bob")]);
        const bob = await scene.client("bob", 1);
        await bob.ask("hello");
        await settle();
        assert.deepEqual(bob.answers, ["10.0.0.3:7 hello"]);
        if (mode === "tcp_and_udp") {
          const target = await scene.world.target();
          const local = await scene.world.local({
            servers: [{ endpoint: SERVER, ...scene.keys("bob") }],
          });
          const { client } = await scene.world.connect();
          await settle();
          client.close();
          (await accepted(target)).close();
          target.close();
          await scene.world.stop(local);
          assert.equal(scene.usage("bob").connections, 1);
        }
        assert.equal(scene.usage("bob").associations, 1);
        await scene.stop();
      }
    });
  });
}

test("no association is left behind, when its user is refused or its flow ends", async () => {
  const world = new World();
  const ended: string[] = [];
  const packets: PacketServer = {
    open: (bytes) => ({
      association: new TextDecoder().decode(bytes),
      address: { host: "10.0.0.3", port: 7 },
      payload: bytes,
      user: bytes.length > 3 ? "alice" : "bob",
    }),
    seal: (_association, { payload }) => payload,
    end: (association) => void ended.push(association),
  };
  const users = [{ name: "alice", disabled: true }, { name: "bob" }];
  const accounts = new Accounts(users, world.clock);
  const none = (): void => {};
  const router = everythingTo(
    new Direct(
      { policy: anyTarget, connectTimeoutMs: 1_000 },
      withDefaults(world.dependencies),
    ),
  );
  const service = await startUdpServer({
    ...SERVICE_DEFAULTS,
    listen: SERVER,
    accounts,
    protocol: { packets, stream: unused, setUsers: none, replaceUser: none },
    router,
  }, withDefaults(world.dependencies));
  const client = await Peer.bind(world, { host: "10.0.1.1", port: 1 });
  for (const association of ["alice's", "bob", "alice's other"]) {
    await client.socket.send(utf8(association), SERVER);
  }
  await settle();
  assert.deepEqual(ended, ["alice's", "alice's other"]);
  await world.stop(service);
  assert.equal(ended.at(-1), "bob");
  assert.equal(accounts.total().open, 0);
});

test("a user's download does not drop its datagrams, but they slow it down", () => {
  const clock = new FakeClock();
  const limits = { bytesPerSecond: 1_000 };
  const accounts = new Accounts([{ name: "alice", limits }], clock);
  using stream = accounts.connect("alice", "192.0.2.1");
  using flow = accounts.connect("alice", "192.0.2.1", "udp");
  assert.equal(stream.count("down", 10_000), 10_000);
  assert.equal(flow.count("down", 500), 0);
  assert.equal(flow.count("down", 500), 500);
  assert.equal(stream.count("down", 1_000), 11_500);
  assert.equal(accounts.usage("alice").bytesDown, 11_500);
  assert.equal(accounts.total().packetsDown, 1);
  accounts.set([{ name: "alice", limits }]);
  assert.equal(flow.count("down", 500), 500);
  // At another rate nothing is due from the old one.
  accounts.set([{ name: "alice", limits: { bytesPerSecond: 1_000_000 } }]);
  assert.equal(flow.count("down", 500), 0);
  assert.equal(stream.count("down", 500), 1);
});

test("a server of 2017 tries as many keys as it may have users", async () => {
  const method = findMethod("aes-128-gcm");
  // One more is the server's own.
  const users = Array.from({ length: MAX_TRIAL_USERS - 1 }, (_, i) => ({
    name: `user ${i}`,
    masterKey: key(method, `user ${i}`),
  }));
  const scene = await Scene.start(method, users);
  const last = await scene.client(users.at(-1)!.name, 1);
  const unnamed = await scene.client(SERVER_NAME, 2);
  for (const client of [last, unnamed]) {
    await client.ask("one");
    await client.ask("two");
    await settle();
    assert.deepEqual(client.answers, ["10.0.0.3:7 one", "10.0.0.3:7 two"]);
  }
  assert.equal(scene.accounts.total().associations, 2);
  const more = [...users, { name: "more", masterKey: key(method, "more") }];
  assert.throws(() => scene.update(more), RangeError);
  await scene.stop();
});

function unused(): never {
  throw new Error("There are no streams here");
}

function key(method: Method, user: string): Uint8Array {
  return masterKeyFromPassword(user, method);
}

/** A server with users, and an echo. */
class Scene {
  readonly world: World;
  readonly accounts: Accounts;
  readonly echo: Peer;
  readonly #server: ServerService;

  private constructor(
    world: World,
    accounts: Accounts,
    echo: Peer,
    server: ServerService,
  ) {
    this.world = world;
    this.accounts = accounts;
    this.echo = echo;
    this.#server = server;
  }

  static async start(
    method: Method,
    users: ServerUser[],
    mode: Mode = "tcp_and_udp",
  ): Promise<Scene> {
    const world = new World({}, method.name);
    const accounts = new Accounts(users, world.clock);
    const masterKey = key(method, SERVER_NAME);
    const server = await world.server({ masterKey, users, accounts, mode });
    return new Scene(world, accounts, await Peer.echo(world), server);
  }

  keys(who: string): ClientKeys {
    const { method } = this.world;
    return {
      method,
      masterKey: key(method, who),
      ...(method.family.needsClock &&
        { identityKeys: [key(method, SERVER_NAME)] }),
    };
  }

  client(who: string, port: number): Promise<PacketPeer> {
    const endpoint = { host: "10.0.1.1", port };
    return PacketPeer.bind(this.world, endpoint, this.keys(who));
  }

  update(users: ServerUser[]): void {
    const { method } = this.world;
    const masterKey = key(method, SERVER_NAME);
    this.#server.update({ method, masterKey, users });
    this.accounts.set(users);
  }

  usage(who: string): UserUsage {
    return this.accounts.usage(who);
  }

  stop(): ReturnType<typeof stopped> {
    return stopped(this.world);
  }

  /** Stops; these and no others must have been dropped. */
  async expectDropped(
    expected: Partial<Record<ErrorCode, number>>,
  ): Promise<void> {
    const [line] = await this.stop();
    const dropped = Object.entries(line!).filter(([name]) =>
      name.startsWith("ERR_")
    );
    assert.deepEqual(Object.fromEntries(dropped), expected);
  }
}
