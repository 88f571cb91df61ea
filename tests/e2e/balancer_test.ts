/**
 * Servers behind HAProxy and nginx: they know their clients by the PROXY
 * protocol, tell the balancer's health checks how they are, and leave without a
 * failed connection.
 *
 * @module
 */
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { freePort, Program, waitForPort } from "../support/process.ts";
import { announceSkip } from "../support/report.ts";
import { command, Target } from "../support/target.ts";
import { type Address, socksConnect } from "../support/tcp.ts";
import { SocksUdp, UdpEcho } from "../support/udp.ts";
import { pause, until } from "../support/within.ts";
import { missingPrograms } from "./clients.ts";
import { type End, OURS, startLocal, startServer } from "./chain.ts";

/** Where a balancer connects from; clients come from 127.0.0.1. */
const BALANCER = "127.0.0.9";

/** Where Debian puts it. */
const STREAM_MODULE = "/usr/lib/nginx/modules/ngx_stream_module.so";

const HAPROXY_SKIP = missingPrograms(["haproxy"], "haproxy");
const NGINX_SKIP = missingPrograms(["nginx"], "nginx") ||
  !existsSync(STREAM_MODULE) &&
    "nginx has no stream module: apt-get install -y libnginx-mod-stream";
for (const skip of [HAPROXY_SKIP, NGINX_SKIP]) if (skip) announceSkip(skip);

const folder = mkdtempSync(join(tmpdir(), "umbra-balancer-"));
after(() => rmSync(folder, { recursive: true, force: true }));

async function startHaproxy(
  port: number,
  backend: readonly string[],
): Promise<Program> {
  const file = join(folder, `haproxy-${port}.cfg`);
  writeFileSync(
    file,
    [
      "defaults",
      "  mode tcp",
      "  timeout connect 2s",
      "  timeout client 30s",
      "  timeout server 30s",
      "  timeout check 5s",
      "listen umbra",
      `  bind 127.0.0.1:${port}`,
      ...backend.map((line) => `  ${line}`),
      "",
    ].join("\n"),
  );
  const haproxy = await Program.start(["haproxy", "-db", "-f", file]);
  await waitForPort(port);
  return haproxy;
}

async function startNginx(
  port: number,
  server: Address,
): Promise<Program> {
  const file = join(folder, `nginx-${port}.conf`);
  const listener = (udp: string): string =>
    `server { listen 127.0.0.1:${port}${udp}; proxy_pass ${server.host}:` +
    `${server.port}; proxy_bind ${BALANCER}; proxy_protocol on; }`;
  writeFileSync(
    file,
    `load_module ${STREAM_MODULE};
daemon off; master_process off; pid ${file}.pid; error_log stderr;
events {}
stream { ${listener("")} ${listener(" udp")} }
`,
  );
  const nginx = await Program.start(["nginx", "-c", file]);
  await waitForPort(port);
  return nginx;
}

/** One request for a few bytes, from beginning to end. */
async function fetchOnce(local: End, target: Target): Promise<void> {
  const stream = await socksConnect(local.address, target.address);
  try {
    await stream.write(command("down 1000"));
    assert.equal((await stream.readAll()).length, 1_000);
  } finally {
    stream.close();
  }
}

const FLAGS = ["--proxy-from", BALANCER, "--log-connections"];

for (const runtime of OURS) {
  for (
    const [name, send] of [
      // A check of version 1 looks like a client that goes away.
      ["version 1", "send-proxy"],
      ["version 2", "send-proxy-v2 check inter 200 check-send-proxy"],
      [
        "version 2 with fields",
        "send-proxy-v2 proxy-v2-options crc32c,unique-id",
      ],
    ] as const
  ) {
    test(`${runtime} behind HAProxy knows its client by ${name}`, {
      skip: HAPROXY_SKIP,
    }, async () => {
      await using target = await Target.start();
      await using server = await startServer(runtime, { flags: FLAGS });
      const port = await freePort();
      await using _haproxy = await startHaproxy(port, [
        `source ${BALANCER}`,
        "unique-id-format %[uuid()]",
        `server one 127.0.0.1:${server.address.port} ${send}`,
      ]);
      await using local = await startLocal(runtime, {
        host: "127.0.0.1",
        port,
      });
      for (let i = 0; i < 20; i++) await fetchOnce(local, target);
      await until(
        5_000,
        "20 connections are logged",
        () => server.program.output.split(" client=127.0.0.1 ").length > 20,
      );
      assert.ok(!server.program.output.includes("ERR_PROXY_HEADER"));
      assert.ok(!server.program.output.includes(`client=${BALANCER}`));
    });
  }

  test(`${runtime} behind nginx knows its client, over TCP and UDP`, {
    skip: NGINX_SKIP,
  }, async () => {
    await using target = await Target.start();
    using echo = await UdpEcho.start();
    await using server = await startServer(runtime, {
      flags: [...FLAGS, "-u", "-v"],
    });
    const port = await freePort();
    await using _nginx = await startNginx(port, server.address);
    const balancer = { host: "127.0.0.1", port };
    await using local = await startLocal(runtime, balancer, { flags: ["-u"] });
    for (let i = 0; i < 10; i++) await fetchOnce(local, target);
    using client = await SocksUdp.start(local.address);
    for (const text of ["one", "two", "three"]) {
      await client.send(Buffer.from(text), {
        host: "127.0.0.1",
        port: echo.port,
      });
      const { payload } = await client.receive();
      assert.equal(Buffer.from(payload).toString(), text);
    }
    await until(
      5_000,
      "connections are logged",
      () => server.program.output.split(" client=127.0.0.1 ").length > 10,
    );
    assert.ok(!server.program.output.includes("ERR_PROXY_HEADER"));
  });

  test(`${runtime} leaves HAProxy with --drain, and no client notices`, {
    skip: HAPROXY_SKIP,
  }, async () => {
    await using target = await Target.start();
    const nodes: { readonly end: End; readonly admin: number }[] = [];
    for (let i = 0; i < 2; i++) {
      const admin = await freePort();
      const flags = ["--admin", `127.0.0.1:${admin}`, "--drain", "2"];
      nodes.push({ end: await startServer(runtime, { flags }), admin });
    }
    await using _one = nodes[0]!.end;
    await using _two = nodes[1]!.end;
    const port = await freePort();
    await using haproxy = await startHaproxy(port, [
      "balance roundrobin",
      // HTTP/1.0, and no Host.
      "option httpchk GET /readyz",
      "retries 0",
      "default-server check inter 200 fall 2 rise 1",
      ...nodes.map(({ end, admin }, i) =>
        `server node${i} 127.0.0.1:${end.address.port} port ${admin}`
      ),
    ]);
    await using local = await startLocal(runtime, { host: "127.0.0.1", port });
    let done = 0;
    let failed = 0;
    let isOver = false;
    const load = (async () => {
      while (!isOver) {
        await fetchOnce(local, target).then(() => done++, () => failed++);
      }
    })();
    await until(20_000, "there is load", () => done > 20);
    const [first, second] = nodes;
    first!.end.program.signal("SIGTERM");
    const { code } = await first!.end.program.exited;
    const before = done;
    await pause(500);
    isOver = true;
    await load;
    assert.equal(code, 0);
    assert.match(
      first!.end.program.output,
      /SIGTERM: not ready, accepting for 2 s/,
    );
    assert.deepEqual([failed, done > before], [0, true], haproxy.describe());
    assert.match(haproxy.output, /node0 is DOWN/);
    assert.ok(!haproxy.output.includes("node1 is DOWN"));
    assert.equal(second!.end.program.output.includes("SIGTERM"), false);
  });
}
