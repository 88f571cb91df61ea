/**
 * Invitations at secret paths: whom they are shown to, in which form, and that
 * they can be neither guessed nor found in a log.
 *
 * @module
 */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { createInviteHandler } from "../../../../src/admin/admin_handler.ts";
import { secretOf } from "../../../../src/admin/invite/secret_path.ts";
import { contentHash } from "../../../../src/crypto/content_hash.ts";
import { MAX_WRONG_TOKENS } from "../../../../src/limits.ts";
import { AdminWorld, TOKEN } from "../../../support/admin_world.ts";
import {
  BOB_PSK,
  SERVER_PSK,
  SPARE_PSK,
} from "../../../support/fake_operator.ts";

const BASE = "https://invite.example";
const BROWSER = {
  "user-agent": "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X)",
  "accept": "text/html,application/xhtml+xml,*/*;q=0.8",
};

async function pathOf(world: AdminWorld, name = "bob"): Promise<string> {
  const { invite } = await world.json(
    `/api/servers/8388/users/${encodeURIComponent(name)}/uri`,
  );
  assert.ok(invite.startsWith(`${BASE}/invite/`), invite);
  return invite.slice(BASE.length);
}

async function pageOf(
  world: AdminWorld,
  path: string,
  headers: Readonly<Record<string, string>> = {},
): Promise<string> {
  const response = await world.ask(path, {
    headers: { ...BROWSER, ...headers },
  });
  assert.equal(response.status, 200);
  assert.match(response.headers.get("content-type")!, /^text\/html/);
  return await response.text();
}

describe("an invitation in a browser", () => {
  test("has the link, its QR code, apps and the subscription", async () => {
    const world = new AdminWorld();
    const path = await pathOf(world);
    const html = await pageOf(world, path);
    assert.match(html, /<html lang="en" dir="ltr">/);
    assert.match(html, /<svg role="img"[^>]* viewBox="0 0 \d+ \d+"/);
    assert.ok(html.includes('value="ss://2022-blake3-aes-128-gcm:'));
    assert.ok(html.includes(`value="${BASE}${path}"`));
    assert.ok(html.includes(`value="${BASE}${path}/sing-box"`));
    // Outline speaks no method of 2022.
    assert.ok(!html.includes("Outline"));
    assert.match(html, /<details open><summary><bdi>iPhone, iPad/);
    assert.match(html, /href="sub:&#47;|href="sub:\/\//);
  });

  test("allows its own script and style alone", async () => {
    const world = new AdminWorld();
    const path = await pathOf(world);
    const response = await world.ask(path, { headers: BROWSER });
    const html = await response.text();
    const policy = response.headers.get("content-security-policy")!;
    for (const element of ["script", "style"]) {
      const [, text = ""] =
        new RegExp(`<${element}>([^]*?)</${element}>`).exec(html) ?? [];
      assert.ok(policy.includes(`${element}-src ${contentHash(text)}`));
    }
    assert.match(policy, /default-src 'none'/);
    assert.doesNotMatch(html, / on\w+=| style=|src=/);
    assert.equal(response.headers.get("referrer-policy"), "no-referrer");
    assert.equal(response.headers.get("cache-control"), "no-store");
  });

  test("shows what is left, and until when", async () => {
    const world = new AdminWorld();
    const { operator } = world;
    const path = await pathOf(world);
    assert.match(await pageOf(world, path), /0 B<\/bdi> used, without a limit/);
    assert.match(await pageOf(world, path), /Valid without an end/);
    operator.move("8388", "bob", { up: 256, down: 256 });
    const limits = { quotaBytes: 1_024, expiresUnixMs: Date.UTC(2027, 0, 31) };
    operator.changeUser("8388", "bob", { limits });
    const html = await pageOf(world, path);
    assert.match(html, /512 B<\/bdi> left of <bdi>1.00 KiB/);
    assert.match(html, /<progress max="1024" value="512">/);
    assert.match(html, /Valid until <bdi>January 31, 2027/);
    operator.move("8388", "bob", { down: 600 });
    assert.match(
      await pageOf(world, path),
      /class="ended">All of your traffic/,
    );
    operator.nowUnixMs = Date.UTC(2027, 1, 1);
    assert.match(await pageOf(world, path), /access ended on <bdi>January 31/);
  });

  test("is in the language of its reader, or as it was chosen", async () => {
    const world = new AdminWorld();
    const path = await pathOf(world);
    const persian = await pageOf(world, path, { "accept-language": "fa-IR" });
    assert.match(persian, /<html lang="fa" dir="rtl">/);
    assert.match(persian, /اتصال شما/);
    const russian = await pageOf(world, `${path}?lang=ru`, {
      "accept-language": "fa-IR",
    });
    assert.match(russian, /<html lang="ru" dir="ltr">/);
    for (const language of ["en", "zh-CN", "fa", "ru"]) {
      assert.ok(russian.includes(`href="?lang=${language}"`));
    }
  });

  test("escapes whatever a user is called", async () => {
    const world = new AdminWorld();
    const name = `<script>"&'`;
    world.operator.addUser("8388", { name });
    const html = await pageOf(world, await pathOf(world, name));
    assert.ok(!html.includes('<script>"'));
    assert.ok(html.includes("&#60;script&#62;&#34;&#38;&#39;"));
  });
});

describe("an invitation for an app", () => {
  // 24 bytes, which end with a group of base64.
  const link = "ss://2022-blake3-aes-128";
  for (
    const [agent, type, expected] of [
      ["ClashMetaForAndroid/2.11.5", "text/yaml", 'name: "bob@server.example"'],
      ["mihomo/1.19", "text/yaml", "proxy-groups:"],
      ["SFA/1.12.0 (Build 1; sing-box 1.12.0)", "application/json", '"tun"'],
      ["shadowsocks-rust/1.23", "application/json", '"version":1'],
      ["v2rayNG/1.9.0", "text/plain", btoa(link)],
      [
        "HiddifyNext/2.0 like ClashMeta v2ray sing-box",
        "text/plain",
        btoa(link),
      ],
      ["Shadowrocket/2070 CFNetwork", "text/plain", btoa(link)],
      ["curl/8.0", "text/plain", btoa(link)],
      // It takes no method of 2022, so it is given what everybody takes.
      ["Outline/1.14", "text/plain", btoa(link)],
    ] as const
  ) {
    test(`is what ${agent} takes`, async () => {
      const world = new AdminWorld();
      const path = await pathOf(world);
      const headers = { "user-agent": agent, "accept": "*/*" };
      const answer = await world.ask(path, { headers });
      assert.equal(answer.headers.get("content-type")!.split(";")[0], type);
      assert.ok((await answer.text()).includes(expected));
    });
  }

  for (
    const [form, expected] of [
      ["links", /^[A-Za-z0-9+/]+=*$/],
      ["sip008", /"server_port":8388/],
      ["clash", /^proxies:$/m],
      ["sing-box", /"default_domain_resolver"/],
    ] as const
  ) {
    test(`is ${form} at its own path, for every client`, async () => {
      const world = new AdminWorld();
      const path = `${await pathOf(world)}/${form}`;
      const answer = await world.ask(path, { headers: BROWSER });
      assert.equal(answer.status, 200);
      assert.match(await answer.text(), expected);
    });
  }

  test("is Outline's where the method is", async () => {
    const world = new AdminWorld();
    world.operator.withServer("8389", "chacha20-ietf-poly1305")
      .addUser("8389", { name: "eve", password: "a password" });
    const { invite } = await world.json("/api/servers/8389/users/eve/uri");
    const path = invite.slice(BASE.length);
    const answer = await world.ask(`${path}/outline`);
    assert.match(await answer.text(), /cipher: "chacha20-ietf-poly1305"/);
    const html = await pageOf(world, path);
    assert.ok(html.includes(`ssconf://invite.example${path}/outline`));
  });

  test("is nowhere in a form that cannot tell it", async () => {
    const world = new AdminWorld();
    const path = await pathOf(world);
    for (const form of ["outline", "nothing", "links/more"]) {
      assert.equal((await world.ask(`${path}/${form}`)).status, 404, form);
    }
  });

  test("tells what is used, what is left and when to ask again", async () => {
    const world = new AdminWorld();
    const path = `${await pathOf(world)}/links`;
    const userinfo = async (): Promise<string | null> =>
      (await world.ask(path)).headers.get("subscription-userinfo");
    assert.equal(await userinfo(), "upload=0; download=0");
    world.operator.move("8388", "bob", { up: 3, down: 4 });
    world.operator.changeUser("8388", "bob", {
      limits: { quotaBytes: 100, expiresUnixMs: 1_801_353_600_000 },
    });
    assert.equal(
      await userinfo(),
      "upload=3; download=4; total=100; expire=1801353600",
    );
    const { headers } = await world.ask(path);
    assert.equal(headers.get("profile-update-interval"), "12");
    assert.equal(headers.get("profile-title"), `base64:${btoa("bob")}`);
    assert.equal(
      headers.get("profile-web-page-url"),
      BASE + path.replace("/links", ""),
    );
  });
});

describe("the secret of an invitation", () => {
  test("needs no token and no name of the host", async () => {
    const world = new AdminWorld({ token: TOKEN });
    const { invite } = await world.json("/api/servers/8388/users/bob/uri", {
      headers: { authorization: `Bearer ${TOKEN}` },
    });
    const path = invite.slice(BASE.length);
    const headers = { host: "anything.example" };
    assert.equal((await world.ask(path, { headers })).status, 200);
  });

  test("ends with the user, and moves with the password", async () => {
    const world = new AdminWorld();
    const path = await pathOf(world);
    const status = async (): Promise<number> => (await world.ask(path)).status;
    world.operator.changeUser("8388", "bob", { disabled: true });
    assert.equal(await status(), 404);
    world.operator.changeUser("8388", "bob", { disabled: false });
    assert.equal(await status(), 200);
    world.operator.changeUser("8388", "bob", { password: SPARE_PSK });
    assert.equal(await status(), 404);
    const moved = await pathOf(world);
    assert.notEqual(moved, path);
    world.operator.removeUser("8388", "bob");
    assert.equal((await world.ask(moved)).status, 404);
  });

  test("is not judged after too many wrong ones of one user", async () => {
    const world = new AdminWorld();
    const bob = await pathOf(world);
    const alice = await pathOf(world, "alice");
    const from = "192.0.2.7";
    const guess = (password: string): string =>
      `/invite/${secretOf({ server: "8388", name: "bob", password })}`;
    for (let i = 0; i < MAX_WRONG_TOKENS; i++) {
      const { status } = await world.ask(guess(`wrong ${i}`), { from });
      assert.equal(status, 404);
    }
    const blocked = await world.ask(bob, { from });
    assert.equal(blocked.status, 429, "the right one tells nothing either");
    assert.equal(blocked.headers.get("retry-after"), "60");
    assert.equal((await world.ask(alice, { from })).status, 200);
    assert.equal((await world.ask(bob, { from: "192.0.2.8" })).status, 200);
    await world.clock.advance(60_000);
    assert.equal((await world.ask(bob, { from })).status, 200);
  });

  test("is guessed at by a network, whatever addresses it has", async () => {
    const world = new AdminWorld();
    const bob = await pathOf(world);
    for (let i = 0; i < MAX_WRONG_TOKENS; i++) {
      const password = `${i}`;
      const wrong = secretOf({ server: "8388", name: "bob", password });
      await world.ask(`/invite/${wrong}`, { from: `2001:db8::${i}` });
    }
    const status = async (from: string): Promise<number> =>
      (await world.ask(bob, { from })).status;
    assert.equal(await status("2001:db8::ffff"), 429);
    assert.equal(await status("2001:db8:1::1"), 200);
  });

  test("is counted the same where there is no such user", async () => {
    const world = new AdminWorld();
    const guess = (i: number): string =>
      `/invite/${
        secretOf({ server: "8388", name: "nobody", password: `${i}` })
      }`;
    for (let i = 0; i < MAX_WRONG_TOKENS; i++) {
      assert.equal((await world.ask(guess(i))).status, 404);
    }
    assert.equal((await world.ask(guess(99))).status, 429);
  });

  test("is one guess, however often an old app sends it", async () => {
    const world = new AdminWorld();
    const old = await pathOf(world);
    world.operator.changeUser("8388", "bob", { password: SPARE_PSK });
    for (let i = 0; i < MAX_WRONG_TOKENS * 2; i++) {
      assert.equal((await world.ask(old)).status, 404);
    }
    assert.equal((await world.ask(await pathOf(world))).status, 200);
  });

  test("is in no line of the log", async () => {
    const world = new AdminWorld({ token: TOKEN });
    const secret = secretOf({ server: "8388", name: "bob", password: BOB_PSK });
    for (const path of ["", "/links", "/nothing", "?lang=fa"]) {
      await world.ask(`/invite/${secret}${path}`, { headers: BROWSER });
    }
    await world.ask(`/invite/${secret}x`);
    await world.ask(`/sip008/${secret}`, { method: "POST" });
    await world.ask("/api/status", { headers: { authorization: "Bearer no" } });
    assert.equal(world.lines.length, 1, "the wrong token");
    assert.ok(!JSON.stringify(world.lines).includes(secret.slice(-20)));
  });
});

describe("a port for invitations alone", () => {
  test("has them, and nothing of the operator", async () => {
    const { operator, clock } = new AdminWorld();
    const handle = createInviteHandler({
      ...{ operator, clock },
      inviteUrl: () => BASE,
    });
    const ask = async (path: string): Promise<number> => {
      const request = new Request(`http://umbra.invalid${path}`);
      return (await handle(request, { host: "192.0.2.7", port: 1 })).status;
    };
    const secret = secretOf({ server: "8388", name: "bob", password: BOB_PSK });
    assert.equal(await ask(`/invite/${secret}`), 200);
    assert.equal(await ask(`/sip008/${secret}`), 200);
    for (
      const path of ["/", "/metrics", "/healthz", "/api/status", "/invite"]
        .concat("/invite/", "/invite/x", "/api/servers/8388/users/bob/uri")
    ) {
      assert.equal(await ask(path), 404, path);
    }
  });
});

test("what a link of a 2022 method says is its own key chain", async () => {
  const world = new AdminWorld();
  const path = `${await pathOf(world)}/sing-box`;
  const { outbounds } = await world.json(path);
  assert.equal(outbounds[0].password, `${SERVER_PSK}:${BOB_PSK}`);
  assert.equal(outbounds[0].network, "tcp", "the server has no UDP");
});
