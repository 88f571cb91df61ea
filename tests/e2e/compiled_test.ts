/**
 * On Deno, V8 keeps the code that it has compiled for our own sockets, and an
 * ended connection leaves almost nothing in memory (decision 0158). V8 itself
 * reports both.
 *
 * @module
 */
import assert from "node:assert/strict";
import process from "node:process";
import { test } from "node:test";
import { V8_FLAGS } from "../../build.ts";
import { load, output, startTarget } from "../bench/measure.ts";
import { Running, type System, umbra } from "../bench/systems.ts";
import { freePort } from "../support/process.ts";
import { report } from "../support/report.ts";
import { denoPath } from "../support/runtimes.ts";

/** Enough for V8 to compile everything that a connection needs. */
const SESSIONS = 8_000;

/**
 * Bytes that collections may copy to the old generation, of those that were
 * allocated. It was a quarter when sets held the connections.
 */
const MAX_KEPT_SHARE = 0.08;

const skip = denoPath() === undefined
  ? "needs Deno"
  : process.platform !== "linux"
  ? "needs Linux"
  : false;

test(
  "V8 keeps the compiled code, and no ended connection",
  { skip },
  async () => {
    const system = tracing(umbra("deno", { transport: "linux" }));
    await using target = await startTarget();
    const setup = {
      method: "aes-256-gcm",
      front: "socks",
      serverPort: await freePort(),
      localPort: await freePort(),
      targetPort: target.port,
    } as const;
    await using running = await Running.start(system, setup);
    const { answered } = JSON.parse(
      await output(load(setup, "sessions", SESSIONS, 0)),
    );
    assert.equal(answered, SESSIONS);
    for (const end of ["server", "local"] as const) {
      const traces = running[end].output;
      const share = keptShare(traces);
      report(
        `${end}: ${(100 * share).toFixed(1)} % copied to the old generation`,
      );
      assert.ok(share < MAX_KEPT_SHARE, `${end}: ${share}`);
      // A number as a parameter of 64 bits: see `toUsize()`.
      const discarded = traces.match(/reason: not a BigInt/g) ?? [];
      assert.deepEqual(discarded, [], `${end} discards compiled code`);
    }
  },
);

/** Returns the share of the last half of all collections. */
function keptShare(traces: string): number {
  const collections = [
    ...traces.matchAll(/"allocated":(\d+),"promoted":(\d+)/g),
  ].map(([, allocated, promoted]) => [Number(allocated), Number(promoted)]);
  const last = collections.slice(collections.length / 2);
  assert.ok(last.length > 10, `${last.length} collections`);
  const sum = (at: number): number =>
    last.reduce((total, numbers) => total + numbers[at]!, 0);
  return sum(1) / sum(0);
}

function tracing(system: System): System {
  const traced = (words: readonly string[]): string[] =>
    words.map((word) =>
      word === V8_FLAGS ? `${word},--trace-deopt,--trace-gc-nvp` : word
    );
  return {
    name: system.name,
    server: (setup) => traced(system.server(setup)),
    local: (setup) => traced(system.local(setup)),
  };
}
