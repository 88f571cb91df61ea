/**
 * One direction may end while the other goes on: the client sends its request
 * and FIN, and then still receives 8 MiB; and the other way round.
 *
 * shadowsocks-libev closes both directions at the first FIN (seen with 3.3.5),
 * so only our own pairings can be held to it; what other peers do with stream
 * ciphers is in stream_peers.ts.
 *
 * @module
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  command,
  digestOf,
  MIB,
  patternDigest,
  patternParts,
  Target,
} from "../support/target.ts";
import { within } from "../support/within.ts";
import { Chain, OUR_PAIRINGS } from "./chain.ts";

const LENGTH = 8 * MIB;

for (const pairing of OUR_PAIRINGS) {
  test(`${pairing.name} still delivers 8 MiB, when the client has ended its side`, async () => {
    await using target = await Target.start();
    await using chain = await Chain.start(pairing);
    using stream = await chain.connect(target.address);
    await stream.write(command(`late ${LENGTH}`));
    stream.end();
    const digest = await within(
      20_000,
      () => `8 MiB after FIN\n${chain.describe()}`,
      digestOf(stream),
    );
    assert.equal(digest, patternDigest(LENGTH));
  });

  test(`${pairing.name} still takes 8 MiB, when the target has ended its side`, async () => {
    await using target = await Target.start();
    await using chain = await Chain.start(pairing);
    using stream = await chain.connect(target.address);
    await stream.write(command("early"));
    assert.equal(await stream.read(), undefined);
    for (const part of patternParts(LENGTH)) await stream.write(part);
    stream.end();
    const digest = await within(
      20_000,
      () => `the target to read to the end\n${chain.describe()}`,
      target.earlyDigest,
    );
    assert.equal(digest, patternDigest(LENGTH));
  });
}
