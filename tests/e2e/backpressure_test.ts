/**
 * A fast sender against a receiver that does not read: what the sender can get
 * rid of is bounded, and so is the memory of both our processes. Afterwards
 * everything arrives.
 *
 * @module
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { report } from "../support/report.ts";
import {
  command,
  digestOf,
  MIB,
  patternDigest,
  patternParts,
  Target,
} from "../support/target.ts";
import type { TcpStream } from "../support/tcp.ts";
import { pause, within } from "../support/within.ts";
import { Chain, OUR_PAIRINGS } from "./chain.ts";

/** What a chain without backpressure would have to hold. */
const LENGTH = 256 * MIB;

/**
 * What each process may grow by. The buffers of a connection are below 2 MiB;
 * the rest is for garbage the runtimes have not collected yet.
 */
const GROWTH = 48 * MIB;

/** What may be on its way: ours, and the system's buffers of three hops. */
const IN_FLIGHT = 48 * MIB;

/** How long the receiver does not read. */
const STALL_MS = 3_000;

for (const pairing of OUR_PAIRINGS) {
  test(`${pairing.name} holds the target back, when the client does not read`, async () => {
    await using target = await Target.start();
    await using chain = await Chain.start(pairing);
    await warmUp(chain, target);
    const sentBefore = target.sent;
    using stream = await chain.connect(target.address);
    await stream.write(command(`down ${LENGTH}`));
    await watchMemory(chain, pairing.name, () => target.sent - sentBefore);
    const digest = await within(
      60_000,
      () => `the rest\n${chain.describe()}`,
      digestOf(stream),
    );
    assert.equal(digest, patternDigest(LENGTH));
  });

  test(`${pairing.name} holds the client back, when the target does not read`, async () => {
    await using target = await Target.start();
    await using chain = await Chain.start(pairing);
    await warmUp(chain, target);
    using stream = await chain.connect(target.address);
    await stream.write(command("stall"));
    let sent = 0;
    const pushing = push(stream, (length) => sent += length);
    await watchMemory(chain, pairing.name, () => sent);
    stream.close();
    await within(10_000, "the client's writes to end", pushing);
  });
}

/** Moves enough for the runtimes to reach their working size. */
async function warmUp(chain: Chain, target: Target): Promise<void> {
  using stream = await chain.connect(target.address);
  await stream.write(command(`down ${32 * MIB}`));
  await digestOf(stream);
}

/** Writes until everything is gone or the connection is. */
async function push(
  stream: TcpStream,
  count: (length: number) => void,
): Promise<void> {
  try {
    for (const part of patternParts(LENGTH)) {
      await stream.write(part);
      count(part.length);
    }
  } catch {
    // The test closed the stream under us: it has seen enough.
  }
}

/** Samples both processes while the receiver stalls. */
async function watchMemory(
  chain: Chain,
  name: string,
  sent: () => number,
): Promise<void> {
  const ends = [chain.local.program, chain.server.program];
  const before = ends.map((program) => program.rssBytes());
  const peak = [...before];
  for (let waited = 0; waited < STALL_MS; waited += 50) {
    await pause(50);
    ends.forEach((program, i) => {
      peak[i] = Math.max(peak[i]!, program.rssBytes());
    });
  }
  const growth = peak.map((bytes, i) => bytes - before[i]!);
  const shown = [...growth, sent()].map((bytes) => (bytes / MIB).toFixed(1));
  report(
    `${name}: local grew by ${shown[0]} MiB, server by ${shown[1]} MiB; ` +
      `the sender got rid of ${shown[2]} of ${LENGTH / MIB} MiB`,
  );
  assert.ok(sent() > MIB, `the sender got rid of ${shown[2]} MiB only`);
  assert.ok(sent() < IN_FLIGHT, `the sender got rid of ${shown[2]} MiB`);
  assert.ok(growth[0]! < GROWTH, `local grew by ${shown[0]} MiB`);
  assert.ok(growth[1]! < GROWTH, `server grew by ${shown[1]} MiB`);
}
