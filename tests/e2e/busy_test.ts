/**
 * A download that keeps the processor of the server busy, since its cipher is
 * slower than its network, leaves others their turn.
 *
 * @module
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { report } from "../support/report.ts";
import { Target } from "../support/target.ts";
import { readOn, Scene } from "./stranger_scene.ts";

const CLIENTS = 10;

/** Bun takes its turns by itself, about half a second for each client. */
const LIMIT_MS = { deno: 3_000, bun: 20_000 } as const;

for (const runtime of ["deno", "bun"] as const) {
  const name = `server on ${runtime} serves ${CLIENTS} clients, one after ` +
    "the other, while a download keeps it busy";
  test(name, async () => {
    await using target = await Target.start();
    await using scene = await Scene.start(runtime, target, [
      { method: "aes-256-gcm", withUsers: false, host: "127.0.0.1" },
    ]);
    using download = await scene.request(0, "down 4000000000");
    const reading = readOn(download);
    const startMs = performance.now();
    for (let i = 0; i < CLIENTS; i++) {
      using _client = await scene.request(0, "echo");
    }
    const tookMs = performance.now() - startMs;
    download.close();
    report(
      `${runtime}: ${tookMs.toFixed(0)} ms for ${CLIENTS} clients, beside ` +
        `${await reading} bytes`,
    );
    assert.ok(tookMs < LIMIT_MS[runtime], `${tookMs} ms`);
  });
}
