/**
 * `umbra tunnel`: one port that leads to one target, with our server and with
 * libev's.
 *
 * @module
 */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { freePort, Program } from "../support/process.ts";
import { ROOT } from "../support/runtimes.ts";
import { programCommand } from "../support/program_command.ts";
import { command, Target } from "../support/target.ts";
import { TcpStream } from "../support/tcp.ts";
import {
  IMPLEMENTATIONS,
  LIBEV_SKIP,
  METHOD,
  PASSWORD,
  startServer,
} from "./chain.ts";

for (const runtime of ["deno", "bun"] as const) {
  for (const server of IMPLEMENTATIONS) {
    test(`tunnel ${runtime} → ${server} leads to its target`, {
      skip: server === "libev" && LIBEV_SKIP,
    }, async () => {
      await using target = await Target.start();
      await using end = await startServer(server);
      const port = await freePort();
      await using _tunnel = await Program.start([
        ...[...programCommand(runtime), "tunnel"],
        ...["-L", `localhost:${target.address.port}`, "-l", `${port}`],
        ...["-s", `127.0.0.1:${end.address.port}`],
        ...["-k", PASSWORD, "-m", METHOD],
      ], { ready: /ss-tunnel listening on \S+, to localhost:/, cwd: ROOT });
      const bytes = new Uint8Array(1_000_000).map((_, i) => i * 7);
      using stream = await TcpStream.connect({ host: "127.0.0.1", port });
      await stream.write(command(`up ${bytes.length}`));
      await stream.write(bytes);
      const digest = new TextDecoder().decode(await stream.readAll());
      assert.equal(digest, createHash("sha256").update(bytes).digest("hex"));
    });
  }
}
