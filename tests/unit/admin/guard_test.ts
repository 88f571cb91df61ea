/**
 * The rules of the operator's port. Each test of a refusal also shows what is
 * let through, so that it fails when the rule is taken away, or grows too wide.
 *
 * @module
 */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { ConfigError } from "../../../src/errors.ts";
import {
  MAX_WRONG_TOKEN_PEERS,
  MAX_WRONG_TOKENS,
  WRONG_TOKEN_WINDOW_MS,
} from "../../../src/limits.ts";
import {
  AdminWorld,
  type Asking,
  PAGE,
  TOKEN,
} from "../../support/admin_world.ts";

const BEARER = { authorization: `Bearer ${TOKEN}` };

async function statusOf(
  world: AdminWorld,
  path: string,
  asking?: Asking,
): Promise<number> {
  return (await world.ask(path, asking)).status;
}

describe("without a token, the port", () => {
  for (
    const host of ["127.0.0.1", "127.9.9.9", "::1", "localhost", undefined]
  ) {
    test(`may be at ${host ?? "a unix socket"}`, async () => {
      assert.equal(
        await statusOf(new AdminWorld({ host }), "/api/status"),
        200,
      );
    });
  }

  for (
    const host of ["0.0.0.0", "::", "192.0.2.1", "2001:db8::1", "admin.example"]
      .concat("localhost.example", "::ffff:192.0.2.1", "127.0.0.1.example")
  ) {
    test(`may not be at ${host}, but may with one`, () => {
      assert.throws(
        () => new AdminWorld({ host }),
        (error) =>
          error instanceof ConfigError && error.code === "ERR_CONFIG_VALUE" &&
          error.message.includes("--admin-token-file"),
      );
      new AdminWorld({ host, token: TOKEN });
    });
  }

  test("has no other name, which only a proxy would need", () => {
    assert.throws(() => new AdminWorld({ names: ["a.example"] }), ConfigError);
  });

  for (const token of ["", "fifteen-letters", `${TOKEN} x`, `${TOKEN}\n`]) {
    test(`does not take ${JSON.stringify(token)} for a token`, () => {
      assert.throws(() => new AdminWorld({ token }), (error) => {
        assert.ok(error instanceof ConfigError);
        assert.ok(token === "" || !error.message.includes(token));
        return true;
      });
    });
  }
});

describe("a token", () => {
  const PATHS = ["/api/status", "/metrics", "/api/servers/8388/users"]
    .concat("/server/v1/users", "/nowhere");

  test("is needed for all that can be known", async () => {
    const world = new AdminWorld({ token: TOKEN });
    for (const path of PATHS) {
      const refused = await world.ask(path);
      assert.equal(refused.status, 401, path);
      assert.equal(refused.headers.get("www-authenticate"), "Bearer");
      assert.doesNotMatch(await refused.text(), /alice|bytes/);
      const wrong = { authorization: `Bearer ${TOKEN}x` };
      assert.equal(await statusOf(world, path, { headers: wrong }), 401, path);
      const wanted = path === "/nowhere" ? 404 : 200;
      assert.equal(await statusOf(world, path, { headers: BEARER }), wanted);
    }
  });

  test("is needed for every change", async () => {
    for (
      const [method, path] of [
        ["POST", "/api/reload"],
        ["POST", "/api/servers/8388/clear"],
        ["DELETE", "/api/servers/8388/users/bob"],
        ["DELETE", "/server/v1/users/bob"],
      ] as const
    ) {
      const world = new AdminWorld({ token: TOKEN });
      assert.equal(await statusOf(world, path, { method }), 401);
      assert.deepEqual(world.operator.calls, []);
      const status = await statusOf(world, path, { method, headers: BEARER });
      assert.ok(status === 200 || status === 204, path);
      assert.equal(world.operator.calls.length, 1);
    }
  });

  test("is not needed for health and for the page, which hold no data", async () => {
    const world = new AdminWorld({ token: TOKEN });
    for (const path of ["/healthz", "/readyz", "/"]) {
      assert.equal(await statusOf(world, path), 200, path);
    }
    assert.equal(await (await world.ask("/")).text(), PAGE.html);
  });

  test("in another form than a bearer token is wrong", async () => {
    for (
      const authorization of [
        TOKEN,
        `Basic ${btoa(`admin:${TOKEN}`)}`,
        "Bearer",
        `Bearer ${TOKEN}, Bearer ${TOKEN}`,
        `Bearer ${TOKEN.toUpperCase()}`,
      ]
    ) {
      const world = new AdminWorld({ token: TOKEN });
      assert.equal(
        await statusOf(world, "/metrics", { headers: { authorization } }),
        401,
        authorization,
      );
    }
  });

  test("is not in the log when it is wrong, but who sent it is", async () => {
    const world = new AdminWorld({ token: TOKEN });
    const headers = { authorization: "Bearer almost-the-right-one" };
    await world.ask("/metrics", { headers, from: "192.0.2.7" });
    assert.equal(world.lines[0]!.fields["client"], "192.0.2.7");
    assert.doesNotMatch(JSON.stringify(world.lines), /almost|horse/);
  });

  test("that is right passes beside any number of wrong ones", async () => {
    const world = new AdminWorld({ token: TOKEN });
    const ask = (token: string): Promise<Response> =>
      world.ask("/metrics", {
        headers: { authorization: `Bearer ${token}` },
        from: "192.0.2.7",
      });
    for (let i = 0; i < MAX_WRONG_TOKENS; i++) {
      assert.equal((await ask(`guess-${i}`)).status, 401);
    }
    for (let i = 0; i < MAX_WRONG_TOKENS; i++) {
      const refused = await ask(`further-${i}`);
      assert.equal(refused.status, 429);
      assert.ok(Number(refused.headers.get("retry-after")) > 0);
      assert.equal((await ask(TOKEN)).status, 200);
    }
    assert.equal(world.lines.length, MAX_WRONG_TOKENS, "the log is bounded");
    const elsewhere = { headers: { authorization: "x" }, from: "192.0.2.8" };
    assert.equal(await statusOf(world, "/metrics", elsewhere), 401);
    await world.clock.advance(WRONG_TOKEN_WINDOW_MS);
    assert.equal((await ask("much-later")).status, 401);
  });

  test("that stays wrong is one guess: a page may ask every second", async () => {
    const world = new AdminWorld({ token: TOKEN });
    const old = { headers: { authorization: "Bearer the-one-of-last-year" } };
    for (let i = 0; i < 2 * MAX_WRONG_TOKENS; i++) {
      assert.equal(await statusOf(world, "/api/status", old), 401);
    }
    assert.equal(world.lines.length, 1);
    assert.equal(await statusOf(world, "/metrics", { headers: BEARER }), 200);
  });

  test("that is missing is no guess", async () => {
    const world = new AdminWorld({ token: TOKEN });
    for (let i = 0; i <= MAX_WRONG_TOKENS; i++) {
      assert.equal(await statusOf(world, "/metrics"), 401);
    }
    assert.equal(await statusOf(world, "/metrics", { headers: BEARER }), 200);
  });

  test("is guessed at by more addresses than are remembered", async () => {
    const world = new AdminWorld({ token: TOKEN });
    for (let i = 0; i < MAX_WRONG_TOKEN_PEERS + 10; i++) {
      const from = `10.0.${i >>> 8}.${i & 0xff}`;
      await world.ask("/metrics", { headers: { authorization: "x" }, from });
    }
    assert.equal(await statusOf(world, "/metrics", { headers: BEARER }), 200);
  });
});

describe("Host", () => {
  const EVIL = ["evil.example", "evil.example:9090", "localhost.evil.example"]
    .concat("127.0.0.1.evil.example", "[2001:db8::1]:9090", "192.0.2.1")
    .concat("a@127.0.0.1", "127.0.0.1/x", "");

  test("that is somebody else's is refused, whatever it resolves to (DNS rebinding)", async () => {
    const world = new AdminWorld();
    for (const host of EVIL) {
      for (const path of ["/api/status", "/metrics", "/", "/x"]) {
        assert.equal(
          await statusOf(world, path, { headers: { host } }),
          403,
          `${host} ${path}`,
        );
      }
      await world.ask("/api/reload", { method: "POST", headers: { host } });
    }
    assert.deepEqual(world.operator.calls, []);
  });

  test("is not asked for by who only asks for health, as balancers do", async () => {
    const world = new AdminWorld({ token: TOKEN });
    for (const host of ["", "balancer.example"]) {
      for (const path of ["/healthz", "/readyz"]) {
        assert.equal(await statusOf(world, path, { headers: { host } }), 200);
      }
    }
  });

  test("that is this machine is taken, with any port, as a tunnel has it", async () => {
    const world = new AdminWorld();
    for (
      const host of ["127.0.0.1", "127.0.0.1:1", "localhost:9090", "LOCALHOST"]
        .concat("[::1]:9090", "localhost.")
    ) {
      assert.equal(
        await statusOf(world, "/api/status", { headers: { host } }),
        200,
        host,
      );
    }
  });

  test("may be where the port is, or a name that was given", async () => {
    const world = new AdminWorld({
      host: "192.0.2.1",
      names: ["Admin.Example"],
      token: TOKEN,
    });
    const ask = (host: string): Promise<number> =>
      statusOf(world, "/api/status", { headers: { ...BEARER, host } });
    assert.equal(await ask("192.0.2.1:9090"), 200);
    assert.equal(await ask("admin.example"), 200);
    assert.equal(await ask("ADMIN.example.:443"), 200);
    assert.equal(await ask("192.0.2.2"), 403);
    assert.equal(await ask("evil.example"), 403);
  });

  test("may be the same IPv6 address in another form", async () => {
    const world = new AdminWorld({ host: "2001:DB8:0::1", token: TOKEN });
    const headers = { ...BEARER, host: "[2001:db8::1]:9090" };
    assert.equal(await statusOf(world, "/api/status", { headers }), 200);
  });

  test("may be any address, but no name, when the port is on all", async () => {
    for (const wildcard of ["0.0.0.0", "::"]) {
      const world = new AdminWorld({ host: wildcard, token: TOKEN });
      const ask = (host: string): Promise<number> =>
        statusOf(world, "/api/status", { headers: { ...BEARER, host } });
      assert.equal(await ask("192.0.2.1:9090"), 200);
      assert.equal(await ask("[2001:db8::1]:9090"), 200);
      assert.equal(await ask("evil.example:9090"), 403);
    }
  });
});

describe("a page of another origin", () => {
  const OTHERS = ["http://evil.example", "https://127.0.0.1:9090.evil.example"]
    .concat("null", "http://127.0.0.1:9091", "http://localhost:9090", "x");

  test("is refused what it asks for and what it wants done", async () => {
    const world = new AdminWorld();
    for (const origin of OTHERS) {
      for (
        const [method, path] of [
          ["GET", "/api/status"],
          ["GET", "/metrics"],
          ["POST", "/api/reload"],
          ["DELETE", "/api/servers/8388/users/bob"],
        ] as const
      ) {
        const response = await world.ask(path, { method, headers: { origin } });
        assert.equal(response.status, 403, `${origin} ${path}`);
      }
    }
    assert.deepEqual(world.operator.calls, []);
  });

  test("is known by Sec-Fetch-Site where it sends no Origin", async () => {
    const world = new AdminWorld();
    const ask = (site: string, path = "/api/status"): Promise<number> =>
      statusOf(world, path, { headers: { "sec-fetch-site": site } });
    assert.equal(await ask("cross-site"), 403);
    assert.equal(await ask("same-site"), 403, "another port of localhost");
    assert.equal(await ask("same-origin"), 200);
    assert.equal(await ask("none"), 200, "typed into the address bar");
    assert.equal(await ask("cross-site", "/"), 200, "a link to the page");
  });

  test("is never allowed in (CORS), with a preflight or without", async () => {
    const world = new AdminWorld();
    const preflight = await world.ask("/api/reload", {
      method: "OPTIONS",
      headers: {
        origin: "http://evil.example",
        "access-control-request-method": "POST",
      },
    });
    assert.equal(preflight.status, 403);
    const own = await world.ask("/api/status", {
      headers: { origin: "http://127.0.0.1:9090" },
    });
    assert.equal(own.status, 200);
    for (const { headers } of [preflight, own]) {
      for (const name of headers.keys()) {
        assert.doesNotMatch(name, /^access-control/);
      }
    }
  });

  test("is not ourselves behind a TLS proxy", async () => {
    const world = new AdminWorld({ names: ["admin.example"], token: TOKEN });
    const headers = {
      ...BEARER,
      host: "admin.example",
      origin: "https://admin.example",
    };
    assert.equal(await statusOf(world, "/api/status", { headers }), 200);
  });
});

describe("a body", () => {
  test("of another type than JSON changes nothing (a form's CSRF)", async () => {
    const world = new AdminWorld();
    const user = JSON.stringify({ name: "mallory" });
    for (
      const type of ["text/plain", "application/x-www-form-urlencoded"]
        .concat("multipart/form-data", "application/jsonp", "")
    ) {
      const response = await world.ask("/api/servers/8388/users", {
        method: "POST",
        headers: { "content-type": type },
        body: user,
      });
      assert.equal(response.status, 415, type);
    }
    const empty = { method: "POST", headers: { "content-type": "text/plain" } };
    assert.equal(await statusOf(world, "/api/reload", empty), 415);
    assert.deepEqual(world.operator.calls, []);
    assert.equal(await statusOf(world, "/api/reload", { method: "POST" }), 200);
    const good = {
      method: "POST",
      headers: { "content-type": "application/json; charset=utf-8" },
      body: user,
    };
    assert.equal(await statusOf(world, "/api/servers/8388/users", good), 201);
  });
});

describe("every answer", () => {
  test("forbids browsers to keep, guess, frame and pass on", async () => {
    const world = new AdminWorld({ token: TOKEN });
    for (
      const [path, host] of [
        ["/", "127.0.0.1"],
        ["/healthz", "127.0.0.1"],
        ["/api/status", "127.0.0.1"],
        ["/api/status", "evil.example"],
        ["/sip008/x", "127.0.0.1"],
      ] as const
    ) {
      const { headers } = await world.ask(path, { headers: { host } });
      assert.equal(headers.get("cache-control"), "no-store");
      assert.equal(headers.get("x-content-type-options"), "nosniff");
      assert.equal(headers.get("referrer-policy"), "no-referrer");
      assert.equal(headers.get("x-frame-options"), "DENY");
      assert.equal(headers.get("cross-origin-resource-policy"), "same-origin");
      const policy = headers.get("content-security-policy")!;
      assert.match(policy, /^default-src 'none'; /);
      assert.match(policy, /frame-ancestors 'none'/);
      assert.doesNotMatch(policy, /unsafe|\*|https?:/);
    }
  });

  test("has a policy, and the page the one that it brings", async () => {
    const world = new AdminWorld();
    const { headers } = await world.ask("/");
    assert.equal(headers.get("content-security-policy"), PAGE.csp);
    assert.match(headers.get("content-type")!, /^text\/html/);
    assert.equal(
      (await new AdminWorld({ page: undefined }).ask("/")).status,
      404,
    );
  });
});
