import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { readDnsAnswer } from "../../../../src/codec/dns_message.ts";
import { DNS_TCP_TIMEOUT_MS } from "../../../../src/limits.ts";
import { startDns } from "../../../../src/service/dns/dns_inbound.ts";
import {
  frameMessage,
  MessageReader,
} from "../../../../src/service/dns/dns_tcp.ts";
import { silentMetrics } from "../../../../src/observe.ts";
import type { Service } from "../../../../src/service/service.ts";
import type { DatagramSocket, Endpoint } from "../../../../src/transport.ts";
import { concat } from "../../../../src/bytes.ts";
import { hex } from "../../../support/bytes.ts";
import { settle } from "../../../support/fake_clock.ts";
import { readExactly, send } from "../../../support/streams.ts";
import { accepted, SERVER, World } from "../../../support/world.ts";

const DNS = { host: "127.0.0.1", port: 5_300 };
const RESOLVER = { host: "10.0.0.53", port: 53 };
const QUESTION = "056b6e6f776e04746573740000010001";

function query(id: string, question = QUESTION): Uint8Array {
  return hex(`${id}01000001000000000000${question}`);
}

/** 192.0.2.77 for 60 seconds; `records` times. */
function answer(id: string, { flags = "8180", records = 1 } = {}): Uint8Array {
  const count = records.toString(16).padStart(4, "0");
  const record = "c00c000100010000003c0004c000024d";
  return hex(
    `${id}${flags}0001${count}00000000${QUESTION}${record.repeat(records)}`,
  );
}

/** What came to a socket, with its senders. */
function collect(socket: DatagramSocket): { wire: string; from: Endpoint }[] {
  const got: { wire: string; from: Endpoint }[] = [];
  (async () => {
    for (let datagram; (datagram = await socket.receive());) {
      got.push({ wire: datagram.payload.toHex(), from: datagram.from });
    }
  })();
  return got;
}

async function start(world: World, gone: readonly Endpoint[] = []): Promise<{
  dns: Service;
  resolver: DatagramSocket;
  asked: { wire: string; from: Endpoint }[];
  client: DatagramSocket;
  answers: { wire: string; from: Endpoint }[];
}> {
  await world.server({ mode: "tcp_and_udp" });
  const { method, masterKey } = world;
  const dns = await startDns({
    listen: DNS,
    resolver: RESOLVER,
    servers: [...gone, SERVER].map((endpoint) => ({
      endpoint,
      method,
      masterKey,
    })),
  }, world.dependencies);
  const resolver = await world.network.bind(RESOLVER);
  const client = await world.network.bind({ host: "127.0.0.1", port: 4_000 });
  return {
    dns,
    resolver,
    asked: collect(resolver),
    client,
    answers: collect(client),
  };
}

describe("startDns()", () => {
  test("asks the resolver once, and again when the answer is too old", async () => {
    const world = new World();
    const { dns, resolver, asked, client, answers } = await start(world);
    await client.send(query("0001"), DNS);
    await settle();
    assert.deepEqual(asked.map(({ wire }) => wire), [query("0001").toHex()]);
    await resolver.send(answer("0001"), asked[0]!.from);
    await settle();
    assert.deepEqual(answers, [{ wire: answer("0001").toHex(), from: DNS }]);

    await world.clock.advance(59_999);
    await client.send(query("0002"), DNS);
    await settle();
    assert.equal(asked.length, 1);
    assert.equal(
      answers[1]!.wire,
      answer("0002").toHex().replace("0000003c", "00000001"),
    );

    await world.clock.advance(1);
    await client.send(query("0003"), DNS);
    await settle();
    assert.equal(asked.length, 2);
    await world.stop(dns);
    await world.stop();
  });

  test("takes no answer from others, nor to other questions", async () => {
    const world = new World();
    const { dns, resolver, asked, client, answers } = await start(world);
    await client.send(query("0001"), DNS);
    await settle();
    const { from } = asked[0]!;
    const forger = await world.network.bind({ host: "10.6.6.6", port: 53 });
    await forger.send(answer("0001"), from);
    await resolver.send(answer("0009"), from);
    const other = answer("0001").toHex().replace("6b6e6f776e", "6f74686572");
    await resolver.send(hex(other), from);
    await resolver.send(hex("00"), from);
    await settle();
    assert.deepEqual(answers, []);
    await resolver.send(answer("0001"), from);
    // Twice the same answer is one answer.
    await resolver.send(answer("0001"), from);
    await settle();
    assert.equal(answers.length, 1);
    await client.send(hex("ffff"), DNS);
    await settle();
    await world.stop(dns);
    const [line] = world.lines.filter(({ fields }) => "relayedUp" in fields);
    assert.equal(line?.fields["ERR_POLICY_STRANGER"], 1);
    assert.equal(line?.fields["ERR_DNS_MESSAGE"], 5);
    await world.stop();
  });

  test("asks over TCP, when the answer was cut, and cuts what is too large", async () => {
    const world = new World();
    const { dns, resolver, asked, client, answers } = await start(world);
    const listener = await world.target(RESOLVER);
    for (const [id, records] of [["0001", 2], ["0002", 100]] as const) {
      await client.send(query(id), DNS);
      await settle();
      const cut = answer(id, { flags: "8380", records: 0 });
      await resolver.send(cut, asked.at(-1)!.from);
      const far = await accepted(listener);
      const wire = query(id);
      assert.deepEqual(
        await readExactly(far, 2 + wire.length),
        concat(hex("001c"), wire),
      );
      const full = answer(id, { records });
      await send(far, Uint8Array.of(full.length >> 8, full.length), full);
      await settle();
      far.close();
      const got = hex(answers.at(-1)!.wire);
      if (records === 2) assert.deepEqual(got, full);
      else assert.equal(readDnsAnswer(got)?.truncated, true);
      await world.clock.advance(60_000);
    }
    await world.stop(dns);
    await world.stop();
    assert.equal(world.network.openConnections, 0);
  });

  test("survives an answer over TCP that no library encodes, and cuts it", async () => {
    const world = new World();
    const { dns, resolver, asked, client, answers } = await start(world);
    const listener = await world.target(RESOLVER);
    await client.send(query("0001"), DNS);
    await settle();
    await resolver.send(
      answer("0001", { flags: "8380", records: 0 }),
      asked[0]!.from,
    );
    const far = await accepted(listener);
    await readExactly(far, 2 + query("0001").length);
    // OPT with a name; a label with a dot; SSHFP of an algorithm of tomorrow.
    const records = "c00c000100010000003c0004c000024d".repeat(40) +
      "03612e62000001000100000000000400000000" +
      "c00c002c00010000003c0003fffe00" + "016100002904d0000000000000";
    const full = hex(`000181800001002a00000001${QUESTION}${records}`);
    await send(far, frameMessage(full));
    await settle();
    far.close();
    const cut = hex(`000183800001000000000000${QUESTION}`);
    assert.deepEqual(answers.map(({ wire }) => wire), [cut.toHex()]);
    // Over TCP it comes as it is.
    const stream = await world.network.dial(DNS);
    await send(stream, frameMessage(query("0002")));
    const again = await accepted(listener);
    await readExactly(again, 2 + query("0002").length);
    const other = full.slice();
    other[1] = 2;
    await send(again, frameMessage(other));
    assert.deepEqual(
      (await readExactly(stream, 2 + full.length)).subarray(2),
      other,
    );
    again.close();
    stream.close();
    assert.deepEqual(world.lines.filter(({ level }) => level === "error"), []);
    await world.stop(dns);
    await world.stop();
  });

  test("passes on what it does not know byte for byte, now and later", async () => {
    const world = new World();
    const { dns, resolver, asked, client, answers } = await start(world);
    const edns = (id: string): Uint8Array =>
      hex(
        `${id}01000001000000000001${QUESTION}` + "0000291000000000000000",
      );
    await client.send(edns("0001"), DNS);
    await settle();
    const records = "c00c002c00010000003c0004fffe0102" + // SSHFP, unknown
      "c00cfde900010000003c0003c0ffee" + // a type for private use
      "02ff2e00000100010000003c0004c000024d" + // labels of any bytes
      "0000290200000000000000";
    const full = (id: string, ttl = "0000003c"): string =>
      `${id}81800001000300000001${QUESTION}` +
      records.replaceAll("0000003c", ttl);
    await resolver.send(hex(full("0001")), asked[0]!.from);
    await settle();
    await world.clock.advance(20_000);
    await client.send(edns("0002"), DNS);
    await settle();
    assert.equal(asked.length, 1);
    assert.deepEqual(answers.map(({ wire }) => wire), [
      full("0001"),
      full("0002", "00000028"),
    ]);
    await world.stop(dns);
    await world.stop();
  });

  test("keeps the case of the question, and no answer in another case", async () => {
    const world = new World();
    const { dns, resolver, asked, client, answers } = await start(world);
    const mixed = QUESTION.replace("6b6e6f", "4b6e4f");
    // The resolver, or a forger, does not keep the case: the client may judge.
    await client.send(query("0001", mixed), DNS);
    await settle();
    assert.equal(asked[0]!.wire, query("0001", mixed).toHex());
    await resolver.send(answer("0001"), asked[0]!.from);
    await settle();
    await client.send(query("0002", mixed), DNS);
    await settle();
    assert.equal(asked.length, 2, "it is asked again");
    const kept = answer("0002").toHex().replace(QUESTION, mixed);
    await resolver.send(hex(kept), asked[1]!.from);
    await settle();
    // From the cache, in each client's own case.
    await client.send(query("0003"), DNS);
    await settle();
    assert.equal(asked.length, 2);
    assert.deepEqual(answers.map(({ wire }) => wire), [
      answer("0001").toHex(),
      kept,
      answer("0003").toHex(),
    ]);
    await world.stop(dns);
    await world.stop();
  });

  test("survives a defect of its own, which is logged with its code and counted", async () => {
    const world = new World();
    const counted: string[] = [];
    world.metrics = {
      ...silentMetrics,
      connectionRefused: (code) => counted.push(code),
      datagramRelayed: () => {
        throw new TypeError("a defect");
      },
      datagramDropped: (code) => {
        counted.push(code);
        throw new TypeError("a defect of the owner");
      },
    };
    const { dns, client } = await start(world);
    await client.send(query("0001"), DNS);
    await settle();
    assert.deepEqual(counted.slice(0, 2), ["ERR_DEFECT", "ERR_DEFECT"]);
    const lines = world.lines.filter(({ level }) => level === "error");
    assert.ok(lines.length > 0);
    for (const { message, fields } of lines) {
      assert.match(message, /failed$/);
      assert.equal(fields.code, "ERR_DEFECT");
    }
    world.metrics = silentMetrics;
    await world.stop(dns);
    await world.stop();
  });

  test("answers over TCP, from the cache too, and one query after the other", async () => {
    const world = new World();
    const { dns } = await start(world);
    const listener = await world.target(RESOLVER);
    const client = await world.network.dial(DNS);
    const wire = query("0001");
    await send(client, concat(hex("001c"), wire, hex("001c"), query("0002")));
    const far = await accepted(listener);
    await readExactly(far, 2 + wire.length);
    const full = answer("0001", { records: 2 });
    await send(far, Uint8Array.of(full.length >> 8, full.length), full);
    assert.deepEqual(
      await readExactly(client, 2 + full.length),
      concat(Uint8Array.of(0, full.length), full),
    );
    const second = await readExactly(client, 2 + full.length);
    assert.deepEqual(second.subarray(2), answer("0002", { records: 2 }));
    await world.clock.advance(10_000);
    await settle();
    assert.equal(world.network.openListeners, 3);
    await world.stop(dns);
    far.close();
    client.close();
    await world.stop();
    assert.equal(world.network.openConnections, 0);
  });

  test("closes a connection whose client takes no answers", async () => {
    const world = new World({ capacity: 1_024 });
    const { dns, resolver, asked, client } = await start(world);
    await client.send(query("0001"), DNS);
    await settle();
    await resolver.send(answer("0001"), asked[0]!.from);
    await settle();
    const before = world.network.openConnections;
    const greedy = await world.network.dial(DNS);
    const wire = concat(hex("001c"), query("0002"));
    await send(greedy, concat(...Array.from({ length: 30 }, () => wire)));
    await world.clock.advance(DNS_TCP_TIMEOUT_MS - 1);
    assert.equal(world.network.openConnections, before + 2);
    await world.clock.advance(1);
    assert.equal(world.network.openConnections, before + 1);
    greedy.close();
    await world.stop(dns);
    await world.stop();
  });

  test("asks over TCP, when no answer comes over UDP", async () => {
    const world = new World();
    const { dns, resolver, asked, client, answers } = await start(world);
    const listener = await world.target(RESOLVER);
    await client.send(query("0001"), DNS);
    await world.clock.advance(1_000);
    // Asked once more it waits no longer.
    await client.send(query("0001"), DNS);
    await settle();
    assert.equal(asked.length, 2);
    await world.clock.advance(1_000);
    const far = await accepted(listener);
    const wire = query("0001");
    await readExactly(far, 2 + wire.length);
    const full = answer("0001");
    await send(far, Uint8Array.of(full.length >> 8, full.length), full);
    await settle();
    assert.deepEqual(answers.map(({ wire }) => wire), [full.toHex()]);
    // Too late: it has been answered.
    await resolver.send(full, asked[0]!.from);
    await settle();
    assert.equal(answers.length, 1);
    // Answered in time, it is not asked again.
    await world.clock.advance(60_000);
    await client.send(query("0002"), DNS);
    await settle();
    await resolver.send(answer("0002"), asked.at(-1)!.from);
    await world.clock.advance(10_000);
    assert.equal(answers.length, 2);
    assert.equal(world.network.dialled.length, 2);
    far.close();
    await world.stop(dns);
    await world.stop();
    assert.equal(world.network.openConnections, 0);
  });

  test("tells once of a server that answers nothing over UDP, and not of one that does", async () => {
    for (const heard of [false, true]) {
      const world = new World();
      const { dns, resolver, asked, client } = await start(world);
      if (heard) {
        await client.send(query("0001"), DNS);
        await settle();
        await resolver.send(answer("0001"), asked[0]!.from);
        await settle();
        await world.clock.advance(60_000);
      }
      for (const id of ["0002", "0003"]) {
        await client.send(query(id), DNS);
        await world.clock.advance(2_000);
      }
      const told = world.lines.filter(({ message }) =>
        message === "no DNS answer over UDP"
      );
      assert.equal(told.length, heard ? 0 : 1);
      await world.stop(dns);
      await world.stop();
    }
  });

  test("lets the next server ask, when one cannot be reached", async () => {
    const silent = { host: "10.0.0.4", port: 8388 };
    const refusing = { host: "10.0.0.5", port: 8388 };
    const world = new World({
      dialFailures: new Map([["10.0.0.4:8388", "hang"]]),
    });
    const { dns, resolver, asked, client, answers } = await start(world, [
      silent,
      refusing,
    ]);
    const listener = await world.target(RESOLVER);
    await client.send(query("0001"), DNS);
    // 2 seconds without an answer, and 2 until the first one's turn is over.
    await world.clock.advance(2_000);
    await world.clock.advance(2_000);
    const far = await accepted(listener);
    await readExactly(far, 2 + query("0001").length);
    const full = answer("0001", { records: 2 });
    await send(far, Uint8Array.of(full.length >> 8, full.length), full);
    await settle();
    assert.equal(answers.length, 1);
    far.close();
    assert.equal(asked.length, 0);
    // From now on UDP goes there, also for who has asked before.
    await world.clock.advance(60_000);
    await client.send(query("0002"), DNS);
    await settle();
    assert.equal(asked.length, 1);
    await resolver.send(answer("0002"), asked[0]!.from);
    await settle();
    assert.equal(answers.length, 2);
    await world.stop(dns);
    await world.stop();
    assert.equal(world.network.openConnections, 0);
    assert.equal(world.network.openSockets, 2);
  });

  test("wants an IP address for a resolver", async () => {
    const world = new World();
    const { method, masterKey } = world;
    await assert.rejects(
      startDns({
        listen: DNS,
        resolver: { host: "dns.test", port: 53 },
        servers: [{ endpoint: SERVER, method, masterKey }],
      }, world.dependencies),
      RangeError,
    );
  });
});

test("MessageReader cuts messages out of reads of every size", async () => {
  const wire = concat(hex("0001aa"), hex("0000"), hex("0003010203"));
  for (let size = 1; size <= wire.length; size++) {
    let at = 0;
    const reader = new MessageReader(() => {
      const part = wire.slice(at, at + size);
      at += size;
      return Promise.resolve(part.length > 0 ? part : undefined);
    }, 3);
    const messages = [];
    for (let message; (message = await reader.next());) {
      messages.push(message.toHex());
    }
    assert.deepEqual(messages, ["aa", "", "010203"]);
  }
});

test("frameMessage() refuses what its length cannot say", () => {
  const most = frameMessage(new Uint8Array(65_535));
  assert.deepEqual([...most.subarray(0, 2), most.length], [255, 255, 65_537]);
  assert.throws(() => frameMessage(new Uint8Array(65_536)), RangeError);
});

test("MessageReader refuses what is too long, or cut", async () => {
  for (const wire of ["0004", "00", "000301"]) {
    const parts = [hex(wire)];
    const reader = new MessageReader(() => Promise.resolve(parts.shift()), 3);
    await assert.rejects(reader.next(), { code: "ERR_DNS_MESSAGE" });
  }
});
