/**
 * UDP of the 2022 edition through real processes of ours, a runtime at each
 * end: every method, alone and as one of several users, and every size.
 *
 * @module
 */
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { randomBytes } from "node:crypto";
import { test } from "node:test";
import { METHODS } from "../../src/crypto/method.ts";
import { seededBytes } from "../support/bytes.ts";
import { SocksUdp, UdpEcho, UdpSocket, unwrap } from "../support/udp.ts";
import { pause } from "../support/within.ts";
import { startPeerLocal, startPeerServer } from "./peers.ts";

/**
 * Bytes around a payload and its address, where they are most: with an identity
 * header towards the server, without one back from it.
 */
const OVERHEAD = { aes: 16 + 16 + 11 + 16, chacha: 24 + 16 + 19 + 16 };

/** Bytes of 127.0.0.1 and a port. */
const ADDRESS = 1 + 4 + 2;

for (const { name, keyLength } of METHODS.filter((m) => m.edition === 2022)) {
  const key = (): string => randomBytes(keyLength).toString("base64");
  const isAes = name.includes("aes");
  for (const [from, to] of [["deno", "bun"], ["bun", "deno"]] as const) {
    test(`datagrams of every size come back with ${name}, ${from} → ${to}`, async () => {
      const password = key();
      const users = ["alice", "bob"].map((name) => ({ name, password: key() }));
      using echo = await UdpEcho.start();
      await using server = await startPeerServer(to, {
        method: name,
        password,
        ...isAes && { users },
      });
      await using local = await startPeerLocal(from, server.address, {
        method: name,
        password: isAes ? `${password}:${users[1]!.password}` : password,
      });
      using client = await SocksUdp.start(local.address);
      const target = { host: "127.0.0.1", port: echo.port };
      const largest = 65_507 - ADDRESS -
        (isAes ? OVERHEAD.aes : OVERHEAD.chacha);
      const said = (): string =>
        local.program.describe() + server.program.describe();
      const sizes = [0, 1, 512, 1_200, 1_472, 9_000, largest];
      for (const size of sizes) {
        const payload = seededBytes(size, size);
        await client.send(payload, target);
        const answer = await client.receive().catch((error) => {
          throw new Error(`${size} bytes: ${said()}`, { cause: error });
        });
        assert.ok(Buffer.from(payload).equals(answer.payload));
        assert.deepEqual(answer.from, target);
      }
      // One byte more does not fit one way: counted, and nothing else.
      await client.send(seededBytes(largest + 1), target);
      // A crowd, whose answers find their own way home.
      const crowd = await Promise.all(
        Array.from({ length: 50 }, () => UdpSocket.bind()),
      );
      await Promise.all(crowd.map(async (socket, i) => {
        await client.send(Buffer.from(`${i}`), target, socket);
        const { payload } = unwrap((await socket.receive()).payload);
        assert.equal(`${Buffer.from(payload)}`, `${i}`, said());
        socket[Symbol.dispose]();
      }));
      await pause(50);
      await Promise.all([local.program.stop(), server.program.stop()]);
      const [tooLong, fine] = isAes ? [local, server] : [server, local];
      assert.match(
        tooLong.program.output,
        /stopped.* ERR_NET_MESSAGE_SIZE=1$/m,
      );
      assert.match(fine.program.output, /UDP relay stopped.* flowsFailed=0$/m);
    });
  }
}
