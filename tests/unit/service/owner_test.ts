/**
 * Clients without a name whose port has limits: they have one account.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Accounts } from "../../../src/service/server/accounts.ts";
import { seededBytes } from "../../support/bytes.ts";
import { settle } from "../../support/fake_clock.ts";
import { readExactly, send } from "../../support/streams.ts";
import { Application, Peer } from "../../support/udp_world.ts";
import { accepted, World } from "../../support/world.ts";

const owner = (quotaBytes: number) => ({
  name: "carl",
  limits: { quotaBytes },
});

test("a quota of those without a name ends their connections, and a reload gives more", async () => {
  const world = new World({}, "aes-256-cfb");
  const server = await world.server({ owner: owner(1_000) });
  await world.local();
  const target = await world.target();
  const { client } = await world.connect();
  await send(client, seededBytes(600));
  const far = await accepted(target);
  assert.deepEqual(await readExactly(far, 600), seededBytes(600));
  await send(client, seededBytes(600));
  await settle();
  assert.equal(world.logged("code", "ERR_POLICY_USER_QUOTA").length, 1);
  assert.equal(world.logged("user", "carl").length, 1);
  for (const end of [client, far]) end.close();

  const { method, masterKey } = world;
  server.update({ method, masterKey, owner: owner(5_000) });
  const again = await world.connect();
  await send(again.client, seededBytes(600));
  const next = await accepted(target);
  assert.deepEqual(await readExactly(next, 600), seededBytes(600));
  for (const end of [again.client, next]) end.close();
  await world.stop();
});

test("the same quota holds for datagrams, and without an owner there is none", async () => {
  for (const given of [{ owner: owner(10) }, {}]) {
    const world = new World({}, "aes-256-cfb");
    await world.server({ mode: "tcp_and_udp", ...given });
    await world.local({ mode: "tcp_and_udp" });
    await Peer.echo(world);
    const application = await Application.start(world, 4_000);
    for (const text of ["12345", "67890", "x"]) {
      await application.ask(text);
      await settle();
    }
    const all = ["10.0.0.3:7 12345", "10.0.0.3:7 67890", "10.0.0.3:7 x"];
    // Five bytes up and five down are ten.
    assert.deepEqual(
      application.answers,
      "owner" in given ? all.slice(0, 1) : all,
    );
    await world.stop();
  }
});

test("accounts of others are given the name of the owner as well", async () => {
  const world = new World({}, "aes-256-cfb");
  const accounts = new Accounts([owner(1_000)], world.clock);
  await world.server({ owner: owner(1_000), accounts });
  await world.local();
  const target = await world.target();
  const { client } = await world.connect();
  await send(client, seededBytes(7));
  const far = await accepted(target);
  assert.equal((await readExactly(far, 7)).length, 7);
  assert.equal(accounts.usage().get("carl")?.bytesUp, 7);
  assert.equal(accounts.total().bytesUp, 7);
  for (const end of [client, far]) end.close();
  await world.stop();
});
