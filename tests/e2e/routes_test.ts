// Keys of configuration files are what they are.
// deno-lint-ignore-file camelcase
/**
 * Routes and ACL files in running programs: which way targets take, what is
 * blocked, what a reload and a published list change.
 *
 * A target is past the server where the server is nowhere to be reached.
 *
 * @module
 */
import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { type AddressInfo, createServer as createTcp } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { freePort, Program } from "../support/process.ts";
import { ROOT } from "../support/runtimes.ts";
import { programCommand } from "../support/program_command.ts";
import { type Address, socksConnect, SocksRefusal } from "../support/tcp.ts";
import { until as untilWithin } from "../support/within.ts";
import { Chain, METHOD, PASSWORD } from "./chain.ts";

const folder = mkdtempSync(join(tmpdir(), "umbra-routes-"));
after(() => rmSync(folder, { recursive: true, force: true }));

/** Answers on every address of this machine, and says so. */
const target = createTcp((socket) => {
  socket.on("error", () => {});
  socket.end("here");
});
target.listen(0, "0.0.0.0");
await once(target, "listening");
after(() => target.close());
const { port } = target.address() as AddressInfo;

const ACL = `[proxy_all]
[bypass_list]
127.1.0.0/16
|localhost
[outbound_block_list]
||ads.test
`;

for (const implementation of ["deno", "bun"] as const) {
  test(`a local on ${implementation} obeys an ACL, and reads it again`, async () => {
    const acl = file(`${implementation}.acl`, ACL);
    const settings = { acl, log_connections: true };
    await using local = await startLocal(implementation, [], settings);
    const { output } = local.program;
    assert.match(output, /compare with its 1 address ranges/);
    assert.equal(await outcome(local.address, "127.1.2.3"), "here");
    await until(() =>
      local.program.output.includes("direct: [bypass_list] ip_cidr")
    );
    assert.match(local.program.output, /connection closed .*route=/);
    assert.equal(await outcome(local.address, "localhost"), "here");
    assert.equal(await outcome(local.address, "x.ads.test"), "REP 2");
    assert.equal(await outcome(local.address, "127.2.0.1"), "REP 5");
    // Its own port is a loop.
    const loop = { host: "localhost", port: local.address.port };
    assert.equal(await outcome(local.address, loop.host, loop.port), "REP 2");
    file(`${implementation}.acl`, ACL.replace("127.1.0.0", "127.2.0.0"));
    local.program.signal("SIGHUP");
    await until(async () =>
      await outcome(local.address, "127.2.0.1") === "here"
    );
    assert.equal(await outcome(local.address, "127.1.2.3"), "REP 5");
    // What cannot be read changes nothing.
    file(`${implementation}.acl`, "[bypas_list]");
    local.program.signal("SIGHUP");
    await until(() => local.program.output.includes("did you mean"));
    assert.equal(await outcome(local.address, "127.2.0.1"), "here");
  });

  test(`a local on ${implementation} follows routes and a published list`, async () => {
    let list = "full:localhost\n";
    let isSilent = false;
    await using site = await publish((response) => {
      if (isSilent) response.destroy();
      else response.end(list);
    });
    const config = {
      routes: [
        { rule_set: "here", to: "direct" },
        { ip_cidr: "127.3.0.0/16", port, to: "direct" },
        { domain_suffix: "ads.test", to: "block" },
      ],
      rule_sets: { here: { url: site.url } },
    };
    const cache = mkdtempSync(join(folder, "cache-"));
    const variables = { XDG_CACHE_HOME: cache };
    {
      await using local = await startLocal(
        implementation,
        [],
        config,
        variables,
      );
      assert.equal(await outcome(local.address, "localhost"), "here");
      assert.equal(await outcome(local.address, "127.3.0.1"), "here");
      assert.equal(await outcome(local.address, "127.1.0.1"), "REP 5");
      assert.equal(await outcome(local.address, "ads.test"), "REP 2");
    }
    // The copy that was kept, while its host is silent.
    isSilent = true;
    list = "";
    {
      await using local = await startLocal(
        implementation,
        [],
        config,
        variables,
      );
      assert.equal(await outcome(local.address, "localhost"), "here");
      await until(() => local.program.output.includes("is not updated"));
    }
    // And what has changed since, without a restart.
    isSilent = false;
    list = "full:other.test\n";
    await using local = await startLocal(implementation, [], config, variables);
    await until(() => local.program.output.includes("has changed"));
    assert.equal(await outcome(local.address, "localhost"), "REP 5");
  });

  test(`a server on ${implementation} obeys an ACL`, async () => {
    const acl = file(
      `server-${implementation}.acl`,
      "[outbound_block_list]\n127.3.0.0/16\n||ads.test\n|localhost\n",
    );
    await using chain = await Chain.start(
      { local: implementation, server: implementation },
      { serverFlags: ["--allow-private", "all", "--acl", acl] },
    );
    const { address } = chain.local;
    assert.equal(await outcome(address, "127.1.0.1"), "here");
    assert.equal(await outcome(address, "127.3.0.1"), "");
    assert.equal(await outcome(address, "localhost"), "");
    file(
      `server-${implementation}.acl`,
      "[reject_all]\n[white_list]\n10.0.0.0/8\n",
    );
    chain.server.program.signal("SIGHUP");
    await until(() => chain.server.program.output.includes("reload"));
    // Silence, as for anybody without a key.
    const silent = outcome(address, "127.1.0.1");
    const first = await Promise.race([
      silent,
      new Promise((resolve) => setTimeout(resolve, 1_500, "silence")),
    ]);
    assert.equal(first, "silence");
    await chain.server[Symbol.asyncDispose]();
    await silent;
  });
}

/** Waits for what a busy machine may take a while for. */
function until(isSo: () => boolean | Promise<boolean>): Promise<void> {
  return untilWithin(15_000, String(isSo), isSo);
}

/** What is read of a target through a local, or why it is refused. */
async function outcome(
  local: Address,
  host: string,
  at = port,
): Promise<string> {
  try {
    using stream = await socksConnect(local, { host, port: at });
    await stream.write(Uint8Array.of(1));
    return new TextDecoder().decode(await stream.readAll());
  } catch (error) {
    if (error instanceof SocksRefusal) return `REP ${error.rep}`;
    return "";
  }
}

function file(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

interface RunningLocal extends AsyncDisposable {
  readonly address: Address;
  readonly program: Program;
}

/** A local whose server is nowhere. */
async function startLocal(
  implementation: "deno" | "bun",
  flags: readonly string[],
  config: object,
  variables: Readonly<Record<string, string>> = {},
): Promise<RunningLocal> {
  const address = { host: "127.0.0.1", port: await freePort() };
  const path = file(
    `${address.port}.json`,
    JSON.stringify({
      server: "127.0.0.1",
      "server_port": await freePort(),
      "local_port": address.port,
      method: METHOD,
      password: PASSWORD,
      ...config,
    }),
  );
  const program = await Program.start(
    [
      ...programCommand(implementation, variables),
      "local",
      "-c",
      path,
      ...flags,
    ],
    { ready: /listening on/, cwd: ROOT },
  );
  return {
    address,
    program,
    [Symbol.asyncDispose]: async (): Promise<void> => {
      await program.stop(300);
    },
  };
}

interface Site extends AsyncDisposable {
  readonly url: string;
}

async function publish(
  answer: (response: { end(text: string): void; destroy(): void }) => void,
): Promise<Site> {
  const server = createServer((_, response) => answer(response));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/list`,
    [Symbol.asyncDispose]: (): Promise<void> => {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}
