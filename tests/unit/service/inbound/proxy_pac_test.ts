import assert from "node:assert/strict";
import { test } from "node:test";
import { fromLatin1, toLatin1 } from "../../../../src/bytes.ts";
import { readRoutes } from "../../../../src/routes/read_routes.ts";
import type { LocalOptions } from "../../../../src/service/inbound/local.ts";
import { pacSecret } from "../../../../src/service/inbound/proxy_pac.ts";
import type { LocalRoutes } from "../../../../src/service/routing/rule_router.ts";
import { readAll, send } from "../../../support/streams.ts";
import { LOCAL, World } from "../../../support/world.ts";

const HOST = "127.0.0.1:1080";
const EVERYWHERE = { host: "0.0.0.0", port: 1080 };

function routes(...rules: readonly object[]): LocalRoutes {
  const table = readRoutes(rules, {
    file: "f",
    outbounds: [],
    ruleSets: new Map(),
    nearest: () => undefined,
  });
  return { table, resolve: "never" };
}

/** A local, and what it answers to one request. */
async function ask(
  world: World,
  target: string,
  { method = "GET", host = HOST, fields = "" } = {},
): Promise<{ status: string; head: string; body: string }> {
  const client = await world.network.dial(LOCAL);
  await send(
    client,
    toLatin1(`${method} ${target} HTTP/1.1\r\nHost: ${host}\r\n${fields}\r\n`),
  );
  const text = fromLatin1(await readAll(client.readable));
  const [head = "", body = ""] = text.split("\r\n\r\n");
  return { status: head.split(" ")[1]!, head, body };
}

async function start(options: Partial<LocalOptions> = {}): Promise<World> {
  const world = new World();
  await world.server();
  await world.local(options);
  return world;
}

/** What the file says of a host. */
function find(body: string, host: string): string {
  return new Function("host", `${body}; return FindProxyForURL("", host);`)(
    host,
  );
}

test("a local serves a PAC file of its own address", async () => {
  const world = await start();
  const { status, head, body } = await ask(world, "/proxy.pac");
  assert.equal(status, "200");
  assert.match(head, /^Content-Type: application\/x-ns-proxy-autoconfig\r$/m);
  assert.match(head, /^Cache-Control: no-cache\r$/m);
  assert.match(head, /^X-Content-Type-Options: nosniff\r$/m);
  assert.match(head, new RegExp(`^Content-Length: ${body.length}\r$`, "m"));
  assert.equal(
    find(body, "example.com"),
    `PROXY ${HOST}; SOCKS5 ${HOST}; SOCKS ${HOST}`,
  );
  assert.equal(find(body, "printer"), "DIRECT");
  const other = await ask(world, "/proxy.pac", { host: "[::1]:1080" });
  assert.match(find(other.body, "a.test"), /^PROXY \[::1\]:1080;/);
  await world.stop();
});

test("the PAC file says what the routes say, the newest ones", async () => {
  const world = new World();
  await world.server();
  const local = await world.local({
    routes: routes({ domain_suffix: "near.test", to: "direct" }),
    pac: { everywhere: false, fallback: true },
  });
  const first = await ask(world, "/proxy.pac?full");
  assert.equal(find(first.body, "a.near.test"), "DIRECT");
  assert.match(find(first.body, "far.test"), /; DIRECT$/);
  local.setRoutes(routes({ domain_suffix: "far.test", to: "direct" }));
  const second = await ask(world, "/proxy.pac?full");
  assert.match(find(second.body, "a.near.test"), /^PROXY/);
  assert.equal(find(second.body, "far.test"), "DIRECT");
  await world.stop();
});

test("a PAC file that is known is not sent again, and HEAD has no body", async () => {
  const world = await start();
  const { head } = await ask(world, "/proxy.pac");
  const tag = /^ETag: ("\w{16}")\r$/m.exec(head)![1]!;
  const again = await ask(world, "/proxy.pac", {
    fields: `If-None-Match: ${tag}\r\n`,
  });
  assert.deepEqual([again.status, again.body], ["304", ""]);
  const other = await ask(world, "/proxy.pac", {
    fields: 'If-None-Match: "0"\r\n',
  });
  assert.equal(other.status, "200");
  const bare = await ask(world, "/proxy.pac", { method: "HEAD" });
  assert.deepEqual([bare.status, bare.body], ["200", ""]);
  await world.stop();
});

const USERS = [{ username: "ann", password: "secret" }];
const SECRET = pacSecret(USERS)!;
const OTHER = pacSecret([{ username: "ann", password: "other" }])!;

test("a PAC file is for who knows its secret, where users need a password", async () => {
  const world = await start({ users: USERS });
  for (
    const target of [`/proxy.pac?t=${SECRET}`, `/proxy.pac?full&t=${SECRET}`]
  ) {
    const { status, body } = await ask(world, target);
    assert.equal(status, "200");
    assert.match(find(body, "example.com"), /^PROXY/);
    assert.doesNotMatch(body, /secret/);
  }
  await world.stop();
  assert.match(SECRET, /^[\w-]{22}$/);
  assert.equal(pacSecret([]), undefined);
});

test("a PAC file is served for names of this machine, and no others", async () => {
  const refused: readonly (readonly [
    string,
    Partial<LocalOptions>,
    Parameters<typeof ask>[2]?,
  ])[] = [
    ["/proxy.pac", {}, { host: "evil.example:1080" }],
    ["/proxy.pac", {}, { host: "127.0.0.1" }],
    ["/proxy.pac", {}, { host: "127.0.0.1.evil.example:1080" }],
    ["/proxy.pac", {}, { fields: `Host: ${HOST}\r\n` }],
    ["/proxy.pac", {}, { method: "POST" }],
    ["/proxy.pac?x", {}],
    ["/proxy.pac/", {}],
    ["/", {}],
    ["/proxy.pac", { users: USERS }],
    ["/proxy.pac?full", { users: USERS }],
    ["/proxy.pac?t=", { users: USERS }],
    ["/proxy.pac?t=AAAAAAAAAAAAAAAAAAAAAA", { users: USERS }],
    [`/proxy.pac?t=${OTHER}`, { users: USERS }],
    [`/proxy.pac?t=${SECRET}&full`, { users: USERS }],
    [`/proxy.pac?t=${SECRET}`, {}],
    ["/proxy.pac", { listen: EVERYWHERE }],
  ];
  for (const [target, options, request] of refused) {
    const world = await start(options);
    const { status, body } = await ask(world, target, request);
    assert.equal(status, "400", JSON.stringify([target, options, request]));
    assert.doesNotMatch(body, /FindProxy/);
    await world.stop();
  }
  const world = await start({
    listen: EVERYWHERE,
    pac: { everywhere: true, fallback: false },
  });
  assert.equal((await ask(world, "/proxy.pac")).status, "200");
  await world.stop();
});
