/**
 * curl as the application: every way it speaks SOCKS5, every kind of target.
 *
 * @module
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { HttpTarget } from "../support/http_target.ts";
import { runToEnd } from "../support/process.ts";
import { announceSkip } from "../support/report.ts";
import type { Address } from "../support/tcp.ts";
import { Chain, CURL_SKIP, OUR_PAIRINGS } from "./chain.ts";

const TEXT = "fetched through Umbra";

/** curl's exit code for a proxy that refuses (CURLE_PROXY). */
const PROXY_ERROR = 97;

const hasIpv6 = await HttpTarget.start("", "::1").then(
  async (target) => {
    await target[Symbol.asyncDispose]();
    return true;
  },
  () => false,
);
if (!hasIpv6) announceSkip("IPv6 targets: this machine has no ::1");

for (const pairing of OUR_PAIRINGS) {
  test(`curl fetches through ${pairing.name}, by address and by name`, {
    skip: CURL_SKIP,
  }, async () => {
    await using target = await HttpTarget.start(TEXT, "127.0.0.1");
    await using chain = await Chain.start(pairing);
    const { port } = target.address;
    const proxy = formatProxy(chain.local.address);
    for (
      const args of [
        ["--socks5", proxy, `http://127.0.0.1:${port}/`],
        ["--socks5", proxy, `http://localhost:${port}/`],
        ["--socks5-hostname", proxy, `http://localhost:${port}/`],
        ["--socks5-hostname", proxy, `http://127.0.0.1:${port}/`],
        ["-x", `socks5h://${proxy}`, `http://localhost:${port}/`],
        // An offer of a password does no harm where none is wanted.
        ["-x", `socks5h://user:pass@${proxy}`, `http://127.0.0.1:${port}/`],
      ]
    ) await assertFetches(args, chain);
  });

  test(`curl fetches through ${pairing.name}, from an IPv6 target`, {
    skip: CURL_SKIP || !hasIpv6,
  }, async () => {
    await using target = await HttpTarget.start(TEXT, "::1");
    await using chain = await Chain.start(pairing);
    const url = `http://[::1]:${target.address.port}/`;
    const proxy = formatProxy(chain.local.address);
    await assertFetches(["--socks5", proxy, url], chain);
    await assertFetches(["--socks5-hostname", proxy, url], chain);
  });

  test(`curl fetches through ${pairing.name}, only with the right password`, {
    skip: CURL_SKIP,
  }, async () => {
    await using target = await HttpTarget.start(TEXT, "127.0.0.1");
    await using chain = await Chain.start(pairing, {
      localFlags: ["--socks-user", "alice:wonder:land"],
    });
    const url = `http://127.0.0.1:${target.address.port}/`;
    const proxy = formatProxy(chain.local.address);
    const user = ["--proxy-user", "alice:wonder:land"];
    await assertFetches(["--socks5", proxy, ...user, url], chain);
    await assertFetches(["--socks5-hostname", proxy, ...user, url], chain);
    for (
      const wrong of [
        [],
        ["--proxy-user", "alice:wonder"],
        ["--proxy-user", "bob:wonder:land"],
        ["--proxy-user", "alice:"],
      ]
    ) {
      const result = await curl(["--socks5", proxy, ...wrong, url]);
      assert.equal(result.code, PROXY_ERROR, result.output);
      assert.doesNotMatch(result.output, new RegExp(TEXT));
    }
  });
}

async function assertFetches(args: string[], chain: Chain): Promise<void> {
  const { code, output } = await curl(args);
  const context = `curl ${args.join(" ")}\n${output}\n${chain.describe()}`;
  assert.equal(code, 0, context);
  assert.equal(output, TEXT, context);
}

/** The environment is empty, so that no proxy setting of the user's counts. */
function curl(args: string[]): ReturnType<typeof runToEnd> {
  return runToEnd(
    ["/usr/bin/env", "-i", "curl", "-sS", "-m", "10", ...args],
    15_000,
  );
}

function formatProxy({ host, port }: Address): string {
  return `${host}:${port}`;
}
