/**
 * Every pairing with every method moves 64 MiB down and 64 MiB up, at the same
 * time, on two connections; the digests must agree.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { report } from "../support/report.ts";
import {
  command,
  digestOf,
  MIB,
  patternDigest,
  patternParts,
  Target,
} from "../support/target.ts";
import { within } from "../support/within.ts";
import { Chain, METHODS, PAIRINGS } from "./chain.ts";

const LENGTH = 64 * MIB;

/** Pure TypeScript AES needs four seconds on a quiet machine. */
const LIMIT_MS = 60_000;

/** MiB/s of each test that passed, both directions together. */
const speeds = new Map<string, number>();

after(() => report(speedTable()));

for (const pairing of PAIRINGS) {
  for (const method of METHODS) {
    const name = testName(pairing.name, method);
    test(name, { skip: pairing.skip }, async () => {
      await using target = await Target.start();
      await using chain = await Chain.start(pairing, { method });
      const want = patternDigest(LENGTH);
      const start = performance.now();
      const [down, up] = await within(
        LIMIT_MS,
        () => `64 MiB each way\n${chain.describe()}`,
        Promise.all([download(chain, target), upload(chain, target)]),
      );
      const seconds = (performance.now() - start) / 1_000;
      assert.equal(down, want, "download");
      assert.equal(up, want, "upload");
      speeds.set(name, 2 * LENGTH / MIB / seconds);
    });
  }
}

/** @returns The digest we computed. */
async function download(chain: Chain, target: Target): Promise<string> {
  using stream = await chain.connect(target.address);
  await stream.write(command(`down ${LENGTH}`));
  return await digestOf(stream);
}

/** @returns The digest the target computed. */
async function upload(chain: Chain, target: Target): Promise<string> {
  using stream = await chain.connect(target.address);
  await stream.write(command(`up ${LENGTH}`));
  for (const part of patternParts(LENGTH)) await stream.write(part);
  return Buffer.from(await stream.readAll()).toString();
}

function testName(pairing: string, method: string): string {
  return `${pairing} moves 64 MiB each way, with ${method}`;
}

function speedTable(): string {
  const rows = PAIRINGS.map(({ name }) => {
    const cells = METHODS.map((method) => {
      const speed = speeds.get(testName(name, method));
      return (speed?.toFixed(0) ?? "-").padStart(method.length);
    });
    return [name.padEnd(14), ...cells].join("  ");
  });
  return [
    "MiB/s, both directions together:",
    " ".repeat(16) + METHODS.join("  "),
    ...rows,
  ].join("\n  ");
}
