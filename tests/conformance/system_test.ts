import assert from "node:assert/strict";
import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import { connect } from "node:net";
import process from "node:process";
import { test } from "node:test";
import type { TransportError } from "../../src/errors.ts";
import { BLOB, eventually, within } from "./harness.ts";
import { resettablePeer, silentEndpoint } from "./peers.ts";
import { transportSuite } from "./transport_suite.ts";
import { OPENERS } from "./transports.ts";
import { acceptFrom } from "../support/streams.ts";

const HERE = { host: "127.0.0.1", port: 0 };
const countable = process.platform === "linux";
if (!countable) process.stderr.write("SKIPPED: descriptors, no /proc here\n");

/** What the kernel says of the socket on a port of IPv4. */
function dropsInProc(port: number): number {
  const local = `:${port.toString(16).toUpperCase().padStart(4, "0")}`;
  const lines = readFileSync("/proc/self/net/udp", "utf8").split("\n")
    .map((line) => line.trim().split(/\s+/))
    .filter(([, address]) => address?.endsWith(local));
  assert.equal(lines.length, 1);
  return Number(lines[0]!.at(-1));
}

for (const open of Object.values(OPENERS)) {
  const transport = await open();
  transportSuite({
    transport,
    openHandles: () => countable ? readdirSync("/proc/self/fd").length : 0,
    resettable: () => resettablePeer(transport),
    silentEndpoint,
  });

  test(`${transport.name}: accept() does not fail for a connection that is reset before it`, async () => {
    const listener = await transport.listen({ host: "127.0.0.1", port: 0 });
    for (let i = 0; i < 5; i++) {
      const gone = connect(listener.address);
      await once(gone, "connect");
      gone.resetAndDestroy();
      await once(gone, "close");
    }
    const client = await transport.dial(listener.address);
    for (let port = 0; port !== client.local.port;) {
      // Bun accepts by itself, and hands out those that have gone, too.
      const accepted = await within(acceptFrom(listener));
      port = accepted!.remote.port;
      accepted!.close();
    }
    client.close();
    listener.close();
  });

  test(`${transport.name}: listen() says so, when the name does not exist`, async () => {
    const listening = transport.listen({ host: "name.invalid", port: 0 });
    // Where no resolver can be asked, it is not told for good.
    await assert.rejects(
      within(listening),
      ({ code }: TransportError) => /^ERR_NET_NAME_/.test(code),
    );
  });

  test(`${transport.name}: close() sends FIN, though something was not read`, async (t) => {
    if (transport.name !== "linux") {
      return t.skip("SKIPPED, the runtime has the descriptor");
    }
    const listener = await transport.listen(HERE);
    const client = connect(listener.address);
    const [accepted] = await Promise.all([
      within(acceptFrom(listener)),
      once(client, "connect"),
    ]);
    const ended = new Promise((resolve) => {
      client.once("end", () => resolve("end"));
      client.once("error", ({ code }: { code?: string }) => resolve(code));
    });
    client.resume();
    client.write(BLOB.subarray(0, 100_000));
    // The kernel has it by then.
    await new Promise((resolve) => setTimeout(resolve, 50));
    accepted!.close();
    assert.equal(await within(ended), "end");
    client.destroy();
    listener.close();
  });

  test(`${transport.name}: what the kernel drops is counted`, async (t) => {
    if (
      !transport.capabilities.receiveBuffer || OPENERS["linux"] === undefined
    ) {
      return t.skip("SKIPPED, it is not told");
    }
    // Sends in one call, because nothing reads meanwhile.
    const near = await (await OPENERS["linux"]()).bind(HERE);
    const far = await transport.bind(HERE);
    const lostBefore = transport.lostDatagrams();
    let received = 0;
    far.handTo({ take: () => received++, fail: (error) => assert.fail(error) });
    // More than the kernel's buffer holds.
    const total = 8_192;
    const payload = BLOB.subarray(0, 1_000);
    for (let i = 0; i < total; i++) near.post(payload, far.address, () => {});
    await eventually(
      () => received + far.dropped,
      (known) => known === total,
    );
    assert.ok(far.dropped > total / 2, `${far.dropped} dropped`);
    assert.equal(far.dropped, dropsInProc(far.address.port));
    assert.ok(far.receiveBuffer! >= 212_992 / 2);
    const { dropped } = far;
    for (const socket of [near, far]) socket.close();
    // It is not forgotten with the socket.
    assert.equal(far.dropped, dropped);
    assert.equal(transport.lostDatagrams() - lostBefore, dropped);
  });
}
