/**
 * 200 connections at once through every pairing, each with bytes of its own
 * both ways, and everything is given back afterwards.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import assert from "node:assert/strict";
import { test } from "node:test";
import { command, pattern, Target } from "../support/target.ts";
import { until, within } from "../support/within.ts";
import { Chain, PAIRINGS } from "./chain.ts";

const CONNECTIONS = 200;

/** Bytes each connection sends and gets back. */
const LENGTH = 20_000;

for (const pairing of PAIRINGS) {
  const name = `${pairing.name} serves ${CONNECTIONS} connections at once`;
  test(name, { skip: pairing.skip }, async () => {
    await using target = await Target.start();
    await using chain = await Chain.start(pairing);
    await echo(chain, target, 0, Promise.resolve());
    const before = descriptors(chain);
    const barrier = Promise.withResolvers<void>();
    const echoes = Array.from(
      { length: CONNECTIONS },
      (_, i) => echo(chain, target, i, barrier.promise),
    );
    try {
      await within(
        30_000,
        () => `${CONNECTIONS} connections\n${chain.describe()}`,
        until(
          30_000,
          "the target has them all",
          () => target.accepted === 1 + CONNECTIONS,
        ),
      );
    } finally {
      barrier.resolve();
    }
    await Promise.all(echoes);
    await until(
      10_000,
      `descriptors are given back: ${before}`,
      () => descriptors(chain) <= before,
    );
  });
}

/** Says hello, waits for all others, then compares what comes back. */
async function echo(
  chain: Chain,
  target: Target,
  index: number,
  barrier: Promise<void>,
): Promise<void> {
  using stream = await chain.connect(target.address);
  await stream.write(command("echo"));
  await barrier;
  const sent = pattern().subarray(index * LENGTH, (index + 1) * LENGTH);
  const [received] = await Promise.all([
    stream.readExactly(LENGTH),
    stream.write(sent),
  ]);
  assert.deepEqual(received, Buffer.from(sent));
}

function descriptors({ local, server }: Chain): number {
  return local.program.descriptors() + server.program.descriptors();
}
