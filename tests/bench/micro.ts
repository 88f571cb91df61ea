/**
 * What one seal and one open cost, by provider and size, on this runtime.
 *
 * Usage: `deno run -A tests/bench/micro.ts` or `bun tests/bench/micro.ts`.
 *
 * @module
 */
import process from "node:process";
import { systemProviders } from "../../src/adapters/crypto/providers.ts";
import type { Aead } from "../../src/crypto/aead.ts";
import { METHODS } from "../../src/crypto/method.ts";
import { TAG_LENGTH } from "../../src/limits.ts";

/** Length chunk, small packet, full packet, full chunk. */
const SIZES = [2, 64, 1_400, 16_383];
const ROUNDS = 5;
const ROUND_MS = 40;

process.stdout.write(
  "| method | provider | " +
    SIZES.map((size) => `${size} B, seal / open µs`).join(" | ") +
    " | MiB/s, seal |\n|---|---|" + "--:|".repeat(SIZES.length + 1) + "\n",
);
for (const method of METHODS) {
  for (const result of systemProviders()) {
    if (!("provider" in result) || !result.provider.supports(method)) continue;
    const { provider } = result;
    const make = (): Aead =>
      provider.aead(method, new Uint8Array(method.keyLength));
    const nonce = new Uint8Array(method.nonceLength);
    const cells = SIZES.map((size) => {
      const plaintext = new Uint8Array(size);
      const sealed = new Uint8Array(size + TAG_LENGTH);
      const [sealer, opener] = [make(), make()];
      const seal = cost(() => sealer.seal(nonce, plaintext, sealed));
      const open = cost(() => opener.open(nonce, sealed, plaintext));
      sealer.free();
      opener.free();
      return { size, seal, open };
    });
    const last = cells.at(-1)!;
    const speed = last.size / 2 ** 20 / (last.seal / 1e6);
    process.stdout.write(
      `| ${method.name} | ${provider.name} | ${
        cells.map(({ seal, open }) => `${seal.toFixed(2)} / ${open.toFixed(2)}`)
          .join(" | ")
      } | ${speed.toFixed(0)} |\n`,
    );
  }
}

/** Microseconds of one call: the best of some rounds. */
function cost(call: () => void): number {
  let best = Infinity;
  for (let round = 0; round < ROUNDS; round++) {
    const start = performance.now();
    let calls = 0;
    do {
      for (let i = 0; i < 8; i++) call();
      calls += 8;
    } while (performance.now() - start < ROUND_MS);
    best = Math.min(best, (performance.now() - start) / calls);
  }
  return best * 1_000;
}
