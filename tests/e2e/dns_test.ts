/**
 * `dig` through the DNS inbound to a real DNS server: UDP, TCP where the answer
 * does not fit, and the cache.
 *
 * @module
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  dig,
  DNS_SKIP,
  KNOWN_ADDRESS,
  KNOWN_NAME,
  LARGE_NAME,
  startDnsServer,
} from "../support/dns_server.ts";
import { freePort, Program } from "../support/process.ts";
import { ROOT } from "../support/runtimes.ts";
import { programCommand } from "../support/program_command.ts";
import { Chain, METHOD, OUR_PAIRINGS, PASSWORD, startServer } from "./chain.ts";

const KEYS_2017 = { method: METHOD, password: PASSWORD };

/** Of the 2022 edition, for the pairings of two runtimes. */
const KEYS_2022 = {
  method: "2022-blake3-aes-128-gcm",
  password: "wMHCw8TFxsfIycrLzM3Ozw==",
};

for (const pairing of OUR_PAIRINGS) {
  const keys = pairing.local === pairing.server ? KEYS_2017 : KEYS_2022;
  test(
    `dig gets its answers from the DNS inbound of ${pairing.name}, ${keys.method}`,
    {
      skip: DNS_SKIP,
    },
    async () => {
      const resolver = { host: "127.0.0.1", port: await freePort() };
      const inbound = { host: "127.0.0.1", port: await freePort() };
      const server = await startDnsServer(resolver);
      try {
        await using chain = await Chain.start(pairing, {
          ...keys,
          flags: ["-u"],
          localFlags: [
            ...["--dns-listen", `${inbound.host}:${inbound.port}`],
            ...["--dns-upstream", `${resolver.host}:${resolver.port}`],
          ],
        });
        const ask = async (...question: string[]): Promise<string> =>
          (await dig(inbound, ...question)).trim();
        assert.equal(
          await ask(KNOWN_NAME, "A"),
          KNOWN_ADDRESS,
          chain.describe(),
        );
        // Eight texts of 200 bytes: only TCP takes them.
        for (const how of [["+noedns"], ["+bufsize=4096"], ["+tcp"]]) {
          const texts = await ask(LARGE_NAME, "TXT", ...how);
          assert.equal(texts.split("\n").length, 8, `${how}: ${texts}`);
        }
        await server.stop();
        assert.equal(await ask(KNOWN_NAME, "A"), KNOWN_ADDRESS);
      } finally {
        await server.stop();
      }
    },
  );
}

for (const runtime of ["deno", "bun"] as const) {
  test(
    `the DNS inbound on ${runtime} asks the next server, when the first is gone`,
    {
      skip: DNS_SKIP,
    },
    async () => {
      const resolver = { host: "127.0.0.1", port: await freePort() };
      const inbound = { host: "127.0.0.1", port: await freePort() };
      await using _dns = await startDnsServer(resolver);
      await using server = await startServer(runtime, { flags: ["-u"] });
      await using local = await Program.start([
        ...[...programCommand(runtime), "local", "-l", `${await freePort()}`],
        ...["-s", `127.0.0.1:${await freePort()}`],
        ...["-s", `127.0.0.1:${server.address.port}`],
        ...["-k", PASSWORD, "-m", METHOD],
        ...["--dns-listen", `${inbound.host}:${inbound.port}`],
        ...["--dns-upstream", `${resolver.host}:${resolver.port}`],
      ], { ready: /DNS listening on/, cwd: ROOT });
      const ask = async (name: string): Promise<string> =>
        (await dig(inbound, name, "A", "+time=4")).trim();
      assert.equal(await ask(KNOWN_NAME), KNOWN_ADDRESS, local.describe());
      const startMs = Date.now();
      assert.equal(await ask(LARGE_NAME), "");
      assert.ok(Date.now() - startMs < 1_500, "UDP goes to the server in use");
    },
  );
}
