/**
 * What `systemctl restart` does with the unit of `umbra init`, on a machine
 * without systemd: the main process is ended, and the same command is run again
 * as soon as it is gone. Under a load of new connections none is refused, a
 * download goes on to its end, and the operator's port is the new server's.
 *
 * The file runs twice: outside it starts itself in a network namespace of its
 * own, where the system may move connections from one listener to another.
 *
 * @module
 */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import { initFiles, UNIT_FILE } from "../../src/cli/init/init_files.ts";
import { findMethod } from "../../src/crypto/method.ts";
import { systemRandomBytes } from "../../src/random.ts";
import { freePort, Program, runToEnd } from "../support/process.ts";
import { programCommand } from "../support/program_command.ts";
import { announceSkip } from "../support/report.ts";
import { denoPath, ROOT } from "../support/runtimes.ts";
import { command, digestOf, patternDigest, Target } from "../support/target.ts";
import { socksConnect } from "../support/tcp.ts";
import { execStart } from "../support/unit_file.ts";
import { pause, until, within } from "../support/within.ts";
import { METHOD, PASSWORD, startLocal } from "./chain.ts";

const INSIDE = "UMBRA_TEST_NAMESPACE";
const UNSHARE = ["unshare", "--map-root-user", "--net"];

/** What `umbra init --install` sets. */
const SETUP =
  "ip link set lo up && echo 1 > /proc/sys/net/ipv4/tcp_migrate_req";

/** Applications that connect one time after the other. */
const CLIENTS = 8;

/** A download that is not read before the restart; no buffer holds it. */
const LENGTH = 40_000_000;

if (process.env[INSIDE] === undefined) outside();
else inside();

function outside(): void {
  const { status } = spawnSync(UNSHARE[0]!, [
    ...UNSHARE.slice(1),
    ...["sh", "-c", SETUP],
  ]);
  const skip = status !== 0 &&
    "restart: needs network namespaces, iproute2 and Linux 5.14 " +
      "(apt-get install -y iproute2 util-linux, and the right to unshare)";
  if (skip) announceSkip(skip);
  test("a restart by the unit loses no client", { skip }, async () => {
    const { code, output } = await runToEnd(
      [
        ...UNSHARE,
        ...["sh", "-c", `${SETUP} && exec "$0" "$@"`],
        ...[denoPath()!, "test", "-A", fileURLToPath(import.meta.url)],
      ],
      120_000,
      { env: { ...process.env, [INSIDE]: "1" } },
    );
    assert.equal(code, 0, output);
    assert.match(output, /[1-9]\d* passed/);
  });
}

function inside(): void {
  const folder = mkdtempSync(join(tmpdir(), "umbra-restart-"));
  after(() => rmSync(folder, { recursive: true, force: true }));
  for (const runtime of ["deno", "bun"] as const) {
    test(`a restart of the unit loses no client, on ${runtime}`, async () => {
      await using target = await Target.start();
      const [port, admin] = [await freePort(), await freePort()];
      const { files } = initFiles(
        {
          ...{ host: "127.0.0.1", port, users: ["me"] },
          method: findMethod(METHOD),
        },
        {
          ...{ listen: "127.0.0.1", folder, adminPort: admin },
          program: programCommand(runtime),
        },
        systemRandomBytes,
      );
      const text = JSON.stringify({
        ...{ server: "127.0.0.1", ["server_port"]: port, method: METHOD },
        ...{ password: PASSWORD, mode: "tcp_and_udp" },
        ...{ admin: `127.0.0.1:${admin}`, ["allow_private"]: "127.0.0.1" },
      });
      writeFileSync(join(folder, "server.json"), text, { mode: 0o600 });
      const unit = execStart(files.get(UNIT_FILE)!);
      const start = (): Promise<Program> =>
        Program.start(unit, { cwd: ROOT, ready: /listening on/ });

      await using old = await start();
      const [oldServer] = childrenOf(old.pid);
      using _end = killed(oldServer!);
      await using local = await startLocal("deno", {
        host: "127.0.0.1",
        port,
      });
      using download = await socksConnect(local.address, target.address);
      await download.write(command(`down ${LENGTH}`));
      let over = false;
      let served = 0;
      const clients = Promise.all(Array.from({ length: CLIENTS }, async () => {
        while (!over) {
          using stream = await socksConnect(local.address, target.address);
          const line = command("echo");
          await stream.write(line);
          await stream.write(line);
          assert.deepEqual(await stream.readExactly(line.length), line);
          served++;
        }
      }));
      clients.catch(() => {});
      await pause(500);
      const startedBefore = await startOf(admin);

      old.signal("SIGTERM");
      // What it has started holds its pipes, but systemd looks at processes.
      await until(1_000, "the shell has ended", () => !isRunning(old.pid));
      assert.ok(isRunning(oldServer!));
      await using next = await start();
      using _ends = killed(childrenOf(next.pid)[0]!);
      // The unit drains for 5 s; then the ports are the new server's.
      // Sockets of our own share the UDP port from the start.
      if (/another process has the UDP port/.test(next.output)) {
        await next.waitForOutput(/UDP port taken over/, 15_000);
      }
      const before = served;
      await until(
        15_000,
        "the operator's port is the new server's",
        async () => await startOf(admin) > startedBefore,
      );
      await pause(500);
      over = true;
      await within(10_000, () => next.describe(), clients);
      assert.ok(served > before, `${before}, then ${served}`);

      const digest = await digestOf(download);
      assert.equal(digest, patternDigest(LENGTH), "the old one serves its own");
      download.end();
      await until(
        10_000,
        "the old server has ended",
        () => !isRunning(oldServer!),
      );
      assert.doesNotMatch(local.program.output, /WARN|ERROR/);
    });
  }
}

/** When the server of an operator's port was started; 0 where none answers. */
async function startOf(admin: number): Promise<number> {
  const answer = await fetch(`http://127.0.0.1:${admin}/api/status`)
    .catch(() => undefined);
  return answer === undefined ? 0 : (await answer.json()).startedUnixMs;
}

function childrenOf(pid: number): number[] {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim()
    .split(" ").map(Number);
}

function isRunning(pid: number): boolean {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
  } catch {
    return false;
  }
}

/** What the shell has left to itself ends with the test. */
function killed(pid: number): Disposable {
  return {
    [Symbol.dispose](): void {
      if (isRunning(pid)) process.kill(pid, "SIGKILL");
    },
  };
}
