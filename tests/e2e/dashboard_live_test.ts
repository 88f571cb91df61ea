/**
 * The dashboard of a running program: a user is added in a browser, connects
 * with what the page shows, and is seen there and in `umbra top`.
 *
 * @module
 */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { formatBytes } from "../../src/admin/units.ts";
import { Chromium, CHROMIUMS } from "../support/chromium.ts";
import { freePort, Program, runToEnd } from "../support/process.ts";
import { announceSkip } from "../support/report.ts";
import { ROOT } from "../support/runtimes.ts";
import { programCommand } from "../support/program_command.ts";
import { socksConnect } from "../support/tcp.ts";
import { command, Target } from "../support/target.ts";
import { missingPrograms } from "./clients.ts";

const skip = missingPrograms(CHROMIUMS, "chromium");
if (skip) announceSkip(`the dashboard of a running program: ${skip}`);

/** Bytes the user sends, and gets back. */
const LENGTH = 3_000_000;

const folder = mkdtempSync(join(tmpdir(), "umbra-dashboard-"));
after(() => rmSync(folder, { recursive: true, force: true }));

for (const runtime of ["deno", "bun"] as const) {
  test(`a user added in the page of ${runtime} connects and is seen`, {
    skip,
  }, async () => {
    const admin = `127.0.0.1:${await freePort()}`;
    await using target = await Target.start();
    await using _server = await startServer(runtime, admin);
    await using browser = await Chromium.start();
    await browser.show({ width: 1_280, height: 900 });
    await browser.open(`http://${admin}/`);
    await browser.until("document.querySelectorAll('#users tbody tr').length");
    await browser.press("n");
    await browser.evaluate(
      "document.querySelector('#add-user [name=name]').value = 'zoë'",
    );
    await browser.press("Enter");
    await browser.until("document.querySelector('#user .qr').naturalWidth > 0");
    const uri = await browser.evaluate<string>(
      "document.querySelector('[name=uri]').value",
    );
    await browser.press("Escape");

    const port = await freePort();
    await using _local = await Program.start([
      ...programCommand(runtime),
      ...["local", uri, "-l", String(port)],
    ], { ready: /listening/, cwd: ROOT });
    using stream = await socksConnect(
      { host: "127.0.0.1", port },
      target.address,
    );
    await stream.write(command("echo"));
    await stream.write(new Uint8Array(LENGTH));
    await stream.readExactly(LENGTH);

    const row = "[...document.querySelectorAll('#users tbody tr')]" +
      ".find((one) => one.cells[0].textContent === 'zoë')";
    await browser.until(
      `${row}?.cells[5].textContent === ${JSON.stringify(formatBytes(LENGTH))}`,
    );
    assert.equal(
      await browser.evaluate(`${row}.cells[1].textContent`),
      "connected",
    );
    assert.deepEqual(browser.errors, []);
    for (const url of browser.requests) {
      assert.ok(url.startsWith(`http://${admin}/`), url);
    }
    const top = await runToEnd(
      [...programCommand(runtime), "top", "--admin", admin],
      20_000,
      { cwd: ROOT },
    );
    assert.equal(top.code, 0, top.output);
    assert.match(top.output, /^zoë +connected/m);
  });
}

/** One with a user of its own, and the operator's port. */
async function startServer(
  runtime: "deno" | "bun",
  admin: string,
): Promise<Program> {
  const path = join(folder, `${runtime}.json`);
  const config = {
    server: "127.0.0.1",
    ["server_port"]: await freePort(),
    method: "2022-blake3-aes-128-gcm",
    password: "wMHCw8TFxsfIycrLzM3Ozw==",
    users: [{ name: "ann", password: "4OHi4+Tl5ufo6err7O3u7w==" }],
    ["allow_private"]: "all",
    admin,
  };
  writeFileSync(path, JSON.stringify(config));
  return await Program.start(
    [...programCommand(runtime), "server", "-c", path],
    { ready: /operator's port on /, cwd: ROOT },
  );
}
