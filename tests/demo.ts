/**
 * The whole chain on this machine: a web page, an `ss-server` on Bun, an
 * `ss-local` on Deno, a fresh key, and one page fetched through them.
 *
 * Usage: `deno task demo [--keep]`.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { promisify } from "node:util";
import { HttpTarget } from "./support/http_target.ts";
import { freePort, Program } from "./support/process.ts";
import { ROOT } from "./support/runtimes.ts";
import { programCommand } from "./support/program_command.ts";
import { type Address, socksConnect } from "./support/tcp.ts";

const HOST = "127.0.0.1";
const METHOD = "chacha20-ietf-poly1305";
const PAGE = "Hello from the far side of the tunnel.";

/** What somebody between local and server gets to see. */
interface Tap {
  /** Port of this machine that leads to the server. */
  port: number;
  /** Bytes towards the server. */
  up: Buffer;
  /** Bytes towards the local. */
  down: Buffer;
}

const keep = process.argv.includes("--keep");
const unknown = process.argv.slice(2).find((word) => word !== "--keep");
if (unknown !== undefined) {
  process.stderr.write(`Unknown option ${unknown}: there is only --keep\n`);
  process.exitCode = 2;
} else {
  await demo();
}

async function demo(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "umbra-demo-"));
  try {
    await runChain(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function runChain(folder: string): Promise<void> {
  print("Umbra demo: everything below happens on this machine.\n");
  const password = (await umbra("genkey", METHOD)).trim();
  const server = { host: HOST, port: await freePort() };
  const local = { host: HOST, port: await freePort() };
  await using page = await HttpTarget.start(PAGE, HOST);
  const tap = await startTap(server);
  const url = `http://${HOST}:${page.address.port}/`;

  // A password on a command line is visible to every user of the machine.
  const common = { method: METHOD, password };
  const config = (name: string, content: object): string => {
    const path = join(folder, name);
    writeFileSync(path, JSON.stringify(content, null, 2), { mode: 0o600 });
    return path;
  };
  const serverConfig = config("server.json", {
    server: server.host,
    server_port: server.port,
    ...common,
  });
  const localConfig = config("local.json", {
    server: HOST,
    server_port: tap.port,
    local_address: local.host,
    local_port: local.port,
    ...common,
  });

  const ready = /listening on/;
  await using _server = await Program.start(
    // The page is on loopback, which a server does not permit by default.
    [
      ...[...programCommand("bun"), "server", "-c", serverConfig],
      ...["--allow-private", "127.0.0.1"],
    ],
    { ready, cwd: ROOT },
  );
  await using _local = await Program.start(
    [...programCommand("deno"), "local", "-c", localConfig],
    { ready, cwd: ROOT },
  );
  print(`  web page   ${url}`);
  print(`  ss-server  ${format(server)}, on Bun, ${METHOD}, fresh key`);
  print(`  ss-local   ${format(local)}, on Deno, SOCKS5\n`);

  const start = performance.now();
  const answer = await fetchThrough(local, page.address);
  const tookMs = performance.now() - start;
  print(`Fetched ${url} through the chain in ${tookMs.toFixed(0)} ms:\n`);
  print(`  ${answer.status}`);
  print(`  ${answer.body}\n`);
  print("  client ─SOCKS5─▶ ss-local ═encrypted═▶ ss-server ─TCP─▶ web page\n");
  print("What somebody on the wire between local and server saw of it:\n");
  print(`  ${tap.up.length} bytes up    ${firstBytes(tap.up)}`);
  print(`  ${tap.down.length} bytes down  ${firstBytes(tap.down)}\n`);
  const readable = [tap.up, tap.down].some((bytes) =>
    bytes.includes("HTTP") || bytes.includes(PAGE)
  );
  if (readable || answer.body !== PAGE) {
    print("That is not what should have happened.");
    process.exitCode = 1;
  }

  print("The server as a link, for this and every other Shadowsocks client:\n");
  print(`  ${(await umbra("url", "-c", serverConfig)).trim()}\n`);
  print(
    keep ? "Try it yourself:\n" : "With --keep it stays, and you can try it:\n",
  );
  print(`  curl -x socks5h://${format(local)} ${url}\n`);
  if (keep) {
    print("Running until Ctrl-C.");
    await interrupted();
  }
}

/** Runs one of our program's tools and returns what it prints. */
async function umbra(...args: string[]): Promise<string> {
  const [program, ...rest] = [...programCommand("deno"), ...args];
  const options = { cwd: ROOT, timeout: 20_000 };
  // Standard output alone: on the other stream Deno tells what it downloads.
  const { stdout } = await promisify(execFile)(program!, rest, options);
  return stdout;
}

async function fetchThrough(
  proxy: Address,
  target: Address,
): Promise<{ status: string; body: string }> {
  using stream = await socksConnect(proxy, target);
  const request = `GET / HTTP/1.1\r\nHost: ${format(target)}\r\n` +
    "Connection: close\r\n\r\n";
  await stream.write(Buffer.from(request));
  const answer = Buffer.from(await stream.readAll()).toString();
  return {
    status: answer.split("\r\n")[0]!,
    body: answer.slice(answer.indexOf("\r\n\r\n") + 4),
  };
}

/** Passes bytes on to the server and keeps the first of them. */
function startTap(server: Address): Promise<Tap> {
  const keepBytes = (kept: Buffer, bytes: Buffer): Buffer =>
    kept.length < 65_536 ? Buffer.concat([kept, bytes]) : kept;
  const listener = createServer({ allowHalfOpen: true }, (client) => {
    const upstream = connect({ ...server, allowHalfOpen: true });
    client.on("data", (bytes) => tap.up = keepBytes(tap.up, bytes));
    upstream.on("data", (bytes) => tap.down = keepBytes(tap.down, bytes));
    client.pipe(upstream).pipe(client);
    client.on("error", () => upstream.destroy());
    upstream.on("error", () => client.destroy());
  });
  const tap: Tap = { port: 0, up: Buffer.alloc(0), down: Buffer.alloc(0) };
  return new Promise((resolve, reject) => {
    listener.once("error", reject);
    listener.listen(0, HOST, () => {
      const address = listener.address();
      if (address !== null && typeof address === "object") {
        tap.port = address.port;
      }
      // The demo ends when it is done, not when the page has no reader.
      listener.unref();
      resolve(tap);
    });
  });
}

function interrupted(): Promise<void> {
  return new Promise((resolve) => {
    // A timer keeps the process alive while it waits.
    const timer = setInterval(() => {}, 60_000);
    for (const name of ["SIGINT", "SIGTERM"]) {
      process.once(name, () => {
        clearInterval(timer);
        resolve();
      });
    }
  });
}

function firstBytes(bytes: Buffer): string {
  return bytes.subarray(0, 16).toString("hex").replace(/../g, "$& ") + "…";
}

function format({ host, port }: Address): string {
  return `${host}:${port}`;
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
