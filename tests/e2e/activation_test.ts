/** Sockets that the service manager has opened: taken on Bun, named on Deno. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { freePort, Program, runToEnd } from "../support/process.ts";
import { programCommand } from "../support/program_command.ts";
import { announceSkip } from "../support/report.ts";
import { command, Target } from "../support/target.ts";
import { socksConnect } from "../support/tcp.ts";
import { startLocal } from "./chain.ts";

/** Listens on a port of 127.0.0.1 and runs the rest with it as descriptor 3. */
const ACTIVATE = [
  "use POSIX; use Socket;",
  "socket(my $s, PF_INET, SOCK_STREAM, 0);",
  "setsockopt($s, SOL_SOCKET, SO_REUSEADDR, 1);",
  'bind($s, sockaddr_in(shift @ARGV, inet_aton("127.0.0.1"))) or die $!;',
  "listen($s, 128); POSIX::dup2(fileno($s), 3) if fileno($s) != 3;",
  "$^F = 9; fcntl($s, 2, 0); s/^LISTEN_PID=$/LISTEN_PID=$$/ for @ARGV;",
  "exec(@ARGV) or die $!;",
].join(" ");

const VARIABLES = { LISTEN_PID: "", LISTEN_FDS: "1" };
const FLAGS = ["-k", "x", "-m", "aes-256-gcm", "--allow-private", "all"];

const skip = spawnSync("perl", ["-v"]).error
  ? "sockets of a service manager: needs perl"
  : false;
if (skip) announceSkip(skip);

test("bun takes the socket that is there already", { skip }, async () => {
  const port = await freePort();
  const address = { host: "127.0.0.1", port };
  await using target = await Target.start();
  await using server = await Program.start(
    activated("bun", port, "-s", `127.0.0.1:${port}`),
    { ready: new RegExp(`listening on 127\\.0\\.0\\.1:${port}\\b`) },
  );
  await using local = await startLocal("bun", address, {
    method: "aes-256-gcm",
    password: "x",
  });
  {
    using stream = await socksConnect(local.address, target.address);
    await stream.write(command("down 100000"));
    assert.equal((await stream.readAll()).length, 100_000);
  }
  assert.doesNotMatch(server.output, /no service takes/);
  assert.deepEqual(await server.stop(10_000), { code: 0, signal: null });
});

test("bun names a socket that no service takes", { skip }, async () => {
  const port = await freePort();
  await using server = await Program.start(
    activated("bun", port, "-s", "127.0.0.1:0"),
    { ready: /ss-server listening/ },
  );
  await server.waitForOutput(
    new RegExp(`listens on 127\\.0\\.0\\.1:${port}, and no service`),
    5_000,
  );
});

test("deno takes the socket by sockets of our own", { skip }, async () => {
  const port = await freePort();
  await using server = await Program.start(
    activated("deno", port, "-s", `127.0.0.1:${port}`, "--transport", "linux"),
    { ready: /ss-server listening/ },
  );
  assert.doesNotMatch(server.output, /no service/);
});

test("deno says that it takes no socket", { skip }, async () => {
  const port = await freePort();
  const { code, output } = await runToEnd(
    activated("deno", port, "-s", `127.0.0.1:${port}`),
    20_000,
  );
  assert.equal(code, 1, output);
  assert.match(
    output,
    /Deno takes no socket of its; use --transport linux, remove the \.socket unit/,
  );
});

function activated(
  runtime: "deno" | "bun",
  port: number,
  ...flags: string[]
): string[] {
  const program = programCommand(runtime, VARIABLES);
  const activate = ["perl", "-e", ACTIVATE, `${port}`];
  return [...activate, ...program, "server", ...FLAGS, ...flags];
}
