import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { systemClock } from "../../../src/clock.ts";
import type {
  KeyStream,
  KeyStreamMethod,
  KeyStreamProvider,
} from "../../../src/crypto/key_stream.ts";
import { findKeyStreamFault } from "../../../src/crypto/key_stream_check.ts";
import {
  KeyStreamChoice,
  tryKeyStreams,
} from "../../../src/crypto/key_stream_choice.ts";
import { referenceKeyStreams } from "../../../src/crypto/key_streams/reference.ts";
import {
  findStreamMethod,
  STREAM_METHODS,
} from "../../../src/crypto/stream_methods.ts";
import { systemRandomBytes } from "../../../src/random.ts";

const CFB = findStreamMethod("aes-128-cfb")!;

describe("findKeyStreamFault() finds nothing wrong with the reference", () => {
  for (const method of STREAM_METHODS) {
    if (referenceKeyStreams.lacks(method) !== undefined) continue;
    test(method.name, () => {
      assert.equal(
        findKeyStreamFault(referenceKeyStreams, method, systemRandomBytes),
        undefined,
      );
    });
  }
});

/** How a provider may be wrong: what it does after the right thing. */
type Damage = (out: Uint8Array, position: number, isEncrypt: boolean) => void;

describe("findKeyStreamFault() refuses a provider that", () => {
  const faults: Record<string, [Damage, RegExp]> = {
    "gives a wrong known answer": [(out) => void out.fill(7), /known answer/],
    "decrypts wrong": [(out, _, isEncrypt) => {
      if (!isEncrypt) out[0]! ^= 1;
    }, /does not decrypt/],
    "turns large calls wrong": [(out) => {
      if (out.length > 16_000) out[9_000]! ^= 1;
    }, /encrypts 16383 bytes differently from their parts/],
    "loses its position in large streams": [(out, position) => {
      if (position + out.length > 10_000) out[out.length - 1]! ^= 1;
    }, /encrypts 16383 bytes differently from (noble|their parts)/],
    "has no memory left": [() => {
      throw new Error("out of memory");
    }, /out of memory/],
  };
  for (const [name, [damage, expected]] of Object.entries(faults)) {
    test(name, () => {
      assert.match(
        findKeyStreamFault(damaged(damage), CFB, systemRandomBytes) ??
          "no fault",
        expected,
      );
    });
  }

  test("agrees with itself, but not with the reference", () => {
    // Right for the key of the known answer only, as a cached one would be.
    let first: Uint8Array | undefined;
    const provider: KeyStreamProvider = {
      ...referenceKeyStreams,
      name: "cached",
      keyStream(method, key, iv, direction): KeyStream {
        first ??= key.slice();
        return referenceKeyStreams.keyStream(method, first, iv, direction);
      },
    };
    assert.match(
      findKeyStreamFault(provider, CFB, systemRandomBytes) ?? "no fault",
      /encrypts \d+ bytes differently from noble/,
    );
  });
});

test("findKeyStreamFault() wants a known answer", () => {
  const unknown: KeyStreamMethod = { ...CFB, name: "aes-128-new" };
  assert.match(
    findKeyStreamFault(referenceKeyStreams, unknown, systemRandomBytes) ?? "",
    /no answer of it is known/,
  );
});

test("findKeyStreamFault() frees every key stream, also of a broken provider", () => {
  const damages: Damage[] = [() => {}, (out) => void out.fill(7), () => {
    throw new Error("broken");
  }];
  for (const damage of damages) {
    let open = 0;
    const provider = damaged(damage, (change) => open += change);
    findKeyStreamFault(provider, CFB, systemRandomBytes);
    assert.equal(open, 0);
  }
});

describe("KeyStreamChoice", () => {
  const system = { clock: systemClock, randomBytes: systemRandomBytes };

  test("never takes a broken provider, however fast", () => {
    const broken = damaged((out) => void out.fill(0));
    const trials = tryKeyStreams([broken, referenceKeyStreams], [CFB], system);
    assert.match(trials[0]?.fault ?? "", /known answer/);
    const choice = new KeyStreamChoice(trials);
    assert.equal(choice.chosen(CFB), referenceKeyStreams);
    assert.equal(choice.lacks(CFB), undefined);
  });

  test("says so, when no provider computes a method", () => {
    const camellia = findStreamMethod("camellia-128-cfb")!;
    const trials = tryKeyStreams([referenceKeyStreams], [camellia], system);
    const choice = new KeyStreamChoice(trials);
    assert.match(choice.lacks(camellia) ?? "", /computes camellia-128-cfb/);
    const key = new Uint8Array(16);
    assert.throws(
      () => choice.keyStream(camellia, key, key, "encrypt"),
      RangeError,
    );
  });
});

/** The reference, with something done to what it gives. */
function damaged(
  damage: Damage,
  count: (change: number) => void = () => {},
): KeyStreamProvider {
  return {
    ...referenceKeyStreams,
    name: "damaged",
    keyStream(method, key, iv, direction): KeyStream {
      const right = referenceKeyStreams.keyStream(method, key, iv, direction);
      let position = 0;
      count(1);
      return {
        apply(input, out): void {
          right.apply(input, out);
          damage(out, position, direction === "encrypt");
          position += input.length;
        },
        free: () => count(-1),
      };
    },
  };
}
