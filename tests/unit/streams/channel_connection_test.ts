import assert from "node:assert/strict";
import { test } from "node:test";
import { memoryTransport } from "../../../src/adapters/net/memory.ts";
import { Channel } from "../../../src/streams/channel.ts";
import { ChannelConnection } from "../../../src/streams/channel_connection.ts";
import { settle } from "../../support/fake_clock.ts";
import { acceptFrom, observe } from "../../support/streams.ts";

for (const way of ["close", "reset"] as const) {
  test(`${way}() of a connection over a channel is seen as one`, async () => {
    const network = memoryTransport();
    const listener = await network.listen({ host: "127.0.0.1", port: 1 });
    const inner = new Channel(await network.dial(listener.address));
    const far = (await acceptFrom(listener))!;
    const seen = observe(far);
    new ChannelConnection(inner)[way]();
    await settle();
    assert.equal(seen().end, way === "close" ? "fin" : "ERR_NET_RESET");
    far.close();
    assert.equal(network.openConnections, 0);
  });
}
