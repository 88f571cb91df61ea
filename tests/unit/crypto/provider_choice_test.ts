import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { systemClock } from "../../../src/clock.ts";
import type { Aead, AeadProvider } from "../../../src/crypto/aead.ts";
import { type AeadMethod, METHODS } from "../../../src/crypto/method.ts";
import { nobleProvider } from "../../../src/crypto/noble.ts";
import {
  ProviderChoice,
  tryProviders,
} from "../../../src/crypto/provider_choice.ts";
import { findFault } from "../../../src/crypto/provider_check.ts";
import { systemRandomBytes } from "../../../src/random.ts";

const [CHACHA] = METHODS as [AeadMethod];

test("findFault() finds nothing wrong with noble, for every method", () => {
  for (const method of METHODS) {
    assert.equal(
      findFault(nobleProvider, method, systemRandomBytes),
      undefined,
    );
  }
});

describe("findFault() refuses a provider that", () => {
  const faults: Record<string, [Partial<Aead>, RegExp]> = {
    "gives a wrong known answer": [{
      seal: (_nonce, _plaintext, out) => void out.fill(7),
    }, /known answer/],
    "seals long chunks wrong": [{
      seal(nonce, plaintext, out): void {
        noble().seal(nonce, plaintext, out);
        if (out.length > 16_000) out[9_000]! ^= 1;
      },
    }, /seals 16382 bytes differently/],
    "accepts any tag": [{
      open(nonce, sealed, out): boolean {
        noble().open(nonce, sealed, out);
        return true;
      },
    }, /does not verify/],
    "opens nothing": [{ open: () => false }, /does not open/],
    "opens to something else": [{
      open: (_nonce, _sealed, out) => out.fill(0).length > 0,
    }, /does not/],
    "has no memory left": [{
      seal(): void {
        throw new Error("out of memory");
      },
    }, /out of memory/],
  };
  let key = new Uint8Array(32);
  const noble = (): Aead => nobleProvider.aead(CHACHA, key.slice());
  for (const [name, [broken, expected]] of Object.entries(faults)) {
    test(name, () => {
      const provider = brokenProvider((subkey) => {
        key = subkey.slice();
        return broken;
      });
      assert.match(
        findFault(provider, CHACHA, systemRandomBytes) ?? "no fault",
        expected,
      );
    });
  }
});

test("findFault() frees every context it makes, also of a broken provider", () => {
  for (const broken of [{}, { open: () => false }]) {
    let open = 0;
    const provider = brokenProvider(() => {
      open++;
      return broken;
    }, () => open--);
    findFault(provider, CHACHA, systemRandomBytes);
    assert.equal(open, 0);
  }
});

describe("ProviderChoice", () => {
  const faster = { ...nobleProvider, name: "faster" };

  test("takes the fastest without a fault, for each method", () => {
    const choice = new ProviderChoice([
      { method: CHACHA, provider: nobleProvider, speed: 100 },
      { method: CHACHA, provider: faster, speed: 2_000 },
      { method: METHODS[1]!, provider: nobleProvider, speed: 30 },
      { method: METHODS[1]!, provider: faster, speed: 0, fault: "wrong" },
    ]);
    assert.equal(choice.chosen(CHACHA), faster);
    assert.equal(choice.chosen(METHODS[1]!), nobleProvider);
    assert.equal(choice.chosen(METHODS[2]!), undefined);
    assert.throws(
      () => choice.aead(METHODS[2]!, new Uint8Array(24)),
      RangeError,
    );
  });

  test("takes the later of two that are alike", () => {
    const choose = (speed: number) =>
      new ProviderChoice([
        { method: CHACHA, provider: nobleProvider, speed },
        { method: CHACHA, provider: faster, speed: 1_000 },
      ]).chosen(CHACHA);
    assert.equal(choose(1_400), faster);
    assert.equal(choose(1_600), nobleProvider);
  });

  test("never takes a broken provider, however fast", () => {
    const broken = brokenProvider(() => ({
      seal: (_nonce, _plaintext, out) => void out.fill(0),
    }));
    const trials = tryProviders([broken, nobleProvider], [CHACHA], {
      clock: systemClock,
      randomBytes: systemRandomBytes,
    });
    assert.match(trials[0]?.fault ?? "", /known answer/);
    assert.equal(new ProviderChoice(trials).chosen(CHACHA), nobleProvider);
  });
});

/** noble, with parts replaced. */
function brokenProvider(
  make: (subkey: Uint8Array) => Partial<Aead>,
  freed: () => void = () => {},
): AeadProvider {
  return {
    name: "broken",
    version: "0",
    supports: () => true,
    aead(method, subkey): Aead {
      const right = nobleProvider.aead(method, subkey.slice());
      const broken = make(subkey);
      return {
        seal: broken.seal ?? ((...args) => right.seal(...args)),
        open: broken.open ?? ((...args) => right.open(...args)),
        free: freed,
      };
    },
  };
}
