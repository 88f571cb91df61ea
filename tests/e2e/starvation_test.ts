/**
 * More clients than descriptors: the server says so once, keeps serving those
 * it has, does not spin, and takes new ones as soon as it can. What becomes of
 * the clients that do not fit is the runtime's choice: with Deno they wait in
 * the system's queue, Bun accepts them unasked and we reset them.
 *
 * @module
 */
import { spawnSync } from "node:child_process";
import assert from "node:assert/strict";
import { test } from "node:test";
import { report } from "../support/report.ts";
import { command, Target } from "../support/target.ts";
import { TcpStream } from "../support/tcp.ts";
import { pause, within } from "../support/within.ts";
import { Chain, type End, OURS } from "./chain.ts";

/** Clients that want more than the server has. */
const CLIENTS = 150;

/** How long the server is kept short. */
const SHORT_MS = 3_000;

/** Processor time it may use meanwhile: a spinning server uses all of it. */
const CPU_MS = 600;

/** One episode, one line. */
const MAX_WARNINGS = 1;

const skip = spawnSync("prlimit", ["--version"]).error
  ? "prlimit not found: apt-get install -y util-linux"
  : false;

for (const implementation of OURS) {
  const pairing = { local: implementation, server: implementation };

  test(
    `server on ${implementation} stays calm, when started with few descriptors`,
    { skip },
    async () => {
      await using target = await Target.start();
      await using chain = await Chain.start(pairing, {
        serverUnder: ["prlimit", "--nofile=128:128"],
      });
      using open = await openEcho(chain, target);
      const cpuMs = await starve(chain, target, open);
      assert.ok(cpuMs < CPU_MS, `${cpuMs} ms in ${SHORT_MS} ms`);
    },
  );

  test(
    `server on ${implementation} recovers, when accept finds no descriptor`,
    { skip },
    async () => {
      await using target = await Target.start();
      await using chain = await Chain.start(pairing);
      using open = await openEcho(chain, target);
      // It counts on the limit it started with, and now gets less.
      const { program } = chain.server;
      const limit = program.descriptors() + 8;
      const { status } = spawnSync("prlimit", [
        `--pid=${program.pid}`,
        `--nofile=${limit}:`,
      ]);
      assert.equal(status, 0);
      const cpuMs = await starve(chain, target, open);
      // Bun tries again without end and without telling us.
      if (implementation === "deno") {
        assert.ok(cpuMs < CPU_MS, `${cpuMs} ms in ${SHORT_MS} ms`);
      }
    },
  );
}

/** @returns Processor time, in milliseconds, used in {@link SHORT_MS}. */
async function starve(
  chain: Chain,
  target: Target,
  open: TcpStream,
): Promise<number> {
  const clients = await Promise.allSettled(
    Array.from(
      { length: CLIENTS },
      () => TcpStream.connect(chain.server.address),
    ),
  );
  const cpuMs = await cpuDuring(chain.server, SHORT_MS);
  report(`used ${cpuMs} ms of processor time in ${SHORT_MS} ms`);
  await assertEchoes(open);
  for (const client of clients) {
    if (client.status === "fulfilled") client.value.close();
  }
  using later = await within(
    5_000,
    () => `a new connection\n${chain.describe()}`,
    openEcho(chain, target),
  );
  await assertEchoes(later);
  await assertEchoes(open);
  const warnings = chain.server.program.output.match(/ WARN /g) ?? [];
  assert.ok(
    warnings.length <= MAX_WARNINGS,
    `${warnings.length} warnings\n${chain.describe()}`,
  );
  return cpuMs;
}

async function openEcho(chain: Chain, target: Target): Promise<TcpStream> {
  const stream = await chain.connect(target.address);
  await stream.write(command("echo"));
  await assertEchoes(stream);
  return stream;
}

async function assertEchoes(stream: TcpStream): Promise<void> {
  const sent = command(`hello ${performance.now()}`);
  await stream.write(sent);
  const received = await stream.readExactly(sent.length);
  assert.deepEqual([...received], [...sent]);
}

async function cpuDuring({ program }: End, waitMs: number): Promise<number> {
  const before = program.cpuMs();
  await pause(waitMs);
  return program.cpuMs() - before;
}
