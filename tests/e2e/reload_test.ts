/**
 * A reload every second under 200 downloads: users, limits and ports change,
 * and not one download breaks.
 *
 * `UMBRA_RELOAD_SECONDS=60` makes it as long as a minute.
 *
 * @module
 */
import assert from "node:assert/strict";
import { mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { after, test } from "node:test";
import { freePort, Program } from "../support/process.ts";
import { ROOT } from "../support/runtimes.ts";
import { programCommand, transportFlags } from "../support/program_command.ts";
import { socksConnect } from "../support/tcp.ts";
import { command, digestOf, patternDigest, Target } from "../support/target.ts";
import { within } from "../support/within.ts";
import { End, startLocal } from "./chain.ts";

const SECONDS = Number(process.env["UMBRA_RELOAD_SECONDS"] ?? 8);
const DOWNLOADS = 200;

/** What all downloads share; it makes them last as long as the reloads. */
const BYTES_PER_SECOND = 4_000_000;
const LENGTH = Math.floor(SECONDS * BYTES_PER_SECOND / DOWNLOADS);

const METHOD = "2022-blake3-aes-128-gcm";
const SERVER_KEY = "wMHCw8TFxsfIycrLzM3Ozw==";
const ANN_KEY = "4OHi4+Tl5ufo6err7O3u7w==";
const EVE_KEY = "gIGCg4SFhoeIiYqLjI2Ojw==";

const folder = mkdtempSync(join(tmpdir(), "umbra-reload-"));
after(() => rmSync(folder, { recursive: true, force: true }));

for (const implementation of ["deno", "bun"] as const) {
  const name = `${DOWNLOADS} downloads on ${implementation} do not notice ` +
    "a reload every second";
  test(name, async () => {
    await using target = await Target.start();
    const address = { host: "127.0.0.1", port: await freePort() };
    const path = join(folder, `${implementation}.json`);
    const ports = [address.port, await freePort()];
    writeConfig(path, ports, 0);
    const program = await Program.start(
      [
        ...programCommand(implementation),
        "server",
        ...transportFlags(implementation),
        "-c",
        path,
      ],
      { ready: /listening on [^]*listening on /, cwd: ROOT },
    );
    await using _server = new End(address, program);
    await using local = await startLocal(implementation, address, {
      method: METHOD,
      password: `${SERVER_KEY}:${ANN_KEY}`,
    });
    const digest = patternDigest(LENGTH);
    const startMs = performance.now();
    const downloads = Promise.all(
      Array.from({ length: DOWNLOADS }, async () => {
        using stream = await socksConnect(local.address, target.address);
        await stream.write(command(`down ${LENGTH}`));
        return await digestOf(stream);
      }),
    );
    let done = false;
    downloads.finally(() => done = true).catch(() => {});
    let reloads = 0;
    while (!done && reloads < 2 * SECONDS) {
      await new Promise((resolve) => setTimeout(resolve, 1_000));
      writeConfig(path, ports, ++reloads);
      program.signal("SIGHUP");
    }
    const digests = await within(10_000, () => program.describe(), downloads);
    const seconds = (performance.now() - startMs) / 1_000;
    assert.deepEqual(new Set(digests), new Set([digest]), program.describe());
    assert.ok(reloads >= SECONDS - 2, `${reloads} reloads`);
    assert.ok(
      seconds > 0.9 * SECONDS && seconds < 1.3 * SECONDS + 2,
      `${seconds} s at the rate of ${SECONDS} s`,
    );
    const taken =
      program.output.match(/reload: .* max_connections \d+, was \d+/g) ?? [];
    assert.ok(taken.length >= reloads - 1, program.describe());
    assert.doesNotMatch(program.output, /WARN|ERROR/);
  });
}

/** Every second turn has another user and another second port. */
function writeConfig(path: string, ports: number[], turn: number): void {
  const [first, second] = ports;
  const ann = {
    name: "ann",
    password: ANN_KEY,
    "bytes_per_second": BYTES_PER_SECOND,
    "max_connections": 1_000 + turn,
  };
  const eve = { name: "eve", password: EVE_KEY };
  const users = turn % 2 === 0 ? [ann] : [ann, eve];
  const server = { server: "127.0.0.1", password: SERVER_KEY, users };
  const config = {
    method: METHOD,
    "allow_private": "all",
    servers: [
      { ...server, server_port: first },
      ...turn % 2 === 0 ? [{ ...server, server_port: second }] : [],
    ],
  };
  writeFileSync(`${path}.new`, JSON.stringify(config), { mode: 0o600 });
  renameSync(`${path}.new`, path);
}
