/**
 * curl and wget against the mixed port: every proxy protocol they speak.
 *
 * @module
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { runToEnd } from "../support/process.ts";
import { announceSkip } from "../support/report.ts";
import { SITE_TEXT, WebSite } from "../support/web_site.ts";
import { Chain, CURL_SKIP, OURS } from "./chain.ts";
import { missingPrograms } from "./clients.ts";

const WGET_SKIP = missingPrograms(["wget"], "wget");
if (WGET_SKIP) announceSkip(WGET_SKIP);

const USER = ["--socks-user", "alice:wonder:land"];

/** The environment is empty, so that no proxy setting of the user's counts. */
function curl(...args: string[]): ReturnType<typeof runToEnd> {
  return runToEnd(
    ["/usr/bin/env", "-i", "curl", "-sS", "-m", "10", ...args],
    15_000,
  );
}

for (const runtime of OURS) {
  const chain = (...localFlags: string[]): Promise<Chain> =>
    Chain.start({ local: runtime, server: runtime }, { localFlags });

  test(`curl fetches through the mixed port of ${runtime}, by each protocol`, {
    skip: CURL_SKIP,
  }, async () => {
    await using site = await WebSite.start();
    await using running = await chain();
    const proxy = `127.0.0.1:${running.local.address.port}`;
    const byName = site.url("/text", "localhost");
    const byAddress = site.url("/text");
    for (
      const args of [
        ["--socks4", proxy, byAddress],
        ["--socks4a", proxy, byName],
        ["--socks5", proxy, byAddress],
        ["--socks5-hostname", proxy, byName],
        ["-x", `http://${proxy}`, byAddress],
        ["-x", `http://${proxy}`, byName],
        ["-x", `http://${proxy}`, "--proxytunnel", byName],
        ["-x", `http://${proxy}`, "--proxytunnel", byAddress],
        ["-x", `http://${proxy}`, "--proxy1.0", proxy, byName],
        ["-x", `http://${proxy}`, "--http1.0", byName],
      ]
    ) {
      const { code, output } = await curl(...args);
      assert.equal(code, 0, `${args}\n${output}\n${running.describe()}`);
      assert.equal(output, SITE_TEXT, args.join(" "));
    }
  });

  test(`curl uses HTTP in full through ${runtime}`, {
    skip: CURL_SKIP,
  }, async () => {
    await using site = await WebSite.start();
    await using running = await chain();
    const proxy = ["-x", `http://127.0.0.1:${running.local.address.port}`];
    const say = async (...args: string[]): Promise<string> => {
      const { code, output } = await curl(...proxy, ...args);
      assert.equal(code, 0, `${args}\n${output}\n${running.describe()}`);
      return output;
    };
    const echo = site.url("/echo");
    assert.equal(await say("-d", "by length", echo), "by length");
    const chunked = ["-H", "Transfer-Encoding: chunked", "-d", "in chunks"];
    assert.equal(await say(...chunked, echo), "in chunks");
    const expects = ["-H", "Expect: 100-continue", "-d", "expected"];
    assert.equal(await say(...expects, echo), "expected");
    assert.equal(
      await say(
        "-o",
        "/dev/null",
        "-w",
        "%{size_download}",
        site.url("/big/999999"),
      ),
      "999999",
    );
    assert.match(await say("-I", site.url("/")), /^HTTP\/1\.1 200 OK\r\n/);

    const before = site.connections;
    const texts = await say(...Array(5).fill(site.url("/")), "-v");
    assert.equal(texts.split(SITE_TEXT).length, 6);
    assert.equal(site.connections, before + 1, "the target's was kept");
    assert.match(texts, /[Rr]e-using existing (?:http: )?connection/);

    const names = site.requests.flatMap(({ rawHeaders }) =>
      rawHeaders.filter((_, i) => i % 2 === 0).map((name) => name.toLowerCase())
    );
    const told = ["proxy-connection", "via", "forwarded", "x-forwarded-for"];
    for (const name of told) assert.ok(!names.includes(name), name);
  });

  test(
    `curl gets the statuses of ${runtime}`,
    { skip: CURL_SKIP },
    async () => {
      await using site = await WebSite.start();
      await using running = await chain();
      const { port } = running.local.address;
      const status = async (...args: string[]): Promise<string> => {
        const format = [
          "-o",
          "/dev/null",
          "-w",
          "%{http_code} %{http_connect}",
        ];
        return (await curl(...format, ...args)).output;
      };
      const proxy = ["-x", `http://127.0.0.1:${port}`];
      // Port 1 has no listener: the server closes, the local answers 502.
      assert.equal(await status(...proxy, "http://127.0.0.1:1/"), "502 000");
      assert.equal(await status(`http://127.0.0.1:${port}/`), "400 000");
      await running.server.program.stop();
      assert.equal(await status(...proxy, site.url("/")), "502 000");
      const tunnel = await status(...proxy, "--proxytunnel", site.url("/"));
      assert.match(tunnel, /000 502$/);
    },
  );

  test(`curl needs the right password at ${runtime}, SOCKS4 is refused`, {
    skip: CURL_SKIP,
  }, async () => {
    await using site = await WebSite.start();
    await using running = await chain(...USER);
    const proxy = `127.0.0.1:${running.local.address.port}`;
    const url = site.url("/");
    const right = ["--proxy-user", "alice:wonder:land"];
    for (
      const args of [
        ["--socks5", proxy, ...right],
        ["-x", `http://${proxy}`, ...right],
        ["-x", `http://${proxy}`, ...right, "--proxy-anyauth"],
        ["-x", `http://${proxy}`, ...right, "--proxytunnel"],
        ["-x", `http://${proxy}`, ...right, "--proxytunnel", "--proxy-anyauth"],
        ["-x", `http://${proxy}`, ...right, "--proxy-anyauth", "-d", "body"],
      ]
    ) {
      const { code, output } = await curl(...args, url);
      assert.equal(code, 0, `${args}\n${output}\n${running.describe()}`);
      assert.equal(output, SITE_TEXT, args.join(" "));
    }
    const { length } = site.requests;
    const wrong = ["--proxy-user", "alice:wonder"];
    const code = ["-o", "/dev/null", "-w", "%{http_code}%{http_connect}"];
    for (const password of [[], wrong]) {
      const plain = await curl(
        "-x",
        `http://${proxy}`,
        ...password,
        ...code,
        url,
      );
      assert.equal(plain.output, "407000");
      const tunnel = await curl(
        ...["-x", `http://${proxy}`, "-p", ...password, ...code, url],
      );
      assert.match(tunnel.output, /000407$/);
      assert.equal((await curl("--socks5", proxy, ...password, url)).code, 97);
      for (const socks4 of ["--socks4", "--socks4a"]) {
        assert.equal((await curl(socks4, proxy, ...password, url)).code, 97);
      }
    }
    assert.equal(site.requests.length, length);
    assert.match(running.local.program.output, /SOCKS4, which has no password/);
  });

  test(`wget fetches through ${runtime}, with a password`, {
    skip: WGET_SKIP,
  }, async () => {
    await using site = await WebSite.start();
    await using running = await chain(...USER);
    const { port } = running.local.address;
    const wget = (user: string): ReturnType<typeof runToEnd> =>
      runToEnd([
        ...["/usr/bin/env", "-i", `http_proxy=http://${user}127.0.0.1:${port}`],
        ...["wget", "-nv", "-t", "1", "-T", "10", "-O", "-", site.url("/")],
      ], 15_000);
    const { code, output } = await wget("alice:wonder%3Aland@");
    assert.equal(code, 0, output);
    assert.ok(output.includes(SITE_TEXT), output);
    for (const user of ["", "alice:wrong@"]) {
      const refused = await wget(user);
      assert.notEqual(refused.code, 0);
      assert.match(refused.output, /407/);
    }
  });
}
