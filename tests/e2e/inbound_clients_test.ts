/**
 * git, proxychains, Chromium, and two third-party libraries, against the
 * mixed port.
 *
 * @module
 */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { after, test } from "node:test";
// @ts-types="../support/socks.d.ts"
import { SocksClient } from "socks";
// @ts-types="../support/undici.d.ts"
import { fetch, ProxyAgent } from "undici";
import { runToEnd } from "../support/process.ts";
import { announceSkip } from "../support/report.ts";
import { PAGE_TEXT, SITE_TEXT, WebSite } from "../support/web_site.ts";
import { Chain, CURL_SKIP, OURS } from "./chain.ts";
import { findProgram, missingPrograms } from "./clients.ts";

const CHROMIUMS = ["chromium", "chromium-browser", "google-chrome"];
const GIT_SKIP = missingPrograms(["git"], "git");
const CHAINS_SKIP = missingPrograms(["proxychains4"], "proxychains4") ||
  CURL_SKIP;
const CHROMIUM_SKIP = missingPrograms(CHROMIUMS, "chromium");
for (const skip of [GIT_SKIP, CHAINS_SKIP, CHROMIUM_SKIP]) {
  if (skip) announceSkip(skip);
}

const folder = mkdtempSync(join(tmpdir(), "umbra-clients-"));
after(() => rmSync(folder, { recursive: true, force: true }));

/** Nothing of the user's settings counts. */
const ENVIRONMENT = {
  PATH: process.env["PATH"],
  HOME: folder,
  GIT_CONFIG_NOSYSTEM: "1",
  GIT_TERMINAL_PROMPT: "0",
};

for (const runtime of OURS) {
  const chain = (...localFlags: string[]): Promise<Chain> =>
    Chain.start({ local: runtime, server: runtime }, { localFlags });

  test(`git clones through ${runtime}, by http.proxy`, {
    skip: GIT_SKIP,
  }, async () => {
    const repository = makeRepository();
    await using site = await WebSite.start(repository.folder);
    await using running = await chain("--socks-user", "alice:wonderland");
    const proxy = `alice:wonderland@127.0.0.1:${running.local.address.port}`;
    for (const scheme of ["http", "socks5h"]) {
      const clone = join(repository.folder, `${scheme}-clone`);
      const { code, output } = await runToEnd(
        [
          ...["git", "-c", `http.proxy=${scheme}://${proxy}`, "clone", "-q"],
          ...[site.url("/files/repository.git"), clone],
        ],
        20_000,
        { env: ENVIRONMENT },
      );
      assert.equal(code, 0, `${output}\n${running.describe()}`);
      assert.equal(readFileSync(join(clone, "file"), "utf8"), repository.text);
    }
  });

  test(`proxychains sends a program through ${runtime}`, {
    skip: CHAINS_SKIP,
  }, async () => {
    await using site = await WebSite.start();
    await using running = await chain();
    for (const kind of ["socks4", "socks5", "http"]) {
      const file = join(folder, `${runtime}-${kind}.conf`);
      const { port } = running.local.address;
      writeFileSync(
        file,
        `strict_chain\nproxy_dns\n[ProxyList]\n${kind} 127.0.0.1 ${port}\n`,
      );
      const { code, output } = await runToEnd(
        [
          ...["proxychains4", "-q", "-f", file],
          ...["curl", "-sS", "-m", "10", "--noproxy", "*", site.url("/")],
        ],
        15_000,
        { env: ENVIRONMENT },
      );
      assert.equal(code, 0, `${kind}\n${output}\n${running.describe()}`);
      assert.ok(output.includes(SITE_TEXT), output);
    }
    assert.equal(site.requests.length, 3);
    // Otherwise it might have gone there without us.
    await running.local.program.stop();
    const alone = await runToEnd(
      [
        ...["proxychains4", "-q", "-f", join(folder, `${runtime}-http.conf`)],
        ...["curl", "-sS", "-m", "10", "--noproxy", "*", site.url("/")],
      ],
      15_000,
      { env: ENVIRONMENT },
    );
    assert.notEqual(alone.code, 0);
  });

  test(`Chromium loads a page through ${runtime}`, {
    skip: CHROMIUM_SKIP,
  }, async () => {
    await using site = await WebSite.start();
    await using running = await chain();
    const { port } = running.local.address;
    const browser = findProgram(CHROMIUMS)!;
    for (const scheme of ["socks5", "http"]) {
      const profile = join(folder, `${runtime}-${scheme}-profile`);
      const { output } = await runToEnd(
        [
          ...[browser, "--headless", "--no-sandbox", "--disable-gpu"],
          ...["--disable-dev-shm-usage", `--user-data-dir=${profile}`],
          ...["--no-first-run", "--disable-background-networking"],
          ...[`--proxy-server=${scheme}://127.0.0.1:${port}`],
          // Loopback too: it is where the page is.
          ...["--proxy-bypass-list=<-loopback>", "--virtual-time-budget=5000"],
          ...["--dump-dom", site.url("/page", "localhost")],
        ],
        60_000,
        { env: ENVIRONMENT },
      );
      assert.ok(output.includes(PAGE_TEXT), `${output}\n${running.describe()}`);
    }
    // Only what came through the proxy can have reached the server.
    assert.ok(site.requests.some(({ url }) => url === "/text"));
  });

  test(`Chromium asks ${runtime} for a PAC file, and goes by it`, {
    skip: CHROMIUM_SKIP,
  }, async () => {
    await using site = await WebSite.start();
    const acl = join(folder, `${runtime}.acl`);
    writeFileSync(acl, "[proxy_all]\n[bypass_list]\n||near.test\n");
    await using running = await chain("--acl", acl);
    const { port } = running.local.address;
    const load = async (host: string): Promise<string> => {
      const profile = join(folder, `${runtime}-${host}-profile`);
      const { output } = await runToEnd(
        [
          ...[findProgram(CHROMIUMS)!, "--headless", "--no-sandbox"],
          ...["--disable-gpu", "--disable-dev-shm-usage", "--no-first-run"],
          ...[`--user-data-dir=${profile}`, "--disable-background-networking"],
          `--proxy-pac-url=http://127.0.0.1:${port}/proxy.pac`,
          // Who asks for a name itself gets this machine.
          "--host-resolver-rules=MAP *.test 127.0.0.1",
          ...["--virtual-time-budget=5000", "--dump-dom"],
          site.url("/page", host),
        ],
        60_000,
        { env: ENVIRONMENT },
      );
      return output;
    };
    assert.ok((await load("www.near.test")).includes(PAGE_TEXT));
    // The name does not exist: the proxy says so, so it was asked.
    const far = await load("www.far.test");
    assert.match(far, /ss-local: server or target did not answer/);
  });

  test(`the library socks connects through ${runtime}`, async () => {
    await using site = await WebSite.start();
    await using running = await chain();
    await using secured = await chain("--socks-user", "alice:wonderland");
    const { host, port } = site.address;
    const proxies = [
      { ...running.local.address, type: 4 },
      { ...running.local.address, type: 5 },
      {
        ...secured.local.address,
        type: 5,
        userId: "alice",
        password: "wonderland",
      },
    ] as const;
    for (const proxy of proxies) {
      const { socket } = await SocksClient.createConnection({
        proxy,
        command: "connect",
        destination: { host, port },
      });
      socket.setEncoding("utf8");
      socket.write("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
      let text = "";
      for await (const part of socket) text += part;
      assert.ok(text.endsWith(SITE_TEXT), text);
    }
    await assert.rejects(SocksClient.createConnection({
      proxy: { ...secured.local.address, type: 5, userId: "a", password: "b" },
      command: "connect",
      destination: { host, port },
    }));
  });

  test(`the library undici fetches through ${runtime}`, async () => {
    await using site = await WebSite.start();
    await using running = await chain("--socks-user", "alice:wonderland");
    const uri = `http://127.0.0.1:${running.local.address.port}`;
    const token = `Basic ${btoa("alice:wonderland")}`;
    for (const proxyTunnel of [true, false]) {
      const dispatcher = new ProxyAgent({ uri, token, proxyTunnel });
      try {
        for (let i = 0; i < 3; i++) {
          const echoed = await fetch(site.url("/echo"), {
            dispatcher,
            method: "POST",
            body: `body ${i}`,
          });
          assert.equal(await echoed.text(), `body ${i}`);
        }
        const big = await fetch(site.url("/big/300000"), { dispatcher });
        assert.equal((await big.arrayBuffer()).byteLength, 300_000);
      } finally {
        await dispatcher.close();
      }
    }
    const stranger = new ProxyAgent({ uri, proxyTunnel: false });
    await assert.rejects(
      fetch(site.url("/"), { dispatcher: stranger }),
      (error: Error) => /407/.test(String(error.cause)),
    );
    await stranger.destroy();
  });
}

/** A bare repository with one commit, to be served as files. */
function makeRepository(): { folder: string; text: string } {
  const root = mkdtempSync(join(folder, "git-"));
  const work = join(root, "work");
  const bare = join(root, "repository.git");
  const text = "a file in a repository\n";
  const git = (...args: string[]): void => {
    const { status, stderr } = spawnSync("git", args, {
      encoding: "utf8",
      env: ENVIRONMENT,
    });
    assert.equal(status, 0, stderr);
  };
  git("init", "-q", "-b", "main", work);
  writeFileSync(join(work, "file"), text);
  git("-C", work, "add", "file");
  const author = ["-c", "user.name=A", "-c", "user.email=a@example.com"];
  git("-C", work, ...author, "commit", "-q", "-m", "one");
  git("clone", "-q", "--bare", work, bare);
  git("-C", bare, "update-server-info");
  return { folder: root, text };
}
