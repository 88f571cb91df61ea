/**
 * Changes of users over UDP, through real processes: a reload ends the flows of
 * removed users, and no others.
 *
 * @module
 */
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { freePort, Program } from "../support/process.ts";
import { ROOT } from "../support/runtimes.ts";
import { programCommand } from "../support/program_command.ts";
import { SocksUdp, UdpSocket } from "../support/udp.ts";
import { End, startLocal } from "./chain.ts";

const SERVER_KEY = "wMHCw8TFxsfIycrLzM3Ozw==";
const USERS = [
  { name: "alice", password: "4OHi4+Tl5ufo6err7O3u7w==" },
  { name: "bob", password: "gIGCg4SFhoeIiYqLjI2Ojw==" },
] as const;
const [ALICE, BOB] = USERS;

const folder = mkdtempSync(join(tmpdir(), "umbra-udp-users-"));
after(() => rmSync(folder, { recursive: true, force: true }));

for (
  const [local, server, method] of [
    ["bun", "deno", "aes-128-gcm"],
    ["deno", "bun", "2022-blake3-aes-128-gcm"],
  ] as const
) {
  test(`users of ${method} come and go over UDP, ${local} → ${server}`, async () => {
    const address = { host: "127.0.0.1", port: await freePort() };
    const path = join(folder, `${server}.json`);
    const write = (users: readonly object[]): void =>
      writeFileSync(
        path,
        JSON.stringify({
          server: address.host,
          "server_port": address.port,
          mode: "tcp_and_udp",
          method,
          password: SERVER_KEY,
          "allow_private": "all",
          users,
        }),
      );
    write(USERS);
    const program = await Program.start(
      [...programCommand(server), "server", "-v", "-c", path],
      { ready: /listening on/, cwd: ROOT },
    );
    await using _server = new End(address, program);
    const localOf = (password: string): Promise<End> =>
      startLocal(local, address, {
        method,
        password: method.startsWith("2022")
          ? `${SERVER_KEY}:${password}`
          : password,
        flags: ["-u"],
      });
    await using alices = await localOf(ALICE.password);
    await using bobs = await localOf(BOB.password);
    using alice = await SocksUdp.start(alices.address);
    using bob = await SocksUdp.start(bobs.address);
    // Sees which socket of the server somebody is at.
    using target = await UdpSocket.bind();
    const ask = async (client: SocksUdp, text: string): Promise<number> => {
      await client.send(Buffer.from(text), target.address);
      const { payload, from } = await target.receive();
      assert.equal(`${Buffer.from(payload)}`, text, program.describe());
      return from.port;
    };
    const places = [await ask(alice, "one"), await ask(bob, "one")];
    write([BOB]);
    program.signal("SIGHUP");
    await program.waitForOutput(/reload: .*alice/, 5_000);
    await alice.send(Buffer.from("not any more"), target.address);
    // Without this wait, a slow local could deliver it when alice is back.
    await program.waitForOutput(/datagram dropped/, 5_000);
    assert.equal(await ask(bob, "two"), places[1]);
    write(USERS);
    program.signal("SIGHUP");
    await program.waitForOutput(/reload: .*alice[^]*reload: .*alice/, 5_000);
    assert.notEqual(await ask(alice, "back"), places[0]);
    assert.equal(await ask(bob, "three"), places[1]);
    await program.stop();
    assert.match(
      program.output,
      /UDP relay stopped.* flowsEnded=3 .*ERR_SS_\w+=1$/m,
    );
  });
}
