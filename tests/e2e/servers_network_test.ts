/**
 * Two servers in a network of their own, where packets to the first vanish, with
 * a reload meanwhile; then the machine gets another address.
 */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { NETWORK_LOOK_MS } from "../../src/limits.ts";
import { Namespace, NAMESPACES_SKIP } from "../support/namespaces.ts";
import { Program, runToEnd } from "../support/process.ts";
import { programCommand } from "../support/program_command.ts";
import { ROOT } from "../support/runtimes.ts";
import { LIBEV_SKIP, METHOD, PASSWORD } from "./chain.ts";

const FIRST = "127.0.1.1";
const SECOND = "127.0.1.2";
const RULES = "add chain ip trial out { type filter hook output priority 0; }";

for (const runtime of ["deno", "bun"] as const) {
  test(
    `${runtime}: a server whose packets vanish is left, also over a reload; another address is noticed`,
    {
      skip: NAMESPACES_SKIP || LIBEV_SKIP,
    },
    async () => {
      using network = new Namespace();
      using elsewhere = new Namespace();
      await using owned = new AsyncDisposableStack();
      const start = async (
        words: readonly string[],
        ready?: RegExp,
      ): Promise<Program> =>
        owned.use(
          await Program.start([...network.under, ...words], {
            ...ready && { ready },
            cwd: ROOT,
          }),
        );
      await start(
        ["python3", "-u", `${ROOT}/tests/e2e/plain_target.py`],
        /ready/,
      );
      for (const host of [FIRST, SECOND]) {
        await start([
          ...["ss-server", "-s", host, "-p", "8388"],
          ...["-m", METHOD, "-k", PASSWORD],
        ], /listening/);
      }
      const file = join(
        mkdtempSync(join(tmpdir(), "umbra-vanish-")),
        "local.json",
      );
      owned.defer(() => rmSync(join(file, ".."), { recursive: true }));
      writeFileSync(
        file,
        JSON.stringify({
          servers: [FIRST, SECOND].map((server) => ({
            server,
            "server_port": 8_388,
            method: METHOD,
            password: PASSWORD,
          })),
          mode: "tcp_and_udp",
          "dns_listen": "127.0.0.9:5353",
          "dns_upstream": "127.0.0.8:53",
        }),
        { mode: 0o600 },
      );
      const local = await start(
        [...programCommand(runtime), "local", "-c", file],
        /ss-local listening/,
      );
      const run = async (...words: string[]): Promise<string> =>
        (await runToEnd([...network.under, ...words], 20_000)).output;
      const fetched = (): Promise<string> =>
        run(
          ...["curl", "-sm", "3", "-x", "socks5h://127.0.0.1:1080"],
          "http://127.0.0.1:8000/",
        );
      assert.equal(await fetched(), "hello\n", local.describe());
      network.run("nft add table ip trial");
      network.run("nft -f -", `${RULES}\n`);
      // The race is won by the other server.
      network.run("nft -f -", drop(`ip daddr ${FIRST}`));
      assert.equal(await fetched(), "hello\n", local.describe());
      local.signal("SIGHUP");
      await local.waitForOutput(/reload/i, 5_000);
      assert.equal(await fetched(), "hello\n", local.describe());
      network.join(elsewhere, {
        name: "other",
        ipv4: "192.0.2.",
        ipv6: "2001:db8::",
      });
      await local.waitForOutput(
        /network of this machine has changed.*its addresses or resolvers/,
        2 * NETWORK_LOOK_MS,
      );
    },
  );
}

function drop(match: string): string {
  return `add rule ip trial out ${match} drop\n`;
}
