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
import {
  type Received,
  SocksUdp,
  UdpEcho,
  UdpSocket,
  unwrap,
} from "../support/udp.ts";
import { pause } from "../support/within.ts";
import { startPeerLocal, startPeerServer } from "./peers.ts";

/**
 * Bytes around a payload and its address, where they are most: with an identity
 * header towards the server, without one back from it.
 */
const OVERHEAD = { aes: 16 + 16 + 11 + 16, chacha: 24 + 16 + 19 + 16 };

/** Bytes of 127.0.0.1 and a port. */
const ADDRESS = 1 + 4 + 2;

for (const { name, keyLength } of METHODS.filter((m) => m.family.needsClock)) {
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

for (const [from, to] of [["deno", "bun"], ["bun", "deno"]] as const) {
  test(`replayed packets get no answer, and neither end serves them, ${from} → ${to}`, async () => {
    const method = "2022-blake3-aes-256-gcm";
    const password = randomBytes(32).toString("base64");
    using echo = await UdpEcho.start();
    await using server = await startPeerServer(to, { method, password });
    // Between both ends: passes everything on, and keeps it.
    using middle = await UdpSocket.bind();
    const kept: Received[] = [];
    let client = server.address;
    middle.onDatagram = (datagram) => {
      kept.push(datagram);
      const isAnswer = datagram.from.port === server.address.port;
      if (!isAnswer) client = datagram.from;
      void middle.send(datagram.payload, isAnswer ? client : server.address);
    };
    await using local = await startPeerLocal(from, middle.address, {
      method,
      password,
    });
    using application = await SocksUdp.start(local.address);
    const target = { host: "127.0.0.1", port: echo.port };
    const ask = async (text: string): Promise<void> => {
      await application.send(Buffer.from(text), target);
      const { payload } = await application.receive();
      assert.equal(`${Buffer.from(payload)}`, text);
    };
    await ask("once");
    const [question, answer] = kept;
    using stranger = await UdpSocket.bind();
    for (let i = 0; i < 3; i++) {
      await stranger.send(question!.payload, server.address);
      await middle.send(answer!.payload, client);
    }
    // After all of them, the answer goes where the client is.
    await ask("twice");
    assert.equal(stranger.count, 0);
    assert.equal(echo.count, 2);
    assert.equal(application.socket.count, 2);
    await Promise.all([local.program.stop(), server.program.stop()]);
    for (const { program } of [local, server]) {
      assert.match(program.output, /stopped.* ERR_SS_REPLAY=3$/m);
    }
  });
}
