/**
 * A service manager is notified when everything listens, and the operator when
 * not.
 */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { COMPILERS } from "../support/executables.ts";
import { freePort, Program } from "../support/process.ts";
import { programCommand } from "../support/program_command.ts";
import { within } from "../support/within.ts";

const folder = mkdtempSync(join(tmpdir(), "umbra-notify-"));
after(() => rmSync(folder, { recursive: true, force: true }));

const FLAGS = ["-s", "127.0.0.1", "-k", "x", "-m", "aes-256-gcm"];

for (const runtime of COMPILERS) {
  for (const workers of [1, 2]) {
    test(`${runtime} tells the service manager when ${workers} of its threads listen`, async () => {
      const path = join(folder, `${runtime}-${workers}`);
      const manager = Deno.listenDatagram({ transport: "unixpacket", path });
      const command = programCommand(runtime, { NOTIFY_SOCKET: path });
      const port = await freePort();
      await using program = await Program.start([
        ...[...command, "server", ...FLAGS, "-p", `${port}`],
        ...["--workers", `${workers}`],
      ]);
      const [told] = await within(
        20_000,
        () => `READY=1 of ${program.describe()}`,
        manager.receive(),
      );
      manager.close();
      assert.equal(new TextDecoder().decode(told), "READY=1");
      await program.waitForOutput(
        new RegExp(`(?:listening[^]*){${workers}}`),
        2_000,
      );
      assert.equal(program.output.match(/listening/g)?.length, workers);
    });
  }

  test(`${runtime} tells the operator, when it cannot tell the service manager`, async () => {
    const nowhere = { NOTIFY_SOCKET: join(folder, "nobody") };
    await using program = await Program.start([
      ...programCommand(runtime, nowhere),
      ...["server", ...FLAGS, "-p", `${await freePort()}`],
    ], { ready: /^umbra: Cannot tell the service manager/m });
    await program.waitForOutput(/listening/, 2_000);
  });
}
