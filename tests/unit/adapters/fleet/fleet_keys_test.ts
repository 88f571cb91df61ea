import assert from "node:assert/strict";
import { test } from "node:test";
import { FleetKeys } from "../../../../src/adapters/fleet/fleet_keys.ts";
import { flipBit, hex, seededBytes } from "../../../support/bytes.ts";

const KEY = seededBytes(32, 1);
const KEYS = new FleetKeys([KEY]);
const WHOSE = { fleet: "0011223344556677", id: "8388/alice", version: 7 };
const NONCE = seededBytes(12, 2);

/**
 * Values from tests/vectors/fleet_keys.py, made with Python's `cryptography` 48
 * (HKDF, AESGCM) and `hmac` from the same key and nonce.
 */
const VECTOR = {
  keyPassword:
    "44b1e68be0f33da1c1e5dc3be5464560b33b22df4a23c8d12e2d2672fc9226eb" +
    "778e9b0b702fc8b24bea445e4f74a56508c40202b81ca5d685c2676e24",
  textPassword:
    "c4b1e68be0f33da1c1e5dc3be57741e6a6628f9e640c62ac88754d7db8c7dcd9" +
    "a6e5931d25a3ddb72f018dbaa419bf4c345a9b50",
  mark: "am_wjvU82S4",
  check: "fJz9caZqa4Duj8Qu7DUteg",
};

const KEY_PASSWORD = seededBytes(32, 3).toBase64();
const TEXT_PASSWORD = "correct horse, größer";

test("seal() makes the bytes that another implementation makes", () => {
  const sealed = (password: string) => KEYS.seal(password, WHOSE, () => NONCE);
  assert.deepEqual(sealed(KEY_PASSWORD), hex(VECTOR.keyPassword));
  assert.deepEqual(sealed(TEXT_PASSWORD), hex(VECTOR.textPassword));
  assert.equal(KEYS.mark(WHOSE.id, "192.0.2.1"), VECTOR.mark);
  assert.equal(KEYS.check, VECTOR.check);
});

test("open() gives back what seal() took, in 61 bytes for a key of 32", () => {
  for (
    const password of [
      ...[KEY_PASSWORD, TEXT_PASSWORD, seededBytes(16, 4).toBase64()],
      ...["x", "AAAA", `${KEY_PASSWORD}=`, "A".repeat(23), "Ä".repeat(500)],
    ]
  ) {
    const sealed = KEYS.seal(password, WHOSE, seededBytes);
    assert.equal(KEYS.open(sealed, WHOSE), password);
  }
  assert.equal(KEYS.seal(KEY_PASSWORD, WHOSE, seededBytes).length, 61);
});

test("open() takes nothing that was changed, cut, or sealed for another", () => {
  const damaged = { code: "ERR_STORE_DAMAGED" };
  for (const password of [KEY_PASSWORD, TEXT_PASSWORD]) {
    const sealed = KEYS.seal(password, WHOSE, seededBytes);
    for (let bit = 0; bit < sealed.length * 8; bit++) {
      assert.throws(() => KEYS.open(flipBit(sealed, bit), WHOSE), damaged);
    }
    for (let length = 0; length < sealed.length; length++) {
      assert.throws(
        () => KEYS.open(sealed.subarray(0, length), WHOSE),
        damaged,
      );
    }
    for (
      const other of [
        ...[{ ...WHOSE, fleet: "1" }, { ...WHOSE, id: "8388/bob" }],
        { ...WHOSE, version: 8 },
      ]
    ) assert.throws(() => KEYS.open(sealed, other), damaged);
  }
});

test("a fleet key in the place of another opens what that has sealed", () => {
  const sealed = KEYS.seal(KEY_PASSWORD, WHOSE, seededBytes);
  const next = new FleetKeys([seededBytes(32, 9), KEY]);
  assert.equal(next.open(sealed, WHOSE), KEY_PASSWORD);
  assert.equal(next.isOf(KEYS.check), true);
  assert.equal(KEYS.isOf(next.check), false);
  const again = next.seal(KEY_PASSWORD, WHOSE, seededBytes);
  assert.throws(() => KEYS.open(again, WHOSE));
  assert.deepEqual([next.isOld(sealed), next.isOld(again)], [true, false]);
});

test("marks tell places of one user apart, and users", () => {
  const marks = [
    KEYS.mark("8388/alice", "192.0.2.1"),
    KEYS.mark("8388/alice", "192.0.2.2"),
    KEYS.mark("8388/bob", "192.0.2.1"),
    new FleetKeys([seededBytes(32, 9)]).mark("8388/alice", "192.0.2.1"),
  ];
  assert.equal(new Set(marks).size, 4);
  for (const mark of marks) assert.match(mark, /^[A-Za-z0-9_-]{11}$/);
});

test("a fleet key has 32 bytes", () => {
  for (const length of [0, 31, 33]) {
    assert.throws(() => new FleetKeys([seededBytes(length)]), {
      code: "ERR_CONFIG_VALUE",
    });
  }
  assert.throws(() => new FleetKeys([]), { code: "ERR_CONFIG_VALUE" });
});

test("the fleet says which key seals, and marks stay as they are", () => {
  const [first, second] = [seededBytes(32, 21), seededBytes(32, 22)];
  const ring = new FleetKeys([first, second]);
  const old = new FleetKeys([first]);
  const next = new FleetKeys([second]);
  const mark = ring.mark(WHOSE.id, "192.0.2.1");
  assert.deepEqual(ring.checks, [old.check, next.check]);
  assert.deepEqual(ring.ids, [...old.ids, ...next.ids]);
  ring.use(next.check, ring.markKey);
  assert.equal(ring.check, next.check);
  assert.deepEqual(ring.ids, [...next.ids, ...old.ids]);
  // The keys keep the order of the file.
  assert.deepEqual(ring.checks, [old.check, next.check]);
  const sealed = ring.seal(KEY_PASSWORD, WHOSE, seededBytes);
  assert.equal(next.open(sealed, WHOSE), KEY_PASSWORD);
  assert.equal(old.opens(sealed, WHOSE), false);
  assert.equal(ring.mark(WHOSE.id, "192.0.2.1"), mark);
  assert.notEqual(next.mark(WHOSE.id, "192.0.2.1"), mark);
  // An unknown key changes nothing.
  ring.use(new FleetKeys([seededBytes(32, 23)]).check, ring.markKey);
  assert.equal(ring.check, next.check);
});

test("a reload takes other keys, and never the one in use away", () => {
  const [first, second, third] = [31, 32, 33].map((n) =>
    seededBytes(32, n)
  ) as [
    ...[Uint8Array, Uint8Array, Uint8Array],
  ];
  const ring = new FleetKeys([first]);
  ring.adopt(new FleetKeys([first, second]));
  assert.equal(ring.check, new FleetKeys([first]).check);
  assert.equal(ring.ids.length, 2);
  ring.adopt(new FleetKeys([third]));
  assert.equal(ring.check, new FleetKeys([first]).check);
  assert.equal(ring.isOf(new FleetKeys([second]).check), false);
  assert.equal(ring.isOf(new FleetKeys([third]).check), true);
});
