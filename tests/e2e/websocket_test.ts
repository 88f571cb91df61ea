/**
 * Shadowsocks inside WebSockets, on real sockets: ours with ours on both
 * runtimes, behind nginx with TLS, and with v2ray-plugin and sing-box at the
 * other end. 8 MiB each way, whose digests must agree.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { after, test } from "node:test";
import { seededBytes } from "../support/bytes.ts";
import { makeCertificate } from "../support/certificate.ts";
import { executablesOf } from "../support/executables.ts";
import { freePort, Program, waitForPort } from "../support/process.ts";
import { programCommand } from "../support/program_command.ts";
import { announceSkip } from "../support/report.ts";
import { ROOT } from "../support/runtimes.ts";
import {
  command,
  digestOf,
  MIB,
  patternDigest,
  patternParts,
  Target,
} from "../support/target.ts";
import { type Address, socksConnect } from "../support/tcp.ts";
import { SocksUdp, UdpEcho } from "../support/udp.ts";
import { within } from "../support/within.ts";
import { LIBEV_SKIP, METHOD, PASSWORD } from "./chain.ts";
import { peerSkip, startPeerServer } from "./peers.ts";

const LENGTH = 8 * MIB;
const LIMIT_MS = 60_000;
const TCP_PATH = "/secret/tcp";
const UDP_PATH = "/secret/udp";

const scratch = mkdtempSync(join(tmpdir(), "umbra-websocket-"));
after(() => rmSync(scratch, { recursive: true, force: true }));
const certificate = makeCertificate(scratch);
const keyFile = join(scratch, "tls.key");
const certFile = join(scratch, "tls.pem");
writeFileSync(keyFile, certificate.key);
writeFileSync(certFile, certificate.cert);

const PLUGIN = ["ss-v2ray-plugin", "v2ray-plugin"].find(isThere);
const PLUGIN_SKIP = PLUGIN === undefined &&
  "no v2ray-plugin: apt-get install -y shadowsocks-v2ray-plugin";
const NGINX_SKIP = !isThere("/usr/sbin/nginx") &&
  "no nginx: apt-get install -y nginx";
/**
 * Executables of the tests are compiled with Deno 2.7, whose node:tls does not
 * tell why a certificate is refused, and fails with v2ray-plugin; 2.9 does both.
 */
const TLS_SKIP = executablesOf("deno") !== undefined &&
  "SKIPPED: TLS with v2ray-plugin, and its errors, in executables of Deno 2.7";

for (const skip of [PLUGIN_SKIP, NGINX_SKIP, TLS_SKIP]) {
  if (skip) announceSkip(skip);
}

function isThere(program: string): boolean {
  return spawnSync(program, ["-h"], { timeout: 10_000 }).error === undefined;
}

function inTime(work: () => Promise<void>): Promise<void> {
  return within(LIMIT_MS, "the chain", work());
}

type Runtime = "deno" | "bun";

const OURS: readonly Runtime[] = ["deno", "bun"];

let files = 0;

/** Runs one of ours from a configuration of its own. */
async function start(
  runtime: Runtime,
  role: "local" | "server",
  config: object,
): Promise<Program> {
  const file = join(scratch, `${++files}.json`);
  writeFileSync(file, JSON.stringify(config), { mode: 0o600 });
  const trusted = {
    NODE_EXTRA_CA_CERTS: certificate.authority,
    DENO_CERT: certificate.authority,
  };
  return await Program.start([
    ...programCommand(runtime, trusted),
    role,
    ...role === "server" ? ["--allow-private", "all"] : [],
    ...["-v", "-c", file],
  ], { ready: /listening on/, cwd: ROOT });
}

/** Where a server of ours takes WebSockets. */
interface WebSocketEnd extends AsyncDisposable {
  readonly address: Address;
  readonly program: Program;
}

async function startServer(
  runtime: Runtime,
  websocket: object = {},
): Promise<WebSocketEnd> {
  const port = await freePort();
  const program = await start(runtime, "server", {
    ...{ server: "127.0.0.1", server_port: await freePort() },
    ...{ method: METHOD, password: PASSWORD, mode: "tcp_and_udp" },
    websocket: {
      listen: `127.0.0.1:${port}`,
      tcp_path: TCP_PATH,
      udp_path: UDP_PATH,
      trusted_proxies: ["127.0.0.1"],
      ...websocket,
    },
  });
  return {
    address: { host: "127.0.0.1", port },
    program,
    [Symbol.asyncDispose]: () => program[Symbol.asyncDispose](),
  };
}

/** A local of ours that reaches a server by a WebSocket. */
interface LocalEnd extends AsyncDisposable {
  readonly address: Address;
  readonly program: Program;
}

async function startLocal(
  runtime: Runtime,
  transport: object,
  more: object = {},
): Promise<LocalEnd> {
  const port = await freePort();
  const program = await start(runtime, "local", {
    ...{ local_address: "127.0.0.1", local_port: port, mode: "tcp_and_udp" },
    servers: [{ method: METHOD, password: PASSWORD, transport, ...more }],
  });
  return localAt(port, program);
}

/** A local of ours that is given a link, and finds no program in its PATH. */
async function startLinked(runtime: Runtime, link: string): Promise<LocalEnd> {
  const port = await freePort();
  const variables = {
    NODE_EXTRA_CA_CERTS: certificate.authority,
    PATH: "/nowhere",
  };
  const program = await Program.start(
    [
      ...programCommand(runtime, variables),
      "local",
      link,
      "-l",
      `${port}`,
      "-v",
    ],
    { ready: /listening on/, cwd: ROOT },
  );
  return localAt(port, program);
}

function localAt(port: number, program: Program): LocalEnd {
  return {
    address: { host: "127.0.0.1", port },
    program,
    [Symbol.asyncDispose]: () => program[Symbol.asyncDispose](),
  };
}

function urls(scheme: string, { host, port }: Address): object {
  return {
    type: "websocket",
    url: `${scheme}://${host}:${port}${TCP_PATH}`,
    udp_url: `${scheme}://${host}:${port}${UDP_PATH}`,
  };
}

/** Moves 8 MiB down, and 8 MiB up. */
async function moveBothWays(
  local: Address,
  said: () => string,
): Promise<void> {
  await using target = await Target.start();
  const want = patternDigest(LENGTH);
  using down = await socksConnect(local, target.address);
  await down.write(command(`down ${LENGTH}`));
  assert.equal(await digestOf(down), want, said());
  using up = await socksConnect(local, target.address);
  await up.write(command(`up ${LENGTH}`));
  for (const part of patternParts(LENGTH)) await up.write(part);
  assert.equal(Buffer.from(await up.readAll()).toString(), want, said());
}

/** Ends one direction, and moves 8 MiB in the other, both ways round. */
async function endOneWay(local: Address): Promise<void> {
  await using target = await Target.start();
  using late = await socksConnect(local, target.address);
  await late.write(command(`late ${LENGTH}`));
  late.end();
  assert.equal(await digestOf(late), patternDigest(LENGTH));
  using early = await socksConnect(local, target.address);
  await early.write(command("early"));
  assert.equal(await early.read(), undefined);
  for (const part of patternParts(LENGTH)) await early.write(part);
  early.end();
  assert.equal(await target.earlyDigest, patternDigest(LENGTH));
}

async function echoDatagrams(local: Address): Promise<void> {
  using echo = await UdpEcho.start();
  using client = await SocksUdp.start(local);
  const target = { host: "127.0.0.1", port: echo.port };
  for (const size of [0, 1, 512, 1_400, 8_000, 60_000]) {
    const payload = seededBytes(size, size);
    await client.send(payload, target);
    const answer = await client.receive();
    assert.ok(Buffer.from(payload).equals(answer.payload), `${size} bytes`);
    assert.deepEqual(answer.from, target);
  }
}

for (const local of OURS) {
  for (const server of OURS) {
    test(`${local} → ${server} by WebSockets: streams, packets, half-close`, () =>
      inTime(async () => {
        await using serverEnd = await startServer(server);
        await using localEnd = await startLocal(
          local,
          urls("ws", serverEnd.address),
        );
        const said = (): string =>
          localEnd.program.describe() + serverEnd.program.describe();
        await moveBothWays(localEnd.address, said);
        await endOneWay(localEnd.address);
        await echoDatagrams(localEnd.address);
      }));
  }

  test(
    `${local} → nginx with TLS → ${local}`,
    { skip: NGINX_SKIP },
    () =>
      inTime(async () => {
        await using serverEnd = await startServer(local);
        await using web = await startNginx(serverEnd.address);
        await using localEnd = await startLocal(
          local,
          urls("wss", web.address),
        );
        const said = (): string =>
          localEnd.program.describe() + serverEnd.program.describe();
        await moveBothWays(localEnd.address, said);
        await echoDatagrams(localEnd.address);
        await serverEnd.program.waitForOutput(/client=192\.0\.2\.77 /, 5_000);
      }),
  );

  test(`${local} tells what is wrong with TLS and with the path`, {
    skip: NGINX_SKIP || local === "deno" && TLS_SKIP,
  }, async () => {
    await using target = await Target.start();
    await using serverEnd = await startServer(local);
    await using web = await startNginx(serverEnd.address);
    const { port } = web.address;
    for (
      const [url, what] of [
        [
          `wss://localhost:${port}${TCP_PATH}`,
          /code=ERR_NET_TLS reason=.*localhost/,
        ],
        [
          `wss://127.0.0.1:${port}/wrong`,
          /127\.0\.0\.1:\d+ answered 404, not 101/,
        ],
        [`ws://127.0.0.1:${port}${TCP_PATH}`, /answered 400, not 101/],
      ] as const
    ) {
      await using localEnd = await startLocal(local, {
        type: "websocket",
        url,
      });
      await assert.rejects(socksConnect(localEnd.address, target.address));
      await localEnd.program.waitForOutput(what, 5_000);
      assert.doesNotMatch(localEnd.program.output, /secret|\/wrong/);
    }
    await serverEnd.program.stop();
    await using localEnd = await startLocal(local, urls("wss", web.address));
    await assert.rejects(socksConnect(localEnd.address, target.address));
    await localEnd.program.waitForOutput(
      /answered 502, not 101: the server behind the web server is not running/,
      5_000,
    );
  });

  for (const tls of [false, true]) {
    test(
      `${local} → v2ray-plugin${tls ? " with TLS" : ""} → ss-server, by a link`,
      {
        skip: PLUGIN_SKIP || LIBEV_SKIP ||
          tls && local === "deno" && TLS_SKIP,
      },
      () =>
        inTime(async () => {
          const port = await freePort();
          await using server = await Program.start([
            ...["ss-server", "-s", "127.0.0.1", "-p", `${port}`],
            ...["-k", PASSWORD, "-m", METHOD],
          ]);
          await waitForPort(port);
          await using plugin = await startPlugin(
            { host: "127.0.0.1", port },
            `server;mux=0;path=${TCP_PATH}` +
              (tls
                ? `;tls;host=127.0.0.1;cert=${certFile};key=${keyFile}`
                : ""),
          );
          const options = `v2ray-plugin;mux=0;path=${TCP_PATH};host=127.0.0.1` +
            (tls ? ";tls" : "");
          await using localEnd = await startLinked(
            local,
            linkTo(plugin.address, METHOD, PASSWORD, options),
          );
          const said = (): string =>
            localEnd.program.describe() + plugin.program.describe() +
            server.describe();
          await moveBothWays(localEnd.address, said);
        }),
    );
  }

  test(`${local} → v2ray-plugin → ssserver with a 2022 method`, {
    skip: PLUGIN_SKIP || peerSkip("shadowsocks-rust"),
  }, () =>
    inTime(async () => {
      const method = "2022-blake3-aes-128-gcm";
      const password = Buffer.from(seededBytes(16)).toString("base64");
      await using server = await startPeerServer("shadowsocks-rust", {
        method,
        password,
      });
      await using plugin = await startPlugin(server.address, "server;mux=0");
      await using localEnd = await startLinked(
        local,
        linkTo(plugin.address, method, password, "v2ray-plugin;mux=0"),
      );
      await moveBothWays(
        localEnd.address,
        () => localEnd.program.describe() + plugin.program.describe(),
      );
    }));

  test(`sing-box → ${local}, as it speaks v2ray-plugin`, {
    skip: peerSkip("sing-box"),
  }, () =>
    inTime(async () => {
      await using serverEnd = await startServer(local);
      const { host, port } = serverEnd.address;
      await using localEnd = await startSingBox({
        ...{ type: "shadowsocks", server: host, server_port: port },
        ...{ method: METHOD, password: PASSWORD, plugin: "v2ray-plugin" },
        plugin_opts: `mode=websocket;mux=0;path=${TCP_PATH}`,
      });
      await moveBothWays(
        localEnd.address,
        () => localEnd.program.describe() + serverEnd.program.describe(),
      );
    }));

  test(`ss-local → v2ray-plugin → ${local}`, {
    skip: PLUGIN_SKIP || LIBEV_SKIP,
  }, () =>
    inTime(async () => {
      await using serverEnd = await startServer(local, { close_delay: 2 });
      const { host, port } = serverEnd.address;
      const localPort = await freePort();
      await using client = await Program.start([
        ...["ss-local", "-s", host, "-p", `${port}`, "-l", `${localPort}`],
        ...["-k", PASSWORD, "-m", METHOD, "--plugin", PLUGIN!],
        ...["--plugin-opts", `mux=0;path=${TCP_PATH}`],
      ]);
      await waitForPort(localPort);
      await moveBothWays(
        { host: "127.0.0.1", port: localPort },
        () => client.describe() + serverEnd.program.describe(),
      );
    }));
}

/** v2ray-plugin as a server in front of another. */
async function startPlugin(
  server: Address,
  options: string,
): Promise<WebSocketEnd> {
  const port = await freePort();
  const program = await Program.start([PLUGIN!], {
    env: {
      ...process.env,
      ...{ SS_REMOTE_HOST: "127.0.0.1", SS_REMOTE_PORT: `${port}` },
      ...{ SS_LOCAL_HOST: server.host, SS_LOCAL_PORT: `${server.port}` },
      SS_PLUGIN_OPTIONS: options,
    },
  });
  await waitForPort(port);
  return {
    address: { host: "127.0.0.1", port },
    program,
    [Symbol.asyncDispose]: () => program[Symbol.asyncDispose](),
  };
}

async function startSingBox(outbound: object): Promise<LocalEnd> {
  const port = await freePort();
  const file = join(scratch, `${++files}.json`);
  writeFileSync(
    file,
    JSON.stringify({
      log: { level: "warn" },
      inbounds: [{ type: "socks", listen: "127.0.0.1", listen_port: port }],
      outbounds: [outbound],
    }),
  );
  const folder = process.env["UMBRA_PEERS"] ?? join(ROOT, ".cache", "peers");
  const program = await Program.start([
    ...[join(folder, "bin", "sing-box"), "run", "-c", file],
  ]);
  await waitForPort(port);
  return localAt(port, program);
}

/** nginx that speaks TLS, passes WebSockets on, and names a client. */
async function startNginx(behind: Address): Promise<WebSocketEnd> {
  const port = await freePort();
  const folder = mkdtempSync(join(scratch, "nginx-"));
  const file = join(folder, "nginx.conf");
  writeFileSync(
    file,
    `daemon off; pid ${folder}/pid; error_log ${folder}/error.log;
    worker_processes 1; events {}
    http {
      access_log off;
      client_body_temp_path ${folder}/body; proxy_temp_path ${folder}/proxy;
      fastcgi_temp_path ${folder}/f; uwsgi_temp_path ${folder}/u;
      scgi_temp_path ${folder}/s;
      server {
        listen 127.0.0.1:${port} ssl;
        ssl_certificate ${certFile}; ssl_certificate_key ${keyFile};
        location /secret/ {
          proxy_pass http://${behind.host}:${behind.port};
          proxy_http_version 1.1;
          proxy_set_header Upgrade $http_upgrade;
          proxy_set_header Connection upgrade;
          proxy_set_header X-Forwarded-For 192.0.2.77;
        }
        location / { return 404; }
      }
    }`,
  );
  const program = await Program.start(["/usr/sbin/nginx", "-c", file]);
  await waitForPort(port);
  return {
    address: { host: "127.0.0.1", port },
    program,
    [Symbol.asyncDispose]: () => program[Symbol.asyncDispose](),
  };
}

function linkTo(
  { host, port }: Address,
  method: string,
  password: string,
  plugin: string,
): string {
  const user = `${method}:${encodeURIComponent(password)}`;
  return `ss://${user}@${host}:${port}/?plugin=${encodeURIComponent(plugin)}`;
}
