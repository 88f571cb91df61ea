/**
 * Text that is mutated: what is accepted can be written, and is read back equal.
 *
 * @module
 */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { openSqliteStore } from "../../src/adapters/store/sqlite_store.ts";
import { readFields, readNewUser } from "../../src/admin/request_body.ts";
import { dataRoute, findRoute } from "../../src/admin/router.ts";
import { formatServerUri, parseServerUri } from "../../src/codec/uri.ts";
import { ConfigError } from "../../src/errors.ts";
import { seededRandom, utf8 } from "../support/bytes.ts";
import { FUZZ_BUDGET_MS, MUTATIONS, mutations } from "../support/mutate.ts";

/** What bytes below 0x20 stand for, since mutations are of bytes. */
const ODD: readonly string[] = [
  ...["\ud800", "\udc00", "\ud83d\ude00", "\u202e", "\u2066", "\u200d"],
  ...["\u200b", "\ufeff", "\u3000", "\u0000", "\n", "\u007f", "\u00e9"],
  ...["e\u0301", "\u2028", "\ufffd", "\ufffe", "%ff", "%00", "%ed%a0%80"],
  ...["%C3%A9", "\u3164", "\udbff\udfff"],
];

/** Mutated text. */
function* texts(
  samples: readonly string[],
  spice: string,
  seed: number,
): Generator<string> {
  const odd = Array.from(ODD, (_, i) => String.fromCharCode(i)).join("");
  const all = mutations(samples.map(utf8), utf8(odd + spice), {
    count: MUTATIONS,
    seed,
  });
  const bytes = new TextDecoder();
  for (const one of all) {
    yield bytes.decode(one).replace(
      // deno-lint-ignore no-control-regex
      /[\x00-\x1f]/g,
      (character) => ODD[character.charCodeAt(0)] ?? character,
    );
  }
}

/** `undefined` for what is refused; any other error fails. */
function accepted<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    assert.ok(error instanceof ConfigError, String(error));
    return undefined;
  }
}

test("an ss:// URI that is read is written, and read back equal", () => {
  const samples = [
    "ss://YWVzLTI1Ni1nY206cHc@192.0.2.1:8388/?plugin=p%3Ba%3Db&x=1#caf%C3%A9",
    "ss://2022-blake3-aes-128-gcm:a%2Fb%3D:c@[2001:db8::1]:443#x%20y",
    "ss://aes-256-gcm:p%20w@example.com:1#50% off",
    "ss://YTpiQGM6MTAw#z",
  ];
  const start = performance.now();
  let read = 0;
  for (const text of texts(samples, "%:@/?#[]=&ss \\0129ABYZab", 11)) {
    const server = accepted(() => parseServerUri(text));
    if (server === undefined) continue;
    read++;
    const written = formatServerUri(server);
    assert.ok(written.isWellFormed());
    assert.deepEqual(parseServerUri(written), server, JSON.stringify(text));
  }
  assert.ok(read > MUTATIONS / 100, `${read}`);
  assert.ok(performance.now() - start < FUZZ_BUDGET_MS);
});

test("a user that is accepted is found at its path, and kept as it is", async () => {
  const folder = mkdtempSync(join(tmpdir(), "umbra-fuzz-"));
  try {
    await tryUsers(join(folder, "users.db"));
  } finally {
    rmSync(folder, { recursive: true });
  }
});

async function tryUsers(file: string): Promise<void> {
  using store = openSqliteStore(file);
  const routes = [
    dataRoute("GET /api/servers/:server/users/:name", () => new Response()),
  ];
  const next = seededRandom(12);
  const samples = [
    "alice",
    "b\u00f6b & s\u00f6ns",
    "a/b?c#d%20.",
    "\u6f22\u5b57",
    " ",
  ];
  const start = performance.now();
  let made = 0;
  for (const name of texts(samples, "./%?#& +\\\"'", 12)) {
    const fields = new Map<string, unknown>([
      ["name", name],
      ["password", name],
    ]);
    const user = accepted(() => readNewUser(fields));
    if (user === undefined) continue;
    made++;
    const path = new URL(
      `http://h/api/servers/1/users/${encodeURIComponent(user.name)}`,
    ).pathname;
    assert.equal(findRoute(routes, "GET", path)?.param("name"), user.name);
    const uri = formatServerUri({
      method: "aes-128-gcm",
      password: user.password!,
      host: "h",
      port: 1,
      tag: user.name,
    });
    const read = parseServerUri(uri);
    assert.equal(read.password, user.password);
    assert.equal(read.tag, user.name.trim());
    // The rest costs a hundred times as much.
    if (next() % 200 !== 0) continue;
    const body = new Request("http://h/", {
      method: "POST",
      body: JSON.stringify({ name, password: name }),
    });
    assert.deepEqual(
      readNewUser(await readFields(body, ["name", "password"])),
      user,
    );
    const stored = {
      server: "1",
      name,
      password: name,
      limits: {},
      disabled: false,
    };
    store.put(stored);
    assert.deepEqual(store.users(), [stored]);
    store.remove("1", name);
  }
  assert.ok(made > MUTATIONS / 10, `${made}`);
  assert.ok(performance.now() - start < FUZZ_BUDGET_MS);
}
