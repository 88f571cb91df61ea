/**
 * `--workers 2`: both threads serve, on both runtimes and in the executable,
 * and stop together.
 *
 * @module
 */
import { spawnSync } from "node:child_process";
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { after, before, test } from "node:test";
import { systemClock } from "../../src/clock.ts";
import { masterKeyFromPassword } from "../../src/crypto/master_key.ts";
import { findMethod } from "../../src/crypto/method.ts";
import { referenceKeyStreams } from "../../src/crypto/key_streams/reference.ts";
import { nobleProvider } from "../../src/crypto/noble.ts";
import { systemRandomBytes } from "../../src/random.ts";
import { clientProtocol } from "../../src/session/families.ts";
import { bunPath, denoPath, ROOT } from "../support/runtimes.ts";
import { command, Target } from "../support/target.ts";
import { TcpStream } from "../support/tcp.ts";
import { SocksUdp, UdpEcho } from "../support/udp.ts";
import { until, within } from "../support/within.ts";
import {
  Chain,
  type ChainOptions,
  METHOD,
  OURS,
  PASSWORD,
  startLocal,
  startServer,
} from "./chain.ts";

/** Copies of a request. */
const REPLAYS = 20;

/** That the system deals all of them to one thread has a chance of 2^-39. */
const CONNECTIONS = 40;

const skip = process.platform === "linux" ? false : "SO_REUSEPORT needs Linux";

let dist = "";
before(() => {
  dist = mkdtempSync(join(tmpdir(), "umbra-workers-"));
  const { status, stderr } = spawnSync(denoPath() ?? bunPath(), [
    ...["run", "-A", "build.ts", "--runtime=bun", `--outdir=${dist}`],
  ], { cwd: ROOT, encoding: "utf8" });
  assert.equal(status, 0, stderr);
});
after(() => rmSync(dist, { recursive: true, force: true }));

for (const implementation of OURS) {
  const pairing = { local: implementation, server: implementation };
  test(`two workers on ${implementation} share a port`, { skip }, async () => {
    await servesWithBoth(pairing, {});
  });
}

test("two workers of the built executable share a port", { skip }, async () => {
  await servesWithBoth({ local: "bun", server: "bun" }, { dist });
});

for (const implementation of OURS) {
  test(
    `two workers on ${implementation} share a UDP port, with sockets of our own`,
    {
      skip,
    },
    async () => {
      using echo = await UdpEcho.start();
      await using server = await startServer(implementation, {
        flags: ["-u", "-v", "--workers", "2", "--transport", "linux"],
      });
      await server.program.waitForOutput(
        /listening on [^]*listening on /,
        10_000,
      );
      await using local = await startLocal(implementation, server.address, {
        flags: ["-u"],
      });
      // Each has a port of its own towards the server, by which it is dealt out.
      const clients = await Promise.all(
        Array.from(
          { length: CONNECTIONS },
          () => SocksUdp.start(local.address),
        ),
      );
      for (const [i, client] of clients.entries()) {
        const payload = Uint8Array.of(i, 1, 2, 3);
        await client.send(payload, { host: "127.0.0.1", port: echo.port });
        const answer = await client.receive();
        assert.deepEqual([...answer.payload], [...payload]);
        client[Symbol.dispose]();
      }
      server.program.signal("SIGTERM");
      const { program } = server;
      await within(8_000, () => program.describe(), program.exited);
      const received = [...program.output.matchAll(/received=(\d+) .*worker=/g)]
        .map(([, count]) => Number(count));
      assert.equal(received.length, 2, program.describe());
      assert.equal(received[0]! + received[1]!, CONNECTIONS);
      assert.ok(received.every((count) => count > 0), program.describe());
    },
  );
}

/** Copies of one request: all but one are refused, whichever thread has them. */
async function refusesReplays(chain: Chain, target: Target): Promise<void> {
  const method = findMethod(METHOD);
  const request = clientProtocol({
    method,
    masterKey: masterKeyFromPassword(PASSWORD, method),
  }, {
    aeadProvider: nobleProvider,
    keyStreamProvider: referenceKeyStreams,
    clock: systemClock,
    randomBytes: systemRandomBytes,
  }).stream().request(target.address, command("echo"));
  const before = target.accepted;
  const streams = await Promise.all(
    Array.from({ length: REPLAYS }, async () => {
      const stream = await TcpStream.connect(chain.server.address);
      await stream.write(request);
      return stream;
    }),
  );
  const refused = (): number =>
    chain.server.program.output.match(/code=ERR_SS_REPLAY/g)?.length ?? 0;
  await until(5_000, "replays are refused", () => refused() === REPLAYS - 1);
  await until(5_000, "one is served", () => target.accepted === before + 1);
  for (const stream of streams) stream.close();
}

async function servesWithBoth(
  pairing: Parameters<typeof Chain.start>[0],
  options: ChainOptions,
): Promise<void> {
  await using target = await Target.start();
  await using chain = await Chain.start(pairing, {
    ...options,
    flags: ["--workers", "2", "-v"],
    localFlags: ["--workers", "2"],
  });
  for (const { program } of [chain.server, chain.local]) {
    await program.waitForOutput(/listening on [^]*listening on /, 10_000);
  }
  await Promise.all(Array.from({ length: CONNECTIONS }, async () => {
    using stream = await chain.connect(target.address);
    await stream.write(command("echo"));
    const sent = command("hello");
    await stream.write(sent);
    assert.deepEqual([...await stream.readExactly(sent.length)], [...sent]);
  }));
  const closed = (worker: number): RegExp =>
    new RegExp(`connection closed .*worker=${worker}`);
  await chain.server.program.waitForOutput(closed(1), 5_000);
  await chain.server.program.waitForOutput(closed(2), 5_000);
  await refusesReplays(chain, target);
  for (const { program } of [chain.local, chain.server]) {
    program.signal("SIGTERM");
    const exit = await within(8_000, () => program.describe(), program.exited);
    assert.deepEqual(exit, { code: 0, signal: null });
    assert.match(
      program.output,
      program === chain.local.program
        ? new RegExp(`INFO {2}served connections=${CONNECTIONS} failed=0 `)
        : new RegExp(
          `INFO {2}served connections=${CONNECTIONS + REPLAYS} failed=${
            REPLAYS - 1
          } `,
        ),
    );
  }
}
