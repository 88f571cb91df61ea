/**
 * A running server and its operator: users come, change and go through both
 * management APIs while traffic flows, and servers through the protocol of
 * `ss-manager`.
 *
 * @module
 */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { utf8 } from "../support/bytes.ts";
import { freePort, Program, runToEnd } from "../support/process.ts";
import { ROOT } from "../support/runtimes.ts";
import { programCommand } from "../support/program_command.ts";
import { type Address, socksConnect } from "../support/tcp.ts";
import { command, Target } from "../support/target.ts";
import { UdpSocket } from "../support/udp.ts";
import { until, within } from "../support/within.ts";
import { End, startLocal, startServer } from "./chain.ts";

const METHOD = "2022-blake3-aes-128-gcm";
const SERVER_KEY = "wMHCw8TFxsfIycrLzM3Ozw==";
const ANN_KEY = "4OHi4+Tl5ufo6err7O3u7w==";

/** Users each of the two APIs makes. */
const USERS = 25;

/** Bytes each of the users who connect sends, and gets back. */
const LENGTH = 100_000;

const folder = mkdtempSync(join(tmpdir(), "umbra-operator-"));
after(() => rmSync(folder, { recursive: true, force: true }));

for (const runtime of ["deno", "bun"] as const) {
  test(`fifty users come and go on ${runtime} while traffic flows`, async () => {
    await using target = await Target.start();
    const { server, api } = await startOperated(runtime);
    await using _server = server;
    await using ann = await connectAs(ANN_KEY, server.address);
    let over = false;
    const traffic = keepTalking(ann.address, target.address, () => over);
    traffic.catch(() => {});

    const own = `/api/servers/${server.address.port}/users`;
    const ssm = `/api/ssm/v1/servers/${server.address.port}`;
    for (let i = 0; i < USERS; i++) {
      await api("POST", own, { name: `own-${i}`, password: keyOf(i) });
      const uPSK = keyOf(USERS + i);
      await api("POST", `${ssm}/users`, { username: `ssm-${i}`, uPSK });
    }
    const { users } = await api("GET", own);
    assert.equal(users.length, 1 + 2 * USERS);

    for (const [name, key] of [["own-3", keyOf(3)], ["ssm-4", keyOf(29)]]) {
      await using local = await connectAs(key!, server.address);
      using stream = await socksConnect(local.address, target.address);
      const ask = command("echo");
      await stream.write(ask);
      await stream.write(new Uint8Array(LENGTH));
      await stream.readExactly(LENGTH);
      const { usage } = await api("GET", `${own}/${name}`);
      assert.deepEqual(
        [usage.bytesUp, usage.bytesDown, usage.open],
        [ask.length + LENGTH, LENGTH, 1],
      );
      const stats = await api("GET", `${ssm}/users/${name}`);
      assert.equal(stats.downlinkBytes, LENGTH);
      const path = (await api("GET", `${own}/${name}/uri`)).sip008;
      assert.equal(
        (await api("GET", path)).bytes_used,
        ask.length + 2 * LENGTH,
      );
      await api("PATCH", `${own}/${name}`, { disabled: true });
      // The end of a connection, or a reset: either is an end.
      const ended = stream.readAll().catch(() => {});
      await within(5_000, `the end of ${name}, now disabled`, ended);
    }
    for (let i = 0; i < USERS; i++) {
      await api("PATCH", `${own}/own-${i}`, { limits: { quotaBytes: i } });
      await api("DELETE", `${own}/own-${i}`);
      await api("PUT", `${ssm}/users/ssm-${i}`, { uPSK: keyOf(100 + i) });
      await api("DELETE", `${ssm}/users/ssm-${i}`);
    }
    over = true;
    const sent = await within(5_000, "the traffic's end", traffic);
    const [left, ...others] = (await api("GET", own)).users;
    assert.deepEqual([left.name, others], ["ann", []]);
    assert.deepEqual([left.usage.bytesUp, left.usage.bytesDown], [
      sent + command("echo").length,
      sent,
    ]);
    assert.ok(sent > 0);
    assert.doesNotMatch(server.program.output, /ERROR/);
    assert.doesNotMatch(
      server.program.output,
      new RegExp(`${keyOf(3)}|${ANN_KEY}`),
    );
  });

  test(`the manager adds a server on ${runtime} and removes it`, async () => {
    await using target = await Target.start();
    const manager = { host: "127.0.0.1", port: await freePort() };
    await using server = await startServer(runtime, {
      flags: ["--manager", `127.0.0.1:${manager.port}`],
    });
    await server.program.waitForOutput(/ss-manager/, 5_000);
    using client = await UdpSocket.bind();
    const ask = async (request: string): Promise<string> => {
      await client.send(utf8(request), manager);
      return new TextDecoder().decode((await client.receive()).payload);
    };
    const port = await freePort();
    const added = { host: "127.0.0.1", port };
    const portAnd = (number: number, password: string): string =>
      JSON.stringify({ ["server_port"]: number, password });
    const fields = portAnd(port, "managed");
    assert.equal(await ask(`add: ${fields}`), "ok");
    assert.match(
      await ask("list"),
      new RegExp(`"${port}","password":"managed"`),
    );
    await using local = await startLocal(runtime, added, {
      password: "managed",
    });
    using stream = await socksConnect(local.address, target.address);
    const line = command("echo");
    await stream.write(line);
    await stream.write(line);
    await stream.readExactly(line.length);
    const stat = JSON.parse((await ask("ping")).slice("stat: ".length));
    assert.equal(stat[port], 3 * line.length);
    assert.equal(await ask(`add: ${portAnd(port, "other")}`), "ok");
    assert.match(await ask("list"), new RegExp(`"${port}","password":"other"`));
    const taken = portAnd(target.address.port, "p");
    assert.equal(await ask(`add: ${taken}`), "port is not available");
    assert.equal(await ask(`remove: ${fields}`), "ok");
    assert.equal(await ask("list"), "[\n]");
    await until(5_000, "the port is closed", () => isClosed(added));
  });

  test(`the operator's port of ${runtime} resets none of 1,500 requests, one after the other`, async () => {
    const { server, admin } = await startOperated(runtime);
    await using _server = server;
    const outcomes = { answered: 0, reset: 0 };
    for (let i = 0; i < 1_500; i++) outcomes[await beginOf(admin)]++;
    assert.deepEqual(outcomes, { answered: 1_500, reset: 0 });
  });

  test(`the operator's port of ${runtime} is not open to others without a token`, async () => {
    const { code, output } = await runToEnd(
      [...programCommand(runtime), "server", "-s", "127.0.0.1:0", "-k", "x"]
        .concat("--admin", "0.0.0.0:0"),
      10_000,
      { cwd: ROOT },
    );
    assert.equal(code, 2, output);
    assert.match(output, /--admin-token-file/);
    assert.doesNotMatch(output, /listening/);
  });
}

/** A server of one user, with the operator's port. */
async function startOperated(runtime: "deno" | "bun"): Promise<{
  server: End;
  admin: number;
  // deno-lint-ignore no-explicit-any -- whatever was sent, for assertions
  api(method: string, path: string, body?: unknown): Promise<any>;
}> {
  const address = { host: "127.0.0.1", port: await freePort() };
  const admin = await freePort();
  const path = join(folder, `${runtime}.json`);
  const config = {
    server: address.host,
    ["server_port"]: address.port,
    method: METHOD,
    password: SERVER_KEY,
    users: [{ name: "ann", password: ANN_KEY }],
    ["allow_private"]: "all",
    admin: `127.0.0.1:${admin}`,
  };
  writeFileSync(path, JSON.stringify(config));
  const program = await Program.start(
    [...programCommand(runtime), "server", "-c", path],
    { ready: /operator's port on /, cwd: ROOT },
  );
  return {
    server: new End(address, program),
    admin,
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

/** Asks on a connection of its own, which it closes as soon as answers begin. */
async function beginOf(port: number): Promise<"answered" | "reset"> {
  const socket = connect(port, "127.0.0.1");
  const { promise: begun, resolve } = Promise.withResolvers<
    "answered" | "reset"
  >();
  socket.once("data", () => resolve("answered"));
  socket.once("error", () => resolve("reset"));
  socket.once("close", () => resolve("reset"));
  socket.write(
    "POST /api/reload HTTP/1.1\r\nHost: localhost\r\n" +
      "Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{}",
  );
  try {
    return await within(5_000, "an answer", begun);
  } finally {
    socket.destroy();
  }
}

/** Somebody's local; on the faster runtime. */
function connectAs(key: string, server: Address): Promise<End> {
  const password = `${SERVER_KEY}:${key}`;
  return startLocal("bun", server, { method: METHOD, password });
}

/** One connection that is never silent; returns how much came back. */
async function keepTalking(
  local: Address,
  target: Address,
  isOver: () => boolean,
): Promise<number> {
  using stream = await socksConnect(local, target);
  await stream.write(command("echo"));
  const part = new Uint8Array(1_000);
  let sent = 0;
  while (!isOver()) {
    await stream.write(part);
    await stream.readExactly(part.length);
    sent += part.length;
  }
  return sent;
}

function keyOf(seed: number): string {
  return new Uint8Array(16).fill(seed + 1).toBase64();
}

function isClosed({ host, port }: Address): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port });
    socket.once("error", () => resolve(true));
    socket.once("connect", () => {
      socket.destroy();
      resolve(false);
    });
  });
}
