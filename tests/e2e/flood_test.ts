/**
 * 256 descriptors and 2,000 clients, half of which say nothing: the server
 * lives, serves the others, does not let them down who were there before, says
 * so in a line, and recovers by itself.
 *
 * @module
 */
import { spawnSync } from "node:child_process";
import assert from "node:assert/strict";
import { test } from "node:test";
import { report } from "../support/report.ts";
import { command, Target } from "../support/target.ts";
import { TcpStream } from "../support/tcp.ts";
import { pause, until, within } from "../support/within.ts";
import { Chain, OURS } from "./chain.ts";

const SILENT = 1_000;
const HONEST = 1_000;

/** Honest clients at once; the server has room for 40. */
const AT_ONCE = 25;

/** Bun accepts unasked, so that what does not fit is reset: it tries again. */
const TRIES = 20;

/** Milliseconds before it does. */
const AGAIN_MS = 100;

const skip = spawnSync("prlimit", ["--version"]).error
  ? "prlimit not found: apt-get install -y util-linux"
  : false;

for (const implementation of OURS) {
  // With the permissions it has here, Deno cannot see its limit.
  const flags = implementation === "deno" ? ["--max-connections", "80"] : [];
  const name = `server on ${implementation} serves ${HONEST} clients ` +
    `with 256 descriptors, while ${SILENT} others say nothing`;
  test(name, { skip }, async () => {
    await using target = await Target.start();
    await using chain = await Chain.start(
      { local: implementation, server: implementation },
      { serverUnder: ["prlimit", "--nofile=256:256"], flags },
    );
    using before = await chain.connect(target.address);
    await before.write(command("echo"));
    const silent: TcpStream[] = [];
    let knocks = 0;
    const flood = Promise.all(Array.from({ length: 20 }, async () => {
      while (knocks++ < SILENT) {
        const [one] = await Promise.allSettled([
          TcpStream.connect(chain.server.address),
        ]);
        if (one.status === "fulfilled") silent.push(one.value);
      }
    }));
    try {
      let left = HONEST;
      let retries = 0;
      await within(
        60_000,
        () => `${left} left\n${chain.describe()}`,
        Promise.all(Array.from({ length: AT_ONCE }, async () => {
          while (left-- > 0) retries += await echoOnce(chain, target);
        })),
      );
      await flood;
      report(`${retries} of ${HONEST} connections were tried again`);
      if (implementation === "deno") assert.equal(retries, 0);
      const sent = command("still here");
      await before.write(sent);
      assert.deepEqual([...await before.readExactly(sent.length)], [...sent]);
      const warnings = chain.server.program.output.match(/WARN.*/g) ?? [];
      assert.ok(
        warnings.length === 1,
        chain.describe(),
      );
    } finally {
      knocks = SILENT;
      for (const stream of silent) stream.close();
    }
    await until(
      10_000,
      "descriptors are given back",
      () => chain.server.program.descriptors() < 40,
    );
    await echoOnce(chain, target);
  });
}

/** @returns How often it had to be tried again. */
async function echoOnce(chain: Chain, target: Target): Promise<number> {
  for (let tries = 0;; tries++) {
    try {
      using stream = await chain.connect(target.address);
      await stream.write(command("echo"));
      const sent = command("hello");
      await stream.write(sent);
      const got = await stream.readExactly(sent.length);
      assert.deepEqual([...got], [...sent]);
      return tries;
    } catch (error) {
      if (tries === TRIES) throw error;
      await pause(AGAIN_MS);
    }
  }
}
