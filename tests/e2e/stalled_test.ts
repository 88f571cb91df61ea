/**
 * Hundreds of connections whose receiver does not read: what each costs, and
 * whether its memory comes back.
 *
 * @module
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { report } from "../support/report.ts";
import { command, patternParts, Target } from "../support/target.ts";
import type { TcpStream } from "../support/tcp.ts";
import { pause, until } from "../support/within.ts";
import { Chain, OURS } from "./chain.ts";

/** Connections that stall. */
const STALLED = 400;

/**
 * Bytes that each process may hold for one of them. Bun holds 128 KiB at most
 * where it is alone, and up to 217 beside two other suites on two processors,
 * where more comes before it can pause a socket; 1,136 without its bounds.
 */
const MAX_EACH = 256 * 1_024;

/** What the sender of a connection has to send: more than all buffers hold. */
const LENGTH = 64 * 1_024 * 1_024;

/** Milliseconds without a byte after which all buffers are full. */
const STILL_MS = 3_000;

/** Milliseconds until the memory must be back. */
const BACK_MS = 15_000;

/** Milliseconds until garbage must be gone, on a busy machine too. */
const SETTLE_MS = 45_000;

/** Milliseconds between two looks at memory. */
const LOOK_MS = 1_000;

/** How much more than before may stay. */
const MAX_REST = 1.3;

/** Connections that are opened at once. */
const AT_ONCE = 10;

for (const implementation of OURS) {
  for (const direction of ["down", "up"] as const) {
    test(`${implementation} holds little for a connection that stalls on its way ${direction}`, async () => {
      await using target = await Target.start();
      await using chain = await Chain.start(
        { local: implementation, server: implementation },
        { method: "aes-256-gcm" },
      );
      await warmUp(chain, target);
      const before = resident(chain);
      const streams: TcpStream[] = [];
      try {
        for (let i = 0; i < STALLED; i += AT_ONCE) {
          streams.push(
            ...await Promise.all(
              Array.from(
                { length: AT_ONCE },
                () => stall(chain, target, direction),
              ),
            ),
          );
        }
        await standstill(chain);
        const each = await settled(chain, before);
        for (const stream of streams) stream.close();
        await target[Symbol.asyncDispose]();
        const after = await released(chain, before);
        report(
          `${implementation}, ${direction}: ${kib(each)} KiB each; ` +
            `${kib(before)} KiB before, ${kib(after)} KiB after`,
        );
        for (const bytes of each) assert.ok(bytes <= MAX_EACH, kib(each));
        for (const [i, bytes] of after.entries()) {
          assert.ok(bytes <= MAX_REST * before[i]!, kib(after));
        }
      } finally {
        for (const stream of streams) stream.close();
      }
    });
  }
}

/** Bytes that each connection holds, once garbage is gone. */
async function settled(
  chain: Chain,
  before: readonly number[],
): Promise<number[]> {
  const each = (): number[] =>
    resident(chain).map((bytes, i) => (bytes - before[i]!) / STALLED);
  await soon(() => each().every((bytes) => bytes <= MAX_EACH), SETTLE_MS);
  return each();
}

/** What each process holds after its connections have ended. */
async function released(
  chain: Chain,
  before: readonly number[],
): Promise<number[]> {
  await soon(
    () => resident(chain).every((bytes, i) => bytes <= MAX_REST * before[i]!),
    BACK_MS,
  );
  return resident(chain);
}

/** Looks each second, for a while: what is not true by then will be reported. */
async function soon(isTrue: () => boolean, limitMs: number): Promise<void> {
  for (let waited = 0; waited < limitMs && !isTrue(); waited += LOOK_MS) {
    await pause(LOOK_MS);
  }
}

/** A connection whose sender sends and whose receiver does not read. */
async function stall(
  chain: Chain,
  target: Target,
  direction: "down" | "up",
): Promise<TcpStream> {
  const stream = await chain.connect(target.address);
  if (direction === "down") {
    await stream.write(command(`down ${LENGTH}`));
  } else {
    await stream.write(command("stall"));
    push(stream).catch(() => stream.close());
  }
  return stream;
}

/** Writes until the connection is closed. */
async function push(stream: TcpStream): Promise<void> {
  for (const part of patternParts(LENGTH)) await stream.write(part);
}

/** Serves a few, so that code and buffers of the first are there. */
async function warmUp(chain: Chain, target: Target): Promise<void> {
  for (let i = 0; i < 100; i++) {
    using stream = await chain.connect(target.address);
    await stream.write(command("down 100000"));
    await stream.readExactly(100_000);
  }
  await pause(1_000);
}

/** Waits until neither end of the chain has anything to do. */
async function standstill({ local, server }: Chain): Promise<void> {
  const used = (): number => local.program.cpuMs() + server.program.cpuMs();
  await until(60_000, "all buffers are full", async () => {
    const before = used();
    await pause(STILL_MS);
    return used() - before < STILL_MS / 20;
  });
}

/** Of the local and of the server. */
function resident({ local, server }: Chain): number[] {
  return [local, server].map(({ program }) => program.rssBytes());
}

function kib(bytes: readonly number[]): string {
  return bytes.map((each) => Math.round(each / 1_024)).join(" and ");
}
