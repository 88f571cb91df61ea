/**
 * No route to the server, no route to the target, and no name server: in a
 * network namespace of our own, so that nothing leaves this machine.
 *
 * The file runs twice: outside it starts itself inside.
 *
 * @module
 */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import process from "node:process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { runToEnd } from "../support/process.ts";
import { announceSkip } from "../support/report.ts";
import { denoPath } from "../support/runtimes.ts";
import { socksConnect, SocksRefusal } from "../support/tcp.ts";
import { Chain, OURS, startLocal } from "./chain.ts";

const INSIDE = "UMBRA_TEST_NAMESPACE";
const UNSHARE = ["unshare", "--map-root-user", "--net"];

/** Routes of the namespace, on addresses for documentation (RFC 5737). */
const SETUP = [
  "ip link set lo up",
  "ip route add unreachable 198.51.100.0/24",
  "ip route add prohibit 203.0.113.0/24",
].join(" && ");

/** How soon the application must know. */
const PROMPT_MS = 3_000;

/** What a local must answer when its server is at such an address. */
const SERVERS = [
  { host: "192.0.2.1", what: "there is no route", rep: 3 },
  { host: "198.51.100.1", what: "the host is unreachable", rep: 4 },
  { host: "203.0.113.1", what: "the route is forbidden", rep: 2 },
];

if (process.env[INSIDE] === undefined) outside();
else inside();

function outside(): void {
  const script = `${SETUP} && exec "$0" "$@"`;
  const { status } = spawnSync(UNSHARE[0]!, [
    ...UNSHARE.slice(1),
    "sh",
    "-c",
    SETUP,
  ]);
  const skip = status !== 0 &&
    "unreachable networks: needs network namespaces and iproute2 " +
      "(apt-get install -y iproute2 util-linux, and the right to unshare)";
  if (skip) announceSkip(skip);
  test("nothing hangs, when networks are unreachable", { skip }, async () => {
    const { code, output } = await runToEnd(
      [
        ...UNSHARE,
        "sh",
        "-c",
        script,
        denoPath()!,
        "test",
        "-A",
        fileURLToPath(import.meta.url),
      ],
      120_000,
      { env: { ...process.env, [INSIDE]: "1" } },
    );
    assert.equal(code, 0, output);
    assert.match(output, /[1-9]\d* passed/);
  });
}

function inside(): void {
  for (const implementation of OURS) {
    for (const { host, what, rep } of SERVERS) {
      test(`local on ${implementation} answers the right REP, when ${what} to the server`, async () => {
        await using local = await startLocal(implementation, {
          host,
          port: 8388,
        });
        const start = performance.now();
        await assert.rejects(
          socksConnect(local.address, { host: "127.0.0.1", port: 80 }),
          (error) => error instanceof SocksRefusal && error.rep === rep,
        );
        assert.ok(performance.now() - start < PROMPT_MS);
      });

      test(`server on ${implementation} ends the connection, when ${what} to the target`, async () => {
        await using chain = await Chain.start({
          local: implementation,
          server: implementation,
        });
        using stream = await chain.connect({ host, port: 80 });
        assert.equal(await stream.read(PROMPT_MS), undefined);
      });
    }

    test(`server on ${implementation} ends the connection, when there is no name server`, async () => {
      await using chain = await Chain.start({
        local: implementation,
        server: implementation,
      });
      using stream = await chain.connect({ host: "example.com", port: 80 });
      assert.equal(await stream.read(12_000), undefined);
    });
  }
}
