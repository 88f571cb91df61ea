/**
 * A session that was recorded between a local and a server, and is sent to the
 * server again: to any of four workers, whole and in part, and to the one that
 * has taken its place.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import assert from "node:assert/strict";
import { type AddressInfo, connect, createServer } from "node:net";
import process from "node:process";
import { test } from "node:test";
import { freePort } from "../support/process.ts";
import { command, Target } from "../support/target.ts";
import { type Address, socksConnect, TcpStream } from "../support/tcp.ts";
import { pause, until } from "../support/within.ts";
import {
  type End,
  type Implementation,
  OURS,
  PASSWORD,
  startLocal,
  startServer,
} from "./chain.ts";

const WORKERS = 4;
/** That all go to one worker has a chance of 4^-39. */
const REPLAYS = 40;
/** How long the server is watched. */
const WATCH_MS = 1_000;

const KEYS = {
  "chacha20-ietf-poly1305": PASSWORD,
  "2022-blake3-aes-256-gcm": Buffer.alloc(32, 7).toString("base64"),
} as const;

const skip = process.platform === "linux" ? false : "SO_REUSEPORT needs Linux";

for (const implementation of OURS) {
  for (const [method, password] of Object.entries(KEYS)) {
    const name = `${WORKERS} workers on ${implementation} serve no recorded ` +
      `session again: ${method}`;
    test(name, { skip }, async () => {
      await using target = await Target.start();
      const options = {
        method,
        password,
        port: await freePort(),
        flags: ["--workers", String(WORKERS)],
      };
      let recorded: Uint8Array;
      {
        await using server = await startServer(implementation, options);
        const all = new RegExp("listening on [^]*".repeat(WORKERS));
        await server.program.waitForOutput(all, 10_000);
        recorded = await record(implementation, server, target, {
          method,
          password,
        });
        const served = target.accepted;
        await expectSilence(server.address, [
          ...Array.from({ length: REPLAYS }, () => recorded),
          ...Array.from(recorded.keys(), (cut) => recorded.subarray(0, cut)),
        ]);
        assert.equal(target.accepted, served);
        const refused = count(server, "ERR_SS_REPLAY");
        assert.ok(refused >= REPLAYS, `${refused}: ${server.program.output}`);
        const worker = (i: number): RegExp =>
          new RegExp(`code=ERR_SS_REPLAY.* worker=${i}`);
        for (let i = 1; i <= WORKERS; i++) {
          assert.match(server.program.output, worker(i));
        }
      }
      // 2017 has no time stamps: what was recorded before a start is served.
      if (!method.startsWith("2022")) return;
      await using server = await startServer(implementation, options);
      const served = target.accepted;
      await expectSilence(
        server.address,
        Array.from({ length: REPLAYS }, () => recorded),
      );
      assert.equal(target.accepted, served);
      assert.equal(count(server, "ERR_SS_TIMESTAMP"), REPLAYS);
    });
  }
}

/** Serves one client, through somebody who writes down what it sends. */
async function record(
  implementation: Implementation,
  server: End,
  target: Target,
  keys: { method: string; password: string },
): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  const middle = createServer({ allowHalfOpen: true }, (near) => {
    const far = connect({ ...server.address, allowHalfOpen: true });
    near.on("data", (part: Uint8Array) => parts.push(part));
    near.pipe(far).pipe(near);
    for (const end of [near, far]) end.on("error", () => end.destroy());
  });
  await new Promise<void>((resolve) => {
    middle.listen(0, "127.0.0.1", () => resolve());
  });
  const { port } = middle.address() as AddressInfo;
  try {
    await using local = await startLocal(
      implementation,
      { host: "127.0.0.1", port },
      keys,
    );
    using stream = await socksConnect(local.address, target.address);
    const line = command("down 1000");
    await stream.write(line);
    stream.end();
    assert.equal((await stream.readAll()).length, 1_000);
    await until(2_000, "the session is recorded", () => parts.length > 0);
    return Buffer.concat(parts);
  } finally {
    middle.close();
  }
}

/** Each on a connection of its own, all at once. */
async function expectSilence(
  address: Address,
  probes: readonly Uint8Array[],
): Promise<void> {
  await Promise.all(probes.map(async (probe) => {
    using stream = await TcpStream.connect(address);
    await stream.write(probe);
    const reaction = stream.read(10 * WATCH_MS).then(
      (bytes) => bytes === undefined ? "closed" : `${bytes.length} bytes`,
      String,
    );
    const first = await Promise.race([
      reaction,
      pause(WATCH_MS).then(() => "silence"),
    ]);
    assert.equal(first, "silence", `${probe.length} bytes sent`);
  }));
}

/** Lines of the log with a code. */
function count({ program }: End, code: string): number {
  return program.output.split(`code=${code} `).length - 1;
}
