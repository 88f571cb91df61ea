/** A rate of each connection, besides that of its user. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Connection } from "../../../src/transport.ts";
import { seededBytes } from "../../support/bytes.ts";
import { settle } from "../../support/fake_clock.ts";
import { observe, send } from "../../support/streams.ts";
import { accepted, World } from "../../support/world.ts";

/** Each direction of two connections is given 100 kB, and has 5 s. */
async function movedOfTwo(
  limits: {
    readonly connectionBytesPerSecond?: number;
    readonly owner?: number;
  },
): Promise<number[]> {
  const { owner, ...rate } = limits;
  const world = new World({}, "aes-256-cfb");
  await world.server({
    ...rate,
    ...owner !== undefined && {
      owner: { name: "carl", limits: { bytesPerSecond: owner } },
    },
  });
  await world.local();
  const target = await world.target();
  const ends: Connection[] = [];
  const seen: ReturnType<typeof observe>[] = [];
  for (let i = 0; i < 2; i++) {
    const { client } = await world.connect();
    await send(client, seededBytes(10));
    const far = await accepted(target);
    seen.push(observe(client), observe(far));
    ends.push(client, far);
  }
  const sending = ends.map(async (end) => {
    for (let i = 0; i < 20; i++) await send(end, seededBytes(5_000));
  });
  for (let i = 0; i < 50; i++) await world.clock.advance(100);
  const moved = seen.map((look) => look().received.length);
  for (const end of ends) end.close();
  await Promise.allSettled(sending);
  target.close();
  await settle();
  await world.stop();
  return moved;
}

test("each connection has its rate, each direction by itself", async () => {
  for (
    const bytes of await movedOfTwo({ connectionBytesPerSecond: 10_000 })
  ) {
    // What is counted waits for its turn: one chunk more than has passed.
    assert.ok(bytes >= 40_000 && bytes <= 60_010, `${bytes} in 5 s`);
  }
  for (const bytes of await movedOfTwo({})) assert.ok(bytes >= 100_000);
});

test("the rate of the user holds for all of its connections besides", async () => {
  const limits = { connectionBytesPerSecond: 10_000, owner: 12_000 };
  const [down1, up1, down2, up2] = await movedOfTwo(limits) as [
    ...[number, number, number, number],
  ];
  for (const both of [down1 + down2, up1 + up2]) {
    assert.ok(both >= 45_000 && both <= 75_000, `${both} in 5 s`);
  }
});
