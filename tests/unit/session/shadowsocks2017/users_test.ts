import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { MasterKey } from "../../../../src/crypto/aead.ts";
import { findMethod } from "../../../../src/crypto/method.ts";
import { nobleProvider } from "../../../../src/crypto/noble.ts";
import {
  MAX_REMEMBERED_CLIENTS,
  MAX_TRIAL_USERS,
} from "../../../../src/limits.ts";
import {
  type User2017,
  Users2017,
} from "../../../../src/session/shadowsocks2017/users.ts";

const METHOD = findMethod("aes-128-gcm");
const USERS: readonly User2017[] = Array.from({ length: 3 }, (_, i) => ({
  name: `user${i}`,
  masterKey: new MasterKey(METHOD, new Uint8Array(16).fill(i), nobleProvider),
}));

function tableOf(users: readonly User2017[] = USERS): Users2017 {
  const table = new Users2017(METHOD);
  table.set(users);
  return table;
}

/** How many keys are tried until that of the last user fits. */
function tries(table: Users2017, clientHost: string): number {
  let count = 0;
  table.match(
    (user) => {
      count++;
      return user === USERS[2] || undefined;
    },
    clientHost,
    "test",
  );
  return count;
}

describe("Users2017", () => {
  test("match() tries the key first that fitted the client's address last", () => {
    const table = tableOf();
    assert.equal(tries(table, "10.0.0.1"), 3);
    assert.equal(tries(table, "10.0.0.1"), 1);
    assert.equal(tries(table, "10.0.0.2"), 3);
  });

  test("match() forgets the oldest address, when there is one too many", () => {
    const table = tableOf();
    for (let i = 0; i < MAX_REMEMBERED_CLIENTS; i++) tries(table, `${i}`);
    assert.equal(tries(table, "0"), 1);
    tries(table, "one more");
    assert.equal(tries(table, "1"), 1);
    assert.equal(tries(table, "0"), 3);
  });

  test("match() throws, when no key fits", () => {
    assert.throws(() => tableOf().match(() => undefined, "10.0.0.1", "test"), {
      code: "ERR_SS_AUTHENTICATION",
    });
  });

  test("set() forgets whose key fitted, when that user is gone", () => {
    const table = tableOf();
    tries(table, "10.0.0.1");
    table.set(USERS.slice(0, 2));
    assert.throws(() => tries(table, "10.0.0.1"));
    table.set(USERS);
    assert.equal(tries(table, "10.0.0.1"), 3);
  });

  test("set() takes 1 to 256 users, and changes nothing when it throws", () => {
    const table = tableOf();
    const many = Array.from({ length: MAX_TRIAL_USERS }, () => USERS[0]!);
    assert.throws(() => table.set([]), RangeError);
    assert.throws(() => table.set([...many, USERS[0]!]), RangeError);
    assert.equal(tries(table, "10.0.0.1"), 3);
    table.set(many);
    assert.throws(() => tries(table, "10.0.0.1"));
  });
});
