/**
 * The cost of one seal and one open, by provider and size, on this runtime;
 * then that of key streams that are still in use.
 *
 * Usage: `deno run -A tests/bench/micro.ts` or `bun tests/bench/micro.ts`.
 *
 * @module
 */
import process from "node:process";
import {
  systemKeyStreams,
  systemProviders,
} from "../../src/adapters/crypto/providers.ts";
import type { Aead } from "../../src/crypto/aead.ts";
import type {
  KeyStream,
  KeyStreamDirection,
} from "../../src/crypto/key_stream.ts";
import { METHODS } from "../../src/crypto/method.ts";
import { STREAM_METHODS } from "../../src/crypto/stream_methods.ts";
import { TAG_LENGTH } from "../../src/limits.ts";

/** Lengths of a length chunk, a small packet, a full packet, a full chunk. */
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

/** Lengths of a small packet, a full packet, a small and the largest read. */
const STREAM_SIZES = [64, 1_400, 16_384, 262_144];
/** Methods that are still in use. */
const USED = /^(aes-...-c(fb|tr)|x?chacha20(-ietf)?|rc4-md5|salsa20)$/;

process.stdout.write(
  "\n| method | provider | " +
    STREAM_SIZES.map((size) => `${size} B, encrypt / decrypt µs`).join(" | ") +
    " | MiB/s, encrypt / decrypt |\n|---|---|" + "--:|".repeat(5) + "\n",
);
for (const method of STREAM_METHODS.filter(({ name }) => USED.test(name))) {
  for (const result of systemKeyStreams()) {
    if (!("provider" in result)) continue;
    const { provider } = result;
    if (provider.lacks(method) !== undefined) continue;
    const make = (direction: KeyStreamDirection): KeyStream =>
      provider.keyStream(
        method,
        new Uint8Array(method.keyLength),
        new Uint8Array(method.ivLength),
        direction,
      );
    const cells = STREAM_SIZES.map((size) => {
      const text = new Uint8Array(size);
      const out = new Uint8Array(size);
      return (["encrypt", "decrypt"] as const).map((direction) => {
        const stream = make(direction);
        const microseconds = cost(() => stream.apply(text, out));
        stream.free();
        return microseconds;
      });
    });
    const pair = (numbers: readonly number[], digits: number): string =>
      numbers.map((number) => number.toFixed(digits)).join(" / ");
    const speeds = cells.at(-1)!.map((microseconds) =>
      STREAM_SIZES.at(-1)! / 2 ** 20 / (microseconds / 1e6)
    );
    process.stdout.write(
      `| ${method.name} | ${provider.name} | ${
        cells.map((cell) => pair(cell, 2)).join(" | ")
      } | ${pair(speeds, 0)} |\n`,
    );
  }
}

/** Returns microseconds of one call: the best of several rounds. */
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
