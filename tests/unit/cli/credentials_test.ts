// Keys of configuration files are what they are.
// deno-lint-ignore-file camelcase
import assert from "node:assert/strict";
import { test } from "node:test";
import { parseArguments } from "../../../src/cli/options/args.ts";
import { findCommand } from "../../../src/cli/commands/commands.ts";
import {
  configureLocal,
  configureServer,
} from "../../../src/cli/config/config.ts";
import { configureUrls } from "../../../src/cli/config/configure_urls.ts";
import { generateKey } from "../../../src/cli/tools/genkey.ts";
import { parseServerUri } from "../../../src/codec/uri.ts";
import { masterKeyFromPassword } from "../../../src/crypto/master_key.ts";
import { METHODS } from "../../../src/crypto/method.ts";
import { ConfigError } from "../../../src/errors.ts";
import type { ClientKeys, ServerKeys } from "../../../src/session/family.ts";
import { plainUsers } from "../../support/keys.ts";
import { sourcesOf } from "../../support/sources.ts";

const AES_2022 = "2022-blake3-aes-128-gcm";
const CHACHA_2022 = "2022-blake3-chacha20-poly1305";
const ADDRESS = { server: "192.0.2.1", server_port: 8388 };

/** A key of 16 bytes that are all `seed`, as bytes and as text. */
function key(seed: number): { bytes: Uint8Array; text: string } {
  const bytes = new Uint8Array(16).fill(seed);
  return { bytes, text: bytes.toBase64() };
}

function local(file: object): ClientKeys {
  const args = parseArguments(findCommand("local")!, ["-c", "f"]);
  return configureLocal(args, sourcesOf(() => JSON.stringify(file))).result[0]!
    .servers[0]!;
}

function server(file: object): ServerKeys {
  const args = parseArguments(findCommand("server")!, ["-c", "f"]);
  return configureServer(args, sourcesOf(() => JSON.stringify(file)))
    .result[0]!;
}

function urls(file: object): string[] {
  const args = parseArguments(findCommand("url")!, ["-c", "f"]);
  return configureUrls(args, sourcesOf(() => JSON.stringify(file))).result;
}

function refuses(run: () => unknown, ...messages: RegExp[]): void {
  assert.throws(run, (error) => {
    assert.ok(error instanceof ConfigError, String(error));
    for (const message of messages) assert.match(error.message, message);
    assert.doesNotMatch(error.message, /secret|AQEBAQ/);
    return true;
  });
}

test("a 2022 method takes a key of exactly its length, and says how to make one", () => {
  const { bytes, text } = key(1);
  for (const password of [text, text.replaceAll("=", "")]) {
    const file = { ...ADDRESS, method: AES_2022, password };
    assert.deepEqual(local(file).masterKey, bytes);
    assert.deepEqual(server(file).masterKey, bytes);
  }
  const long = btoa("\x01".repeat(17));
  for (const password of ["secret", long, "!secret!", "AQEBAQ=="]) {
    refuses(
      () => server({ ...ADDRESS, method: AES_2022, password }),
      /password: 2022-blake3-aes-128-gcm takes no password but a key of 16 /,
      /make one with `umbra genkey 2022-blake3-aes-128-gcm`/,
    );
  }
  // A key of the right length for another method.
  refuses(
    () => server({ ...ADDRESS, method: CHACHA_2022, password: text }),
    /a key of 32 random bytes in base64, got 16 bytes/,
  );
});

test("generateKey() makes what every method takes", () => {
  for (const { name, keyLength, family } of METHODS) {
    const text = generateKey(
      { ...METHODS[0]!, keyLength, family },
      (length) => new Uint8Array(length).fill(0xfb),
    );
    const keys = server({ ...ADDRESS, method: name, key: text });
    assert.deepEqual(keys.masterKey, new Uint8Array(keyLength).fill(0xfb));
  }
});

test("a local takes a chain of keys, its own last", () => {
  const chain = [1, 2, 3].map(key);
  const password = chain.map(({ text }) => text).join(":");
  const keys = local({ ...ADDRESS, method: AES_2022, password });
  assert.deepEqual(keys.masterKey, chain[2]!.bytes);
  assert.deepEqual(keys.identityKeys, chain.slice(0, 2).map((k) => k.bytes));
  refuses(
    () => server({ ...ADDRESS, method: AES_2022, password }),
    /a server has one key; put its users into "users"/,
  );
  const long = btoa("\x01".repeat(32));
  refuses(
    () =>
      local({ ...ADDRESS, method: CHACHA_2022, password: `${long}:${long}` }),
    /only the AES methods have identity headers/,
  );
});

test("a server takes rust's users", () => {
  const users = [2, 3].map((seed) => ({
    name: `user${seed}`,
    password: key(seed).text,
  }));
  const file = { ...ADDRESS, method: AES_2022, password: key(1).text, users };
  const keys = server(file);
  assert.deepEqual(keys.masterKey, key(1).bytes);
  assert.deepEqual(
    plainUsers(keys.users),
    [2, 3].map((seed) => ({
      name: `user${seed}`,
      masterKey: key(seed).bytes,
    })),
  );
  assert.deepEqual(server({ ...file, users: [] }).users, undefined);
  refuses(() => local(file), /"users" are for ss-server/);
  refuses(
    () =>
      server({
        ...file,
        users: [...users, { name: "user2", password: key(4).text }],
      }),
    /two users are named "user2"/,
  );
  refuses(
    () =>
      server({
        ...file,
        users: [...users, { name: "x", password: key(2).text }],
      }),
    /users "user2" and "x" have the same key/,
  );
  refuses(
    () => server({ ...file, users: [{ name: "x" }] }),
    /password is missing/,
  );
  refuses(
    () => server({ ...file, users: [{ password: "x" }] }),
    /name is missing/,
  );
  refuses(
    () => server({ ...file, method: CHACHA_2022 }),
    /2022-blake3-chacha20-poly1305 has no identity headers/,
  );
  refuses(
    () => server({ ...ADDRESS, method: AES_2022, users }),
    /no password/,
  );
});

test("a server of AEAD 2017 takes users with and without a password of its own", () => {
  const users = [{ name: "alice", password: "secret-a" }];
  const keys = server({ ...ADDRESS, method: "aes-128-gcm", users });
  assert.equal(keys.masterKey, undefined);
  assert.deepEqual(plainUsers(keys.users), [{
    name: "alice",
    masterKey: masterKeyFromPassword("secret-a", keys.method),
  }]);
  const both = server({
    ...ADDRESS,
    method: "aes-128-gcm",
    password: "secret",
    users,
  });
  assert.deepEqual(
    both.masterKey,
    masterKeyFromPassword("secret", both.method),
  );
  const many = Array.from({ length: 257 }, (_, i) => ({
    name: `u${i}`,
    password: `secret${i}`,
  }));
  refuses(
    () => server({ ...ADDRESS, method: "aes-128-gcm", users: many }),
    /257 users are too many for aes-128-gcm, which tries every key: 256 at most/,
  );
});

test("umbra url writes one URI for each user, that a local can read", () => {
  const users = [2, 3].map((seed) => ({
    name: `user ${seed}`,
    password: key(seed).text,
  }));
  const file = { ...ADDRESS, method: AES_2022, password: key(1).text, users };
  const [first, second] = urls(file);
  assert.match(first!, /^ss:\/\/2022-blake3-aes-128-gcm:AQEB\w*%3D%3D%3A/);
  assert.deepEqual(parseServerUri(second!), {
    method: AES_2022,
    password: `${key(1).text}:${key(3).text}`,
    host: "192.0.2.1",
    port: 8388,
    tag: "user 3",
  });
  const single = urls({ ...ADDRESS, method: AES_2022, key: key(1).text });
  assert.equal(parseServerUri(single[0]!).password, key(1).text);
  const old = urls({
    ...ADDRESS,
    method: "aes-128-gcm",
    users: [{ name: "alice", password: "secret-a" }],
  });
  assert.equal(parseServerUri(old[0]!).password, "secret-a");
});

test("umbra url writes the URI of a client's own configuration", () => {
  const password = `${key(1).text}:${key(2).text}`;
  const file = { ...ADDRESS, method: AES_2022, password };
  assert.equal(parseServerUri(urls(file)[0]!).password, password);
  refuses(() => urls({ ...file, password: "secret" }), /takes no password/);
});

test("umbra url refuses a user whose key no password makes", () => {
  const user = { name: "ann", key: key(2).text };
  const method = "aes-128-gcm";
  refuses(
    () => urls({ ...ADDRESS, method, users: [user] }),
    /users\[0\]\.key: a raw key has no ss:\/\/ form/,
  );
  const file = { ...ADDRESS, method: AES_2022, key: key(1).text };
  assert.equal(
    parseServerUri(urls({ ...file, users: [user] })[0]!).password,
    `${key(1).text}:${key(2).text}`,
  );
});

test("a user of a server may have limits", () => {
  const user = { name: "alice", password: "secret-a" };
  const limits = (more: object): unknown =>
    server({
      ...ADDRESS,
      method: "aes-128-gcm",
      users: [{ ...user, ...more }],
    }).users![0]!.limits;
  assert.equal(limits({}), undefined);
  assert.deepEqual(limits({ max_connections: 3, quota_bytes: 1e9 }), {
    quotaBytes: 1e9,
    maxConnections: 3,
  });
  assert.deepEqual(limits({ expires: "2027-01-31T00:00:00Z" }), {
    expiresUnixMs: Date.UTC(2027, 0, 31),
  });
  assert.deepEqual(
    limits({
      quota_bytes: "50 GB",
      bytes_per_second: "10 Mbit/s",
      max_hosts: "3",
    }),
    { quotaBytes: 50e9, bytesPerSecond: 1_250_000, maxHosts: 3 },
  );
  refuses(() => limits({ bytes_per_second: "fast" }), /is "fast", expected by/);
  refuses(() => limits({ max_hosts: 0 }), /max_hosts is 0/);
  refuses(() => limits({ quota_bytes: 0 }), /users\[0\].quota_bytes is 0/);
  refuses(() => limits({ max_connections: "x" }), /max_connections/);
  refuses(() => limits({ expires: "soon" }), /expires is "soon"/);
});

test("a user of a server may be disabled, and have a key for a password", () => {
  const masterKey = key(7).bytes;
  const user = { name: "alice", key: key(7).text };
  const users = (more: object): unknown =>
    plainUsers(
      server({
        ...ADDRESS,
        method: "aes-128-gcm",
        users: [{ ...user, ...more }],
      }).users,
    );
  assert.deepEqual(users({}), [{ name: "alice", masterKey }]);
  assert.deepEqual(users({ disabled: true }), [
    { name: "alice", masterKey, disabled: true },
  ]);
  assert.deepEqual(users({ disabled: false }), [{ name: "alice", masterKey }]);
  refuses(() => users({ disabled: 1 }), /users\[0\].disabled is 1, expected t/);
});
