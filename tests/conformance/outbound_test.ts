/**
 * The system's transport once more, with addresses to leave from. 127.0.0.1 and
 * ::1 are what the suite expects. Deno has but datagrams to send then.
 */
import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import process from "node:process";
import { test } from "node:test";
import type { Transport } from "../../src/transport.ts";
import { ascii, rejectsWith, within } from "./harness.ts";
import { resettablePeer, silentEndpoint } from "./peers.ts";
import { transportSuite } from "./transport_suite.ts";
import { OPENERS } from "./transports.ts";
import { acceptFrom } from "../support/streams.ts";

const linux = process.platform === "linux";
const NO_DIAL = "Deno cannot choose where a connection leaves from";

for (const open of Object.values(OPENERS)) {
  const bound = await open({ ipv4: "127.0.0.1", ipv6: "::1" });
  const transport: Transport = { ...bound, name: `${bound.name}, outbound` };

  const dials = bound.capabilities.outboundAddress;

  if (dials) {
    transportSuite({
      transport,
      openHandles: () => linux ? readdirSync("/proc/self/fd").length : 0,
      resettable: () => resettablePeer(transport),
      silentEndpoint,
    });
  }

  test(`${transport.name}: dial() says so, when the runtime cannot choose`, async (t) => {
    if (dials) return t.skip("SKIPPED, it can");
    const to = { host: "127.0.0.1", port: 9 };
    await rejectsWith(transport.dial(to), "ERR_NET_UNSUPPORTED");
  });

  test(`${transport.name}: dial() leaves from the address it was given`, async (t) => {
    if (!dials) return t.skip(`SKIPPED, ${NO_DIAL}`);
    if (!linux) return t.skip("SKIPPED, 127.0.0.0/8 is one address here");
    const { listen, dial } = await open({ ipv4: "127.0.0.5" });
    const listener = await listen({ host: "127.0.0.1", port: 0 });
    const client = await dial(listener.address);
    const server = await within(acceptFrom(listener));
    assert.equal(client.local.host, "127.0.0.5");
    assert.deepEqual(server?.remote, client.local);
    for (const open of [client, server, listener]) open?.close();
  });

  test(`${transport.name}: dial() fails, when the host has no such address`, async (t) => {
    if (!dials) return t.skip(`SKIPPED, ${NO_DIAL}`);
    const { dial } = await open({ ipv4: "192.0.2.9" });
    await rejectsWith(
      dial({ host: "127.0.0.1", port: 9 }),
      "ERR_NET_ADDRESS_UNAVAILABLE",
    );
  });

  test(`${transport.name}: nothing leaves in a family without an address`, async () => {
    const { dial, bindOutgoing } = await open({ ipv4: "127.0.0.1" });
    const ipv6 = { host: "::1", port: 9 };
    if (dials) await rejectsWith(dial(ipv6), "ERR_NET_UNREACHABLE");
    const socket = await bindOutgoing();
    await rejectsWith(socket.send(ascii("x"), ipv6), "ERR_NET_UNREACHABLE");
    socket.close();
  });

  test(`${transport.name}: datagrams leave from the addresses it was given`, async (t) => {
    if (!linux) return t.skip("SKIPPED, 127.0.0.0/8 is one address here");
    const { bind, bindOutgoing } = await open({
      ipv4: "127.0.0.5",
      ipv6: "::1",
    });
    const far = [await bind({ host: "127.0.0.1", port: 0 })];
    try {
      far.push(await bind({ host: "::1", port: 0 }));
    } catch {
      t.diagnostic("this machine has no ::1");
    }
    const near = await bindOutgoing();
    for (const socket of far) {
      const isIpv6 = socket.address.host === "::1";
      await near.send(ascii("ask"), socket.address);
      const { from } = (await within(socket.receive()))!;
      assert.equal(from.host, isIpv6 ? "::1" : "127.0.0.5");
      await socket.send(ascii("answer"), from);
      assert.deepEqual(await within(near.receive()), {
        payload: ascii("answer"),
        from: socket.address,
      });
    }
    near.close();
    assert.equal(await within(near.receive()), undefined);
    await rejectsWith(near.send(ascii("x"), far[0]!.address), "ERR_NET_CLOSED");
    for (const socket of far) socket.close();
  });
}
