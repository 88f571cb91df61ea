/**
 * A new process takes the port over from an old one under a load of new
 * connections: none is refused, and a download of the old one goes on. UDP
 * follows as soon as the old one lets go of its port.
 *
 * The file runs twice: outside it starts itself in a network namespace of its
 * own, where the system may move connections from one listener to another.
 *
 * @module
 */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import process from "node:process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { freePort, runToEnd } from "../support/process.ts";
import { transportFlags } from "../support/program_command.ts";
import { announceSkip } from "../support/report.ts";
import { denoPath } from "../support/runtimes.ts";
import { socksConnect } from "../support/tcp.ts";
import { command, digestOf, patternDigest, Target } from "../support/target.ts";
import { within } from "../support/within.ts";
import { OURS, startLocal, startServer } from "./chain.ts";

const INSIDE = "UMBRA_TEST_NAMESPACE";
const UNSHARE = ["unshare", "--map-root-user", "--net"];

/** Connections that wait at a listener that closes go to another one. */
const SETUP =
  "ip link set lo up && echo 1 > /proc/sys/net/ipv4/tcp_migrate_req";

/** Applications that connect one time after the other. */
const CLIENTS = 12;

/** How long they do before the handover, and after it. */
const AROUND_MS = 1_000;

/** A download that is not read before the handover; no buffer holds it. */
const LENGTH = 40_000_000;

if (process.env[INSIDE] === undefined) outside();
else inside();

function outside(): void {
  const { status } = spawnSync(UNSHARE[0]!, [
    ...UNSHARE.slice(1),
    "sh",
    "-c",
    SETUP,
  ]);
  const skip = status !== 0 &&
    "handover: needs network namespaces, iproute2 and Linux 5.14 " +
      "(apt-get install -y iproute2 util-linux, and the right to unshare)";
  if (skip) announceSkip(skip);
  test("a handover refuses no client", { skip }, async () => {
    const { code, output } = await runToEnd(
      [
        ...UNSHARE,
        "sh",
        "-c",
        `${SETUP} && exec "$0" "$@"`,
        denoPath()!,
        "test",
        "-A",
        fileURLToPath(import.meta.url),
      ],
      120_000,
      { env: { ...process.env, [INSIDE]: "1" } },
    );
    assert.equal(code, 0, output);
    assert.match(output, /[1-9]\d* passed/);
  });
}

function inside(): void {
  for (const implementation of OURS) {
    test(`a handover on ${implementation} refuses no client`, async () => {
      await using target = await Target.start();
      const port = await freePort();
      const options = { port, flags: ["-u", "--reuse-port", "--grace", "20"] };
      await using old = await startServer(implementation, options);
      await using local = await startLocal("deno", old.address);

      using download = await socksConnect(local.address, target.address);
      await download.write(command(`down ${LENGTH}`));

      let over = false;
      let served = 0;
      const clients = Array.from({ length: CLIENTS }, async () => {
        while (!over) {
          using stream = await socksConnect(local.address, target.address);
          const line = command("echo");
          await stream.write(line);
          await stream.write(line);
          assert.deepEqual(await stream.readExactly(line.length), line);
          served++;
        }
      });
      const all = Promise.all(clients);
      all.catch(() => {});
      await pause(AROUND_MS);
      await using next = await startServer(implementation, options);
      // Two processes can have the same UDP port with sockets of our own.
      const sharesUdp = !transportFlags(implementation).includes("runtime") &&
        !/another process has the UDP port/.test(
          next.program.output,
        );
      const before = served;
      old.program.signal("SIGTERM");
      await old.program.waitForOutput(/SIGTERM: no longer accepting/, 5_000);
      if (!sharesUdp) {
        await next.program.waitForOutput(/UDP port taken over/, 5_000);
      }
      await pause(AROUND_MS);
      over = true;
      await within(10_000, () => next.program.describe(), all);
      assert.ok(served > before + CLIENTS, `${before}, then ${served}`);

      const digest = await digestOf(download);
      assert.equal(digest, patternDigest(LENGTH), "the old one serves its own");
      download.end();
      const exit = await within(
        10_000,
        () => old.program.describe(),
        old.program.exited,
      );
      assert.deepEqual(exit, { code: 0, signal: null });
      assert.doesNotMatch(local.program.output, /WARN|ERROR/);
    });
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
