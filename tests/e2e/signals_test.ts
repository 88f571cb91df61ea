/**
 * SIGTERM and SIGINT: no new connections, open ones may finish within the
 * grace time, exit 0. A second signal ends at once.
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
  Target,
} from "../support/target.ts";
import { TcpStream } from "../support/tcp.ts";
import { pause, within } from "../support/within.ts";
import { Chain, type End, OURS } from "./chain.ts";

const LENGTH = 32 * MIB;

/** What "at once" may take on a busy machine. */
const PROMPT_MS = 1_500;

for (const implementation of OURS) {
  const pairing = { local: implementation, server: implementation };

  for (const role of ["local", "server"] as const) {
    test(`${role} on ${implementation} finishes a transfer and exits 0, when SIGTERM comes`, async () => {
      await using target = await Target.start();
      await using chain = await Chain.start(pairing);
      using stream = await chain.connect(target.address);
      await stream.write(command(`down ${LENGTH}`));
      const first = await stream.readExactly(1);
      const { program, address } = chain[role];
      program.signal("SIGTERM");
      await pause(200);
      await assert.rejects(TcpStream.connect(address), /ECONNREFUSED/);
      stream.unread(first);
      assert.equal(await digestOf(stream), patternDigest(LENGTH));
      stream.close();
      assert.deepEqual(await endOf(chain[role], 3_000), {
        code: 0,
        signal: null,
      });
    });
  }

  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    test(`server on ${implementation} exits 0 at once, when ${signal} comes and nothing is open`, async () => {
      await using chain = await Chain.start(pairing);
      chain.server.program.signal(signal);
      assert.deepEqual(await endOf(chain.server, PROMPT_MS), {
        code: 0,
        signal: null,
      });
    });
  }

  test(`server on ${implementation} exits 0 after the grace time, when a connection stays open`, async () => {
    await using target = await Target.start();
    await using chain = await Chain.start(pairing, { flags: ["--grace", "1"] });
    using stream = await chain.connect(target.address);
    await stream.write(command("echo"));
    await stream.write(command("x"));
    await stream.readExactly(2);
    const start = performance.now();
    chain.server.program.signal("SIGTERM");
    assert.deepEqual(await endOf(chain.server, 1_000 + PROMPT_MS), {
      code: 0,
      signal: null,
    });
    const tookMs = performance.now() - start;
    assert.ok(tookMs > 900, `ended after ${tookMs} ms`);
  });

  test(`server on ${implementation} ends at once, when a second signal comes`, async () => {
    await using target = await Target.start();
    await using chain = await Chain.start(pairing, {
      flags: ["--grace", "30"],
    });
    using stream = await chain.connect(target.address);
    await stream.write(command("echo"));
    await stream.write(command("x"));
    await stream.readExactly(2);
    chain.server.program.signal("SIGTERM");
    await pause(300);
    const start = performance.now();
    chain.server.program.signal("SIGTERM");
    const { code } = await endOf(chain.server, PROMPT_MS);
    assert.equal(code, 128 + 15);
    assert.ok(performance.now() - start < PROMPT_MS);
  });
}

function endOf(
  { program }: End,
  limitMs: number,
): Promise<{ code: number | null; signal: string | null }> {
  return within(
    limitMs,
    () => `the end of ${program.describe()}`,
    program.exited,
  );
}
