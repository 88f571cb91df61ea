/**
 * kill -9 under traffic: the next start has every user as the API left it, and
 * of the counts no more is missing than of the last five seconds.
 *
 * @module
 */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { freePort, Program } from "../support/process.ts";
import { ROOT } from "../support/runtimes.ts";
import { programCommand } from "../support/program_command.ts";
import { type Address, socksConnect } from "../support/tcp.ts";
import { command, Target } from "../support/target.ts";
import { startLocal } from "./chain.ts";

const METHOD = "aes-256-gcm";

/** What may be lost, as docs/decisions/0041 has it. */
const FLUSH_MS = 5_000;

/** Long enough for one flush, short enough for no second one. */
const TALK_MS = FLUSH_MS + 1_500;

/** What the machine may be late by. */
const SLACK_MS = 1_000;

/** Bytes of one message, which comes back. */
const LENGTH = 10_000;

const LIMITS = { quotaBytes: 10_000_000_000, maxHosts: 3 };

const folder = mkdtempSync(join(tmpdir(), "umbra-kill-"));
after(() => rmSync(folder, { recursive: true, force: true }));

for (const runtime of ["deno", "bun"] as const) {
  test(`kill -9 takes five seconds of counts from ${runtime} at most, and no user`, async () => {
    await using target = await Target.start();
    const { address, start, api } = await configure(runtime);
    const users = `/api/servers/${address.port}/users`;

    await using victim = await start();
    for (const name of ["bob", "eve", "mallory"]) {
      await api("POST", users, { name, password: `${name}'s`, limits: LIMITS });
    }
    await api("DELETE", `${users}/eve`);
    await api("PATCH", `${users}/mallory`, { disabled: true });
    await using local = await startLocal("bun", address, {
      method: METHOD,
      password: "bob's",
    });
    /** Bytes that had come back, by the time of it. */
    const history: { readonly atMs: number; readonly bytes: number }[] = [];
    {
      using stream = await socksConnect(local.address, target.address);
      await stream.write(command("echo"));
      const endMs = performance.now() + TALK_MS;
      for (let bytes = 0; performance.now() < endMs;) {
        await stream.write(new Uint8Array(LENGTH));
        await stream.readExactly(LENGTH);
        bytes += LENGTH;
        history.push({ atMs: performance.now(), bytes });
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
      victim.signal("SIGKILL");
      assert.equal((await victim.exited).signal, "SIGKILL");
    }

    await using _again = await start();
    const found = (await api("GET", users)).users;
    assert.deepEqual(
      found.map(({ name, disabled, limits }: Record<string, unknown>) => [
        name,
        disabled,
        limits,
      ]),
      [["ann", false, {}], ["bob", false, LIMITS], ["mallory", true, LIMITS]],
    );
    const kept = found[1].usage.bytesDown;
    const last = history.at(-1)!;
    const sure = history.findLast(({ atMs }) =>
      atMs < last.atMs - FLUSH_MS - SLACK_MS
    );
    assert.ok(
      sure !== undefined && sure.bytes > 0,
      "the traffic was too short",
    );
    assert.ok(kept >= sure.bytes, `${kept} of ${sure.bytes} are kept`);
    assert.ok(kept <= last.bytes, `${kept}, but ${last.bytes} came`);

    // And life goes on, from there.
    using stream = await socksConnect(local.address, target.address);
    await stream.write(command(`down ${LENGTH}`));
    assert.equal((await stream.readAll()).length, LENGTH);
    const { usage } = await api("GET", `${users}/bob`);
    assert.equal(usage.bytesDown, kept + LENGTH);
  });
}

interface Configured {
  readonly address: Address;
  start(): Promise<Program>;
  // deno-lint-ignore no-explicit-any -- whatever was sent, for assertions
  api(method: string, path: string, body?: unknown): Promise<any>;
}

/** A server with a store and an operator's port; started again and again. */
async function configure(runtime: "deno" | "bun"): Promise<Configured> {
  const address = { host: "127.0.0.1", port: await freePort() };
  const admin = await freePort();
  const path = join(folder, `${runtime}.json`);
  const config = {
    server: address.host,
    ["server_port"]: address.port,
    method: METHOD,
    users: [{ name: "ann", password: "ann's" }],
    ["allow_private"]: "all",
    admin: `127.0.0.1:${admin}`,
    store: `${runtime}.db`,
  };
  writeFileSync(path, JSON.stringify(config), { mode: 0o600 });
  return {
    address,
    start: () =>
      Program.start([...programCommand(runtime), "server", "-c", path], {
        ready: /operator's port on /,
        cwd: ROOT,
      }),
    api: async (method, path, body) => {
      const response = await fetch(`http://127.0.0.1:${admin}${path}`, {
        method,
        ...body !== undefined && {
          headers: { "content-type": "application/json" },
          body: JSON.stringify(body),
        },
      });
      const text = await response.text();
      assert.ok(response.ok, `${method} ${path}: ${text}`);
      return text === "" ? undefined : JSON.parse(text);
    },
  };
}
