import assert from "node:assert/strict";
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect, createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import { COMMANDS } from "../../../src/cli/commands/commands.ts";
import { HELP_WIDTH } from "../../../src/cli/options/help.ts";
import { METHODS } from "../../../src/crypto/method.ts";

const MAIN = fileURLToPath(new URL("../../../src/main.ts", import.meta.url));
// Quiet, or Deno tells that it waits for others to look at node_modules.
const RUN = process.versions.deno === undefined ? [] : ["run", "-qA"];

/** Milliseconds a program may take; a loaded machine needs a few. */
const PATIENCE_MS = 30_000;

interface Outcome {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

class Program {
  readonly child: ChildProcess;
  readonly ended: Promise<Outcome>;
  stdout = "";
  stderr = "";
  #wake: () => void = () => {};

  constructor(args: readonly string[], argv0: string = process.execPath) {
    this.child = spawn(process.execPath, [...RUN, MAIN, ...args], {
      argv0,
      stdio: ["ignore", "pipe", "pipe"],
    });
    const { promise, resolve } = Promise.withResolvers<Outcome>();
    this.ended = promise;
    const timer = setTimeout(() => this.kill("SIGKILL"), PATIENCE_MS);
    this.child.stdout!.on("data", (chunk) => this.stdout += chunk);
    this.child.stderr!.on("data", (chunk) => {
      this.stderr += chunk;
      this.#wake();
    });
    this.child.on("close", (code) => {
      clearTimeout(timer);
      this.#wake();
      resolve({ code, stdout: this.stdout, stderr: this.stderr });
    });
  }

  /**
   * Not `child.kill()`: Deno 2.9.6 then reports the signal as the outcome,
   * whatever the exit code was.
   */
  kill(signal: NodeJS.Signals): void {
    process.kill(this.child.pid!, signal);
  }

  /** Waits until standard error matches, or the program has ended. */
  async says(pattern: RegExp): Promise<RegExpExecArray> {
    for (;;) {
      const match = pattern.exec(this.stderr);
      if (match) return match;
      assert.equal(this.child.exitCode, null, this.stderr);
      await new Promise<void>((resolve) => this.#wake = resolve);
    }
  }
}

function run(...args: string[]): Promise<Outcome> {
  return new Program(args).ended;
}

/** One line of complaint, nothing on standard output, no stack. */
async function fails(
  code: number,
  message: RegExp,
  args: readonly string[],
): Promise<void> {
  const outcome = await run(...args);
  assert.match(outcome.stderr, message);
  assert.equal(outcome.stderr.trimEnd().split("\n").length, 1, outcome.stderr);
  assert.doesNotMatch(outcome.stderr, /^\s+at |secret/m);
  assert.deepEqual([outcome.code, outcome.stdout], [code, ""]);
}

const folder = mkdtempSync(join(tmpdir(), "umbra-cli-"));
after(() => rmSync(folder, { recursive: true }));

function file(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

async function listening(): Promise<{ server: Server; port: number }> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  assert.ok(typeof address === "object" && address !== null);
  return { server, port: address.port };
}

test("umbra prints its version, runtime and build", async () => {
  const { code, stdout, stderr } = await run("--version");
  assert.match(
    stdout,
    /^umbra \d+\.\d+\.\d+ \((deno|bun) \d+\.\d+\.\d+, \w+-\w+, build \w+\)\n$/,
  );
  assert.deepEqual([code, stderr], [0, ""]);
});

test("umbra prints help of every command in 80 columns", async () => {
  const outcomes = await Promise.all([
    run("--help"),
    run("help"),
    ...COMMANDS.map((command) => run(command.name, "--help")),
    ...COMMANDS.map((command) => run("help", command.name)),
  ]);
  for (const { code, stdout, stderr } of outcomes) {
    assert.deepEqual([code, stderr], [0, ""]);
    assert.match(stdout, /^Usage: umbra /);
    for (const line of stdout.split("\n")) assert.ok(line.length <= HELP_WIDTH);
  }
});

test("umbra is ss-local or ss-server, when started under that name", async () => {
  const local = await new Program(["--help"], "/opt/bin/ss-local").ended;
  assert.match(local.stdout, /^Usage: ss-local \[OPTIONS\]/);
  assert.match(local.stdout, /^ {2}ss-local -c config\.json/m);
  const server = await new Program(["-k", "secret"], "ss-server").ended;
  assert.match(server.stderr, /^ss-server: .*no server port: give -p PORT/m);
  assert.equal(server.code, 2);
});

const noPrlimit = spawnSync("prlimit", ["--version"]).error
  ? "prlimit not found: apt-get install -y util-linux"
  : false;

test("ss-server does not start with few descriptors, and says what to do", {
  skip: noPrlimit,
}, () => {
  for (const role of ["server", "local"]) {
    const { status, stderr } = spawnSync("prlimit", [
      "--nofile=64:64",
      process.execPath,
      ...[...RUN, MAIN, role, "-s", "127.0.0.1", "-p", "8388", "-l", "1080"],
      ...["-m", "aes-256-gcm", "-k", "secret", "-u"],
    ], { encoding: "utf8", timeout: PATIENCE_MS });
    assert.equal(status, 2, stderr);
    assert.match(stderr, /^\S+ *\S*: .*limit of 64 .* ulimit -n 65536.*\n$/);
  }
});

test("umbra without a command prints help as an error", async () => {
  const { code, stdout, stderr } = await run();
  assert.deepEqual([code, stdout], [2, ""]);
  assert.match(stderr, /^Usage: umbra COMMAND/);
});

test("umbra names the nearest option or command, when one is unknown", async () => {
  await fails(2, /^umbra: Unknown command sever; did you mean server\?$/m, [
    "sever",
  ]);
  await fails(
    2,
    /^umbra: Unknown option --pasword; did you mean --password\?$/m,
    [
      ...["server", "-p", "1", "--pasword", "secret"],
    ],
  );
});

test("umbra complains in one line of a file it cannot use", async () => {
  const missing = join(folder, "missing.json");
  await fails(
    2,
    /^umbra: Cannot read .*missing\.json: the file does not exist$/m,
    [
      ...["local", "-c", missing],
    ],
  );
  const broken = file(
    "broken.json",
    '{\n  "server": "h"\n  "password": "secret"\n}',
  );
  await fails(
    2,
    /^umbra: .*broken\.json:3:3: not valid JSON: comma expected$/m,
    [
      ...["local", "-c", broken],
    ],
  );
});

test("umbra names wrong values of its running options", async () => {
  const server = ["server", "-p", "1", "-k", "secret"];
  await fails(2, /^umbra: --log-format: expected text or json$/m, [
    ...server,
    ...["--log-format", "xml"],
  ]);
  await fails(2, /^umbra: --grace: expected seconds, 0 or more$/m, [
    ...server,
    ...["--grace", "-1"],
  ]);
});

test("umbra lists the methods, when one is unknown", async () => {
  const names = new RegExp(METHODS.map((method) => method.name).join(", "));
  await fails(2, names, ["server", "-p", "1", "-k", "secret", "-m", "rc4-md5"]);
  await fails(2, names, ["genkey", "rc4-md5"]);
});

test("umbra genkey prints fresh keys of the method's length", async () => {
  const [first, second] = await Promise.all([
    run("genkey", "aes-192-gcm"),
    run("genkey", "aes-192-gcm"),
  ]);
  assert.match(first.stdout, /^[\w-]{32}\n$/);
  assert.notEqual(first.stdout, second.stdout);
  assert.deepEqual([first.code, first.stderr], [0, ""]);
});

test("umbra url prints what umbra url reads", async () => {
  const config = file(
    "url.json",
    '{ "server": ["a", "::1"], "server_port": 1, "password": "pä", ' +
      '"method": "aes-256-gcm" }',
  );
  const { stdout } = await run("url", "-c", config, "--tag", "x y");
  const lines = stdout.trimEnd().split("\n");
  assert.equal(lines.length, 2);
  const again = await run("url", ...lines);
  assert.deepEqual([again.code, again.stdout], [0, stdout]);
  await fails(2, /give --host NAME/, ["url", "-p", "1", "-k", "secret"]);
});

test("umbra outlives a reader that has gone", async () => {
  const program = new Program(["help", "local"]);
  program.child.stdout!.destroy();
  const { stderr } = await program.ended;
  assert.equal(stderr, "");
});

test("umbra says what to do, when the port is in use", async () => {
  const { server, port } = await listening();
  try {
    const message = new RegExp(
      `^umbra: Cannot listen on 127\\.0\\.0\\.1:${port}: address already in use; .*-l$`,
      "m",
    );
    await fails(1, message, [
      ...["local", "-s", "127.0.0.1:1", "-k", "secret", "-l", String(port)],
    ]);
  } finally {
    server.close();
  }
});

test("umbra starts all services or none", async () => {
  const { server, port } = await listening();
  try {
    const { code, stderr } = await run(
      ...["server", "-s", "127.0.0.1:0", "-s", `127.0.0.1:${port}`],
      ...["-k", "secret"],
    );
    assert.equal(code, 1);
    assert.match(stderr, /Cannot listen/);
    assert.doesNotMatch(stderr, /listening on/);
  } finally {
    server.close();
  }
});

test("umbra server says what it does, and ends well on SIGTERM", async () => {
  const program = new Program([
    ...["server", "-s", "127.0.0.1:0", "-k", "secret", "-m", "aes-256-gcm"],
  ]);
  await program.says(
    /INFO {2}ss-server listening on 127\.0\.0\.1:\d+, method aes-256-gcm, runtime (deno|bun) [\d.]+\n/,
  );
  program.kill("SIGTERM");
  const { code, stderr, stdout } = await program.ended;
  assert.deepEqual([code, stdout], [0, ""]);
  assert.match(stderr, /SIGTERM: no longer accepting/);
  assert.doesNotMatch(stderr, /secret/);
});

test("umbra local writes JSON lines, and ends well on SIGINT", async () => {
  const program = new Program([
    ...["local", "-s", "192.0.2.1:8388", "-s", "[::1]:1", "-k", "secret"],
    ...["-l", "0", "--log-format", "json", "--socks-user", "u:secret"],
  ]);
  await program.says(/listening/);
  program.kill("SIGINT");
  const { code, stderr } = await program.ended;
  assert.equal(code, 0);
  const [first] = stderr.trimEnd().split("\n").map((line) => JSON.parse(line));
  assert.equal(first.role, "ss-local");
  assert.equal(first.server, "192.0.2.1:8388 [::1]:1");
  assert.match(first.address, /^127\.0\.0\.1:[1-9]\d*$/);
  assert.match(first.message, /SOCKS5 and HTTP with password/);
});

test("umbra gives connections the grace time, a second signal ends it", async () => {
  const program = new Program([
    ...["server", "-s", "127.0.0.1:0", "-k", "secret", "--grace", "600"],
  ]);
  const port = Number((await program.says(/127\.0\.0\.1:(\d+)/))[1]);
  const client = connect(port, "127.0.0.1");
  client.on("error", () => {});
  try {
    await new Promise((resolve) => client.once("connect", resolve));
    client.write("x");
    // The connection has to be accepted before the signal.
    await new Promise((resolve) => setTimeout(resolve, 300));
    program.kill("SIGTERM");
    await program.says(/SIGTERM: no longer accepting, 600 s/);
    assert.equal(program.child.exitCode, null);
    program.kill("SIGTERM");
    assert.equal((await program.ended).code, 128 + 15);
  } finally {
    client.destroy();
  }
});

test("umbra refuses UDP with several workers, and says what to do", async () => {
  const server = ["-s", "127.0.0.1:9", "-k", "secret", "--workers", "2"];
  server.push("--transport", "runtime");
  for (
    const argv of [
      ["server", ...server, "-u"],
      ["local", ...server, "-U"],
      ["local", ...server, "--dns-listen", "127.0.0.1:9"],
    ]
  ) {
    const { code, stderr } = await run(...argv);
    assert.equal(code, 2);
    assert.match(
      stderr,
      /--workers cannot share .*UDP port.* process of (?:their|its) own/,
    );
  }
});
