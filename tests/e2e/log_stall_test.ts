/**
 * A log whose reader has stopped: the server goes on, and says afterwards how
 * many lines were lost.
 *
 * @module
 */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { test } from "node:test";
import { freePort, waitForPort } from "../support/process.ts";
import { ROOT } from "../support/runtimes.ts";
import { programCommand } from "../support/program_command.ts";
import { TcpStream } from "../support/tcp.ts";
import { until } from "../support/within.ts";
import { METHOD, OURS, PASSWORD } from "./chain.ts";

/** Each leaves a line of some 150 bytes: more than pipe and writer hold. */
const CONNECTIONS = 3_000;

/** Connections at once. */
const AT_ONCE = 20;

for (const runtime of OURS) {
  test(`${runtime} goes on, when the reader of its log stops, and tells what was lost`, async () => {
    const port = await freePort();
    const [program, ...flags] = programCommand(runtime);
    const child = spawn(program!, [
      ...flags,
      ...["server", "-s", `127.0.0.1:${port}`, "-k", PASSWORD, "-m", METHOD],
      "--log-connections",
    ], { cwd: ROOT, stdio: ["ignore", "ignore", "pipe"] });
    const exited = new Promise((resolve) => child.once("exit", resolve));
    try {
      await waitForPort(port);
      for (let i = 0; i < CONNECTIONS; i += AT_ONCE) {
        await Promise.all(
          Array.from({ length: AT_ONCE }, () => leave(port)),
        );
      }
      let output = "";
      child.stderr.setEncoding("utf8");
      child.stderr.on("data", (text: string) => output += text);
      // Those of the test, and the one that waited for the port.
      const expected = CONNECTIONS + 1;
      const lost = (): number => Number(/ lost=(\d+)/.exec(output)?.[1] ?? 0);
      const written = (): number =>
        output.match(/client left before/g)?.length ?? 0;
      await until(
        10_000,
        "the log has every line, or tells that it was lost",
        () => lost() + written() === expected,
      );
      assert.ok(lost() > 0);
    } finally {
      child.kill("SIGTERM");
      child.stderr.resume();
      await exited;
    }
  });
}

/** Connects, and leaves; the server has closed its side in the end. */
async function leave(port: number): Promise<void> {
  using stream = await TcpStream.connect({ host: "127.0.0.1", port });
  stream.end();
  assert.equal(await stream.read(10_000), undefined);
}
