/**
 * UDP through real processes: every size and kind of target, many packets, many
 * clients, and ports without a listener.
 *
 * @module
 */
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { test } from "node:test";
import { pathToFileURL } from "node:url";
import { join } from "node:path";
import { seededBytes } from "../support/bytes.ts";
import { type Program, runToEnd } from "../support/process.ts";
import { announceSkip, report } from "../support/report.ts";
import { denoPath, ROOT } from "../support/runtimes.ts";
import { SocksRefusal } from "../support/tcp.ts";
import { SocksUdp, UdpEcho, UdpSocket, unwrap } from "../support/udp.ts";
import { pause, until } from "../support/within.ts";
import { Chain, OUR_PAIRINGS, PAIRINGS } from "./chain.ts";

/** Payloads that every pairing relays. */
const SIZES = [0, 1, 512, 1_200, 1_472];

/** Bytes of libev's buffer, which must take a sealed packet: 2 × 1,397. */
const LIBEV_BUFFER = 2_794;

/** Salt and tag of the method in use. */
const OVERHEAD = 32 + 16;

/** ::1 in hex. */
const LOOPBACK = `${"00".repeat(15)}01`;

for (const pairing of PAIRINGS) {
  const ours = pairing.local !== "libev" && pairing.server !== "libev";
  test(`datagrams of every size come back through ${pairing.name}`, {
    skip: pairing.skip,
  }, async () => {
    using echo = await UdpEcho.start();
    await using chain = await Chain.start(pairing, { flags: ["-u"] });
    using client = await SocksUdp.start(chain.local.address);
    if (!echo.hasIpv6) announceSkip("UDP over IPv6: this machine has no ::1");
    const targets: [host: string, header: number, source: string][] = [
      ["127.0.0.1", 7, "127.0.0.1"],
      // 127.0.0.1 comes first wherever these tests have been.
      ["localhost", 4 + "localhost".length, "127.0.0.1"],
    ];
    if (echo.hasIpv6) targets.push(["::1", 19, LOOPBACK]);
    for (const [host, header, source] of targets) {
      const largest = 65_507 - OVERHEAD - header;
      const sizes = ours ? [...SIZES, 9_000, largest] : SIZES;
      for (const size of sizes) {
        const payload = seededBytes(size, size);
        await client.send(payload, { host, port: echo.port });
        const answer = await client.receive().catch((error) => {
          throw new Error(`${size} bytes to ${host}: ${chain.describe()}`, {
            cause: error,
          });
        });
        assert.ok(Buffer.from(payload).equals(answer.payload));
        assert.deepEqual(answer.from, { host: source, port: echo.port });
      }
    }
  });
}

for (const pairing of PAIRINGS.filter((p) => !OUR_PAIRINGS.includes(p))) {
  test(
    `2,739 bytes and no more come back through ${pairing.name}: libev's buffer`,
    {
      skip: pairing.skip,
    },
    async () => {
      using echo = await UdpEcho.start();
      await using chain = await Chain.start(pairing, { flags: ["-u"] });
      using client = await SocksUdp.start(chain.local.address);
      const target = { host: "127.0.0.1", port: echo.port };
      const largest = LIBEV_BUFFER - OVERHEAD - 7;
      const sizes: number[] = [];
      for (const sent of [[largest], [largest + 1, 1]]) {
        for (const size of sent) {
          await client.send(seededBytes(size, size), target);
        }
        sizes.push((await client.receive()).payload.length);
      }
      assert.deepEqual(sizes, [2_739, 1], chain.describe());
    },
  );
}

for (const pairing of OUR_PAIRINGS.filter((p) => p.local !== p.server)) {
  test(`10,000 datagrams: ${pairing.name} counts what it loses`, async () => {
    using echo = await UdpEcho.start();
    await using chain = await Chain.start(pairing, { flags: ["-u"] });
    using client = await SocksUdp.start(chain.local.address);
    const target = { host: "127.0.0.1", port: echo.port };
    const payload = seededBytes(200);
    const total = 10_000;
    client.socket.onDatagram = () => {};
    for (let sent = 0; sent < total;) {
      for (let i = 0; i < 20; i++, sent++) await client.send(payload, target);
      // 2,000 a second; a machine that is busy gets no burst to catch up with.
      await pause(10);
    }
    let last = -1;
    await until(10_000, "nothing more comes", async () => {
      last = client.socket.count;
      await pause(300);
      return client.socket.count === last;
    });
    const [local, server] = await stop(chain);
    report(
      `${pairing.name}: ${total} sent, local took ${local.received}, ` +
        `server ${server.received}, target ${echo.count}, back ${last}`,
    );
    // What one side relayed and the other never took was lost in between.
    assert.ok(local.received! <= total);
    assert.ok(server.received! <= local.relayedUp!);
    assert.ok(echo.count <= server.relayedUp!);
    assert.ok(server.relayedDown! <= echo.count);
    assert.ok(local.relayedDown! <= server.relayedDown!);
    assert.ok(last <= local.relayedDown!);
    for (const side of [local, server]) {
      const dropped = Object.entries(side).filter(([key]) =>
        key.startsWith("ERR_")
      ).reduce((sum, [, count]) => sum + count, 0);
      assert.equal(
        side.received! - side.relayedUp!,
        dropped - side.droppedDown!,
      );
    }
    assert.ok(last > 0.8 * total, `only ${last} came back`);
  });
}

for (const pairing of OUR_PAIRINGS) {
  test(`5,000 clients take no more descriptors than allowed, with ${pairing.name}`, async () => {
    using echo = await UdpEcho.start();
    const flags = ["-u", "--udp-max-associations", "200"];
    await using chain = await Chain.start(pairing, { flags });
    using client = await SocksUdp.start(chain.local.address);
    const target = { host: "127.0.0.1", port: echo.port };
    const ends = [chain.local.program, chain.server.program];
    const before = ends.map((program) => program.descriptors());
    let answered = 0;
    for (let batch = 0; batch < 100; batch++) {
      const sockets = await Promise.all(
        Array.from({ length: 50 }, () => UdpSocket.bind()),
      );
      await Promise.all(sockets.map(async (socket, i) => {
        const payload = Buffer.from(`${batch} ${i}`);
        await client.send(payload, target, socket);
        const answer = unwrap((await socket.receive()).payload);
        assert.ok(payload.equals(answer.payload));
        answered++;
      }));
      for (const socket of sockets) socket[Symbol.dispose]();
      for (const [i, program] of ends.entries()) {
        assert.ok(program.descriptors() <= before[i]! + 220);
      }
    }
    assert.equal(answered, 5_000);
    for (const counts of await stop(chain)) {
      // The system gives a few of the ports out twice.
      assert.ok(counts.flowsEvicted! > 4_700, `${counts.flowsEvicted}`);
      assert.equal(counts.flowsEnded, 200);
    }
  });
}

for (const pairing of OUR_PAIRINGS.filter((p) => p.local === p.server)) {
  test(`ports without a listener do no harm to ${pairing.name}`, async () => {
    using echo = await UdpEcho.start();
    await using chain = await Chain.start(pairing, { flags: ["-u"] });
    const gone = await UdpSocket.bind();
    const nobody = gone.address;
    gone[Symbol.dispose]();
    using client = await SocksUdp.start(chain.local.address);
    for (let i = 0; i < 30; i++) {
      await client.send(Buffer.from("nobody"), nobody);
      await pause(5);
      await client.send(Buffer.from(`${i}`), {
        host: "127.0.0.1",
        port: echo.port,
      });
      assert.equal(`${Buffer.from((await client.receive()).payload)}`, `${i}`);
    }
    // An application that left before its answers came.
    for (let i = 0; i < 10; i++) {
      const brief = await UdpSocket.bind();
      const target = { host: "127.0.0.1", port: echo.port };
      await client.send(Buffer.from("x"), target, brief);
      brief[Symbol.dispose]();
    }
    await pause(50);
    await client.send(Buffer.from("alive"), {
      host: "127.0.0.1",
      port: echo.port,
    });
    const { payload } = await client.receive();
    assert.equal(`${Buffer.from(payload)}`, "alive");
  });
}

test("without -u there is no UDP, and -U is UDP alone", async () => {
  const [pairing] = OUR_PAIRINGS;
  {
    await using chain = await Chain.start(pairing!);
    await assert.rejects(SocksUdp.start(chain.local.address), SocksRefusal);
  }
  using echo = await UdpEcho.start();
  await using chain = await Chain.start(pairing!, { flags: ["-U"] });
  using client = await SocksUdp.start(chain.local.address);
  const target = { host: "127.0.0.1", port: echo.port };
  await client.send(Buffer.from("hello"), target);
  assert.equal(`${Buffer.from((await client.receive()).payload)}`, "hello");
  await assert.rejects(chain.connect(target), SocksRefusal);
});

test("Deno without its unstable net says that it has no UDP, and why", async () => {
  const adapter = pathToFileURL(join(ROOT, "src/adapters/net/deno.ts"));
  const script = `import { denoTransport } from "${adapter}";
    await denoTransport().bind({ host: "127.0.0.1", port: 0 });`;
  const { code, output } = await runToEnd([
    ...[denoPath()!, "run", "--no-config", "--no-lock", "-A"],
    `data:text/javascript,${encodeURIComponent(script)}`,
  ], 20_000);
  assert.equal(code, 1);
  assert.match(output, /UDP on Deno needs --unstable-net/);
});

type Counts = Readonly<Record<string, number>>;

/** Ends both sides; what their UDP did. */
async function stop(chain: Chain): Promise<[Counts, Counts]> {
  const { local, server } = chain;
  await Promise.all([local.program.stop(), server.program.stop()]);
  return [readCounts(local.program), readCounts(server.program)];
}

function readCounts(program: Program): Counts {
  const line = /UDP relay stopped(.*)/.exec(program.output);
  assert.ok(line, program.describe());
  return Object.fromEntries(
    [...line[1]!.matchAll(/(\w+)=(\d+)/g)].map((
      [, key, value],
    ) => [key!, Number(value)]),
  );
}
