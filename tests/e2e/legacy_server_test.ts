/**
 * A server of older protocols as its operator sees it: warned of, with rules,
 * quotas, and a site for strangers.
 *
 * @module
 */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { freePort, Program, runToEnd } from "../support/process.ts";
import { programCommand } from "../support/program_command.ts";
import { ROOT } from "../support/runtimes.ts";
import {
  command,
  digestOf,
  MIB,
  patternDigest,
  Target,
} from "../support/target.ts";
import { type Address, socksConnect } from "../support/tcp.ts";
import { Chain, type End, startLocal, startServer } from "./chain.ts";

const folder = mkdtempSync(join(tmpdir(), "umbra-legacy-"));
after(() => rmSync(folder, { recursive: true, force: true }));

/** Writes a file for a program to read. */
function file(name: string, content: unknown): string {
  const path = join(folder, name);
  const text = typeof content === "string" ? content : JSON.stringify(content);
  writeFileSync(path, text, { mode: 0o600 });
  return path;
}

const SSR = {
  method: "aes-128-ctr",
  password: "of the port",
  flags: ["--allow-legacy", "-O", "auth_aes128_sha1", "-o", "http_simple"],
};

for (const runtime of ["deno", "bun"] as const) {
  test(`${runtime} warns of each method once: at the start, in doctor, in its status`, async () => {
    const [port, other, third, admin] = await Promise.all(
      Array.from({ length: 4 }, () => freePort()),
    );
    const server = { server: "127.0.0.1", password: "p" };
    const config = file(`warned-${runtime}.json`, {
      allow_legacy: true,
      servers: [
        { ...server, server_port: port, method: "aes-256-cfb" },
        { ...server, server_port: other, method: "aes-256-cfb" },
        { ...server, server_port: third, method: "rc4-md5", obfs: "plain" },
      ],
    });
    const program = [...programCommand(runtime)];
    await using running = await Program.start(
      [...program, "server", "-c", config, "--admin", `127.0.0.1:${admin}`],
      { ready: /operator's port on/, cwd: ROOT },
    );
    const told = [...running.output.matchAll(/WARN +legacy: (.*)/g)]
      .map(([, text]) => text!);
    const expected = [
      /^aes-256-cfb does not detect changes of the traffic/,
      /^ShadowsocksR \(rc4-md5, origin, plain\) authenticates little/,
    ];
    assert.equal(told.length, expected.length, told.join("\n"));
    expected.forEach((pattern, i) => assert.match(told[i]!, pattern));

    const answer = await fetch(`http://127.0.0.1:${admin}/api/status`);
    const { legacy } = await answer.json();
    assert.deepEqual(legacy.sort(), ["aes-256-cfb", "rc4-md5"]);

    const doctor = await runToEnd(
      [...program, "doctor", "-c", config, "--role", "server"],
      60_000,
      { cwd: ROOT },
    );
    const found = [...doctor.output.matchAll(/^warn +config +legacy: /gm)];
    assert.equal(found.length, expected.length, doctor.output);
  });

  test(`a legacy port on ${runtime} obeys an ACL, and opens private targets by name alone`, async () => {
    await using target = await Target.start();
    const { port } = target.address;
    const acl = file(`${runtime}.acl`, "[outbound_block_list]\n127.0.0.2\n");
    const options = { method: "aes-256-cfb", flags: ["--allow-legacy"] };
    await using server = await startServer(runtime, {
      ...options,
      flags: [...options.flags, "--acl", acl],
    });
    await using local = await startLocal(runtime, server.address, options);
    assert.equal(await reads(local, target.address), true);
    assert.equal(await reads(local, { host: "127.0.0.2", port }), false);
    await says(server.program, /ERR_(?:POLICY_TARGET|ROUTE_BLOCKED)/);
    // What an ACL allows is still private.
    const open = file(`${runtime}-open.acl`, "[accept_all]\n");
    const closed = await Program.start([
      ...programCommand(runtime),
      ...["server", "-s", `127.0.0.1:${await freePort()}`, "-k", "x"],
      ...["-m", "aes-256-cfb", "--allow-legacy", "--acl", open],
    ], { ready: /listening on/, cwd: ROOT });
    await using _closed = closed;
    const at = Number(/listening on \S*:(\d+)/.exec(closed.output)![1]);
    await using far = await startLocal(
      runtime,
      { host: "127.0.0.1", port: at },
      { ...options, password: "x" },
    );
    assert.equal(await reads(far, target.address), false);
    await says(closed, /ERR_POLICY_TARGET/);
  });

  test(`strangers of a ShadowsocksR port on ${runtime} read a site, and clients go on`, async () => {
    await using target = await Target.start();
    const seen: string[] = [];
    const site = createServer((request, response) => {
      seen.push(`${request.method} ${request.url}`);
      response.end("a site");
    });
    await new Promise<void>((resolve) => site.listen(0, "127.0.0.1", resolve));
    const { port } = site.address() as AddressInfo;
    try {
      const config = file(`redirect-${runtime}.json`, {
        redirect: [`*:*#127.0.0.1:${port}`],
      });
      await using chain = await Chain.start(
        { local: runtime, server: runtime },
        {
          ...{ method: SSR.method, password: SSR.password },
          serverFlags: [...SSR.flags, "-c", config],
          localFlags: SSR.flags,
        },
      );
      const { host, port: at } = chain.server.address;
      const answer = await fetch(`http://${host}:${at}/some/page`);
      assert.equal(await answer.text(), "a site");
      const posted = await fetch(`http://${host}:${at}/`, {
        method: "POST",
        body: "x".repeat(10_000),
      });
      assert.equal(await posted.text(), "a site");
      assert.deepEqual(seen, ["GET /some/page", "POST /"]);
      assert.equal(await reads(chain.local, target.address), true);
      await says(chain.server.program, /ERR_SSR_OBFS/);
    } finally {
      site.closeAllConnections();
      site.close();
    }
  });

  test(`mudb.json on ${runtime}: a port's user has what its quota leaves`, async () => {
    await using target = await Target.start();
    const [port, admin] = await Promise.all([freePort(), freePort()]);
    const mudb = file(`mudb-${runtime}.json`, [{
      ...{ user: "carl", port, passwd: SSR.password, method: SSR.method },
      ...{ protocol: "auth_aes128_sha1", obfs: "http_simple_compatible" },
      ...{ transfer_enable: 4 * MIB, u: MIB, d: MIB, enable: 1 },
    }]);
    await using server = await Program.start([
      ...programCommand(runtime),
      ...["server", "-c", mudb, "--allow-legacy"],
      ...["--allow-private", "127.0.0.1", "--admin", `127.0.0.1:${admin}`],
    ], { ready: /operator's port on/, cwd: ROOT });
    await using local = await startLocal(
      runtime,
      { host: "127.0.0.1", port },
      SSR,
    );
    assert.equal(await reads(local, target.address), true);
    // 1 MiB has passed; 2 more are too many.
    assert.equal(await reads(local, target.address, 2 * MIB), false);
    await says(server, /ERR_POLICY_USER_QUOTA/);
    const answer = await fetch(`http://127.0.0.1:${admin}/api/status`);
    const { servers: [{ users: [user] }] } = await answer.json();
    assert.equal(user.name, "carl");
    assert.equal(user.limits.quotaBytes, 2 * MIB);
    assert.ok(user.usage.bytesDown > MIB, `${user.usage.bytesDown}`);
    assert.ok(user.usage.bytesDown <= 2 * MIB, `${user.usage.bytesDown}`);
  });
}

/** Waits until a program has said it: its log may come later than the end. */
function says(program: Program, pattern: RegExp): Promise<void> {
  return program.waitForOutput(pattern, 15_000);
}

/** True if a target can be read whole through a local. */
async function reads(
  { address }: Pick<End, "address">,
  target: Address,
  length = MIB,
): Promise<boolean> {
  try {
    using stream = await socksConnect(address, target);
    await stream.write(command(`down ${length}`));
    return await digestOf(stream) === patternDigest(length);
  } catch {
    return false;
  }
}
