import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { masterKeyFromPassword } from "../../../src/crypto/master_key.ts";
import { findMethod, type Method } from "../../../src/crypto/method.ts";
import { referenceKeyStreams } from "../../../src/crypto/key_streams/reference.ts";
import { nobleProvider } from "../../../src/crypto/noble.ts";
import { systemRandomBytes } from "../../../src/random.ts";
import { PolicyError } from "../../../src/errors.ts";
import { Accounts } from "../../../src/service/server/accounts.ts";
import type { ServerService } from "../../../src/service/server/server.ts";
import { clientProtocol } from "../../../src/session/families.ts";
import type { ServerUser } from "../../../src/session/server_user.ts";
import type { Connection } from "../../../src/transport.ts";
import type { UserLimits } from "../../../src/users.ts";
import { seededBytes } from "../../support/bytes.ts";
import { settle } from "../../support/fake_clock.ts";
import { observe, send } from "../../support/streams.ts";
import { accepted, SERVER, TARGET, World } from "../../support/world.ts";

for (const name of ["aes-128-gcm", "2022-blake3-aes-128-gcm"]) {
  const method = findMethod(name);
  const user = (name: string, limits?: UserLimits): ServerUser => ({
    name,
    masterKey: key(method, name),
    ...(limits && { limits }),
  });

  describe(`several users of ${name}`, () => {
    test("are served by their own key, named in the log, and counted", async () => {
      const { world, accounts, target } = await start(method, [
        user("alice"),
        user("bob"),
      ]);
      for (const who of ["alice", "bob", "alice"]) {
        const client = await knock(world, who, seededBytes(100));
        const far = await accepted(target);
        const seen = observe(client);
        await send(far, seededBytes(200));
        await settle();
        assert.ok(seen().received.length > 200);
        const during = accounts.usage(who);
        assert.equal(during.open, 1);
        assert.equal(during.hosts.length, 1);
        client.close();
        far.close();
        await settle();
        assert.equal(world.lines.at(-1)?.fields["user"], who);
      }
      const alice = accounts.usage("alice");
      const bob = accounts.usage("bob");
      assert.deepEqual(
        [alice.bytesUp, alice.bytesDown, alice.connections, alice.open],
        [200, 400, 2, 0],
      );
      assert.deepEqual([bob.bytesUp, bob.bytesDown], [100, 200]);
      assert.equal(bob.lastSeenUnixMs, world.clock.unixMs());
      target.close();
      await world.stop();
    });

    test("do not include a stranger, who sees silence", async () => {
      const { world, target } = await start(method, [user("alice")]);
      const client = await knock(world, "mallory", seededBytes(100));
      const seen = observe(client);
      await settle();
      assert.equal(seen().end, "open");
      assert.equal(
        world.lines.at(-1)?.fields["code"],
        name.startsWith("2022")
          ? "ERR_SS_USER_UNKNOWN"
          : "ERR_SS_AUTHENTICATION",
      );
      client.close();
      target.close();
      await world.stop();
    });

    test("a quota ends its user's download, and no other", async () => {
      const quotaBytes = 1_000_000;
      const { world, accounts, target } = await start(method, [
        user("alice", { quotaBytes }),
        user("bob"),
      ]);
      const ends: Connection[] = [];
      const seen = [];
      for (const who of ["alice", "bob"]) {
        const client = await knock(world, who, seededBytes(10));
        ends.push(client, await accepted(target));
        seen.push(observe(client));
      }
      const part = seededBytes(9_000);
      for (let i = 0; i < 200; i++) {
        for (const far of [ends[1]!, ends[3]!]) {
          await send(far, part).catch(() => {});
        }
      }
      await settle();
      const used = accounts.usage("alice");
      const moved = used.bytesUp + used.bytesDown;
      assert.ok(moved <= quotaBytes && moved > 0.99 * quotaBytes, `${moved}`);
      assert.notEqual(seen[0]!().end, "open");
      assert.equal(seen[1]!().end, "open");
      assert.equal(accounts.usage("bob").bytesDown, 200 * part.length);
      assert.equal(world.logged("code", "ERR_POLICY_USER_QUOTA").length, 1);
      for (const end of ends) end.close();
      target.close();
      await world.stop();
    });

    test("a rate slows its user down to it, both ways, and no other", async () => {
      const bytesPerSecond = 10_000;
      const { world, accounts, target } = await start(method, [
        user("alice", { bytesPerSecond }),
        user("bob"),
      ]);
      const ends: Connection[] = [];
      for (const who of ["alice", "bob"]) {
        const client = await knock(world, who, seededBytes(10));
        const far = await accepted(target);
        observe(client);
        ends.push(client, far);
      }
      for (let i = 0; i < 20; i++) {
        for (const far of [ends[1]!, ends[3]!]) {
          await send(far, seededBytes(5_000));
        }
        await settle();
      }
      assert.equal(accounts.usage("bob").bytesDown, 100_000);
      for (let i = 0; i < 50; i++) await world.clock.advance(100);
      const { bytesDown } = accounts.usage("alice");
      // What is counted waits for its turn: one chunk more than has passed.
      assert.ok(
        bytesDown >= 50_000 && bytesDown <= 60_000,
        `${bytesDown} in 5 s`,
      );
      for (const end of ends) end.close();
      target.close();
      await world.stop();
    });

    test("a limit of addresses counts those that are connected", async () => {
      const { world, accounts } = await start(method, []);
      accounts.set([{ name: "alice", limits: { maxHosts: 2 } }]);
      const connect = (host: string): Disposable =>
        accounts.connect("alice", host);
      const first = connect("192.0.2.1");
      connect("192.0.2.1");
      connect("192.0.2.2");
      assert.throws(() => connect("192.0.2.3"), {
        code: "ERR_POLICY_USER_HOSTS",
      });
      first[Symbol.dispose]();
      first[Symbol.dispose]();
      assert.throws(() => connect("192.0.2.3"), PolicyError);
      assert.deepEqual(
        accounts.usage("alice").hosts,
        ["192.0.2.1", "192.0.2.2"],
      );
      await world.stop();
    });

    test("come and go while the server runs, and others do not notice", async () => {
      const { world, accounts, target, server } = await start(method, [
        user("alice"),
        user("bob"),
        user("carol"),
      ]);
      const open = async (who: string): Promise<() => string> => {
        const client = await knock(world, who, seededBytes(10));
        await accepted(target);
        const seen = observe(client);
        return () => seen().end;
      };
      const [alice, bob, carol] = [
        await open("alice"),
        await open("bob"),
        await open("carol"),
      ];
      const users = [
        user("bob"),
        { ...user("carol"), disabled: true },
        user("dave"),
      ];
      server.update({ method, masterKey: key(method, SERVER_NAME), users });
      accounts.set(users);
      await settle();
      assert.notEqual(alice(), "open");
      assert.equal(bob(), "open");
      assert.notEqual(carol(), "open");
      assert.equal(world.logged("code", "ERR_POLICY_USER_DISABLED").length, 2);
      assert.equal((await open("dave"))(), "open");
      await expectRefused(world, "carol", "ERR_POLICY_USER_DISABLED", 3);
      const stranger = await knock(world, "alice", seededBytes(10));
      const seen = observe(stranger);
      await settle();
      assert.equal(seen().end, "open", "silence, as for any stranger");
      assert.deepEqual([...accounts.users].map(({ name }) => name), [
        "bob",
        "carol",
        "dave",
      ]);
      assert.equal(accounts.total().connections, 4);
      target.close();
      await world.stop();
    });

    test("cannot be changed to what cannot be told apart", async () => {
      const { world, target, server } = await start(method, [user("alice")]);
      const masterKey = key(method, SERVER_NAME);
      const wrong = [[user("bob"), user("bob")], [
        user("bob"),
        { ...user("bob"), name: "robert" },
      ]];
      for (const users of wrong) {
        assert.throws(
          () => server.update({ method, masterKey, users }),
          RangeError,
        );
      }
      (await knock(world, "alice", seededBytes(10))).close();
      (await accepted(target)).close();
      target.close();
      await world.stop();
    });

    test("limits of connections and of time refuse at once, and name the reason", async () => {
      const { world, target } = await start(method, [
        user("alice", { maxConnections: 1 }),
        user("bob", { expiresUnixMs: 1_700_000_010_000 }),
      ]);
      const first = await knock(world, "alice", seededBytes(10));
      const far = await accepted(target);
      await expectRefused(world, "alice", "ERR_POLICY_USER_CONNECTIONS");
      first.close();
      far.close();
      await settle();
      const again = await knock(world, "alice", seededBytes(10));
      (await accepted(target)).close();
      again.close();
      const bob = await knock(world, "bob", seededBytes(10));
      (await accepted(target)).close();
      bob.close();
      await world.clock.advance(10_000);
      await expectRefused(world, "bob", "ERR_POLICY_USER_EXPIRED");
      target.close();
      await world.stop();
    });
  });
}

const SERVER_NAME = "the server's";

function key(method: Method, user: string): Uint8Array {
  return masterKeyFromPassword(user, method);
}

async function start(method: Method, users: ServerUser[]): Promise<{
  world: World;
  accounts: Accounts;
  server: ServerService;
  target: Awaited<ReturnType<World["target"]>>;
}> {
  const world = new World({ capacity: 1 << 20 }, method.name);
  const accounts = new Accounts(users, world.clock);
  const masterKey = key(method, SERVER_NAME);
  const server = await world.server({ masterKey, users, accounts });
  return { world, accounts, server, target: await world.target() };
}

async function knock(
  world: World,
  who: string,
  payload: Uint8Array,
): Promise<Connection> {
  const client = await world.network.dial(SERVER);
  const { method } = world;
  const session = clientProtocol({
    method,
    masterKey: key(method, who),
    ...(method.family.needsClock &&
      { identityKeys: [key(method, SERVER_NAME)] }),
  }, {
    aeadProvider: nobleProvider,
    keyStreamProvider: referenceKeyStreams,
    clock: world.clock,
    randomBytes: systemRandomBytes,
  }).stream();
  await send(client, session.request(TARGET, payload));
  return client;
}

async function expectRefused(
  world: World,
  who: string,
  code: string,
  times = 1,
): Promise<void> {
  const client = await knock(world, who, seededBytes(10));
  const seen = observe(client);
  await settle();
  assert.notEqual(seen().end, "open");
  assert.equal(seen().received.length, 0);
  assert.equal(world.logged("code", code).length, times);
  client.close();
  await settle();
}
