/**
 * The invitations of a running server: found by the address that `umbra user`
 * prints, inside TLS, and what they give to apps works there: sing-box,
 * shadowsocks-rust and mihomo reach a target with it.
 *
 * @module
 */
import assert from "node:assert/strict";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import type { IncomingMessage } from "node:http";
import { get } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { makeCertificate } from "../support/certificate.ts";
import {
  freePort,
  Program,
  runToEnd,
  waitForPort,
} from "../support/process.ts";
import { programCommand } from "../support/program_command.ts";
import { announceSkip } from "../support/report.ts";
import { ROOT } from "../support/runtimes.ts";
import { command, Target } from "../support/target.ts";
import { type Address, socksConnect } from "../support/tcp.ts";
import { until } from "../support/within.ts";
import { peerProgram, peerSkip, startParty } from "./peers.ts";

const folder = mkdtempSync(join(tmpdir(), "umbra-invite-"));
after(() => rmSync(folder, { recursive: true, force: true }));
makeCertificate(folder);

const skip = peerSkip("sing-box") || peerSkip("shadowsocks-rust");
if (skip) announceSkip(skip);

const mihomoSkip = !existsSync(peerProgram("mihomo")) &&
  `${peerProgram("mihomo")} is not there: run .ci/peers`;
if (mihomoSkip) announceSkip(mihomoSkip);

for (const runtime of ["deno", "bun"] as const) {
  test(`an invitation of ${runtime} connects sing-box and shadowsocks-rust`, {
    skip,
  }, async () => {
    await using target = await Target.start();
    await using inviting = await Inviting.start(runtime);
    const { address, admin, server } = inviting;

    const page = await fetchText(address, { accept: "text/html" });
    assert.match(page, /<svg role="img"/);

    const profile = await fetchText(address, { "user-agent": "SFA sing-box" });
    const file = join(folder, `${runtime}-profile.json`);
    writeFileSync(file, profile);
    const checked = await runToEnd(
      [peerProgram("sing-box"), "check", "-c", file],
      20_000,
    );
    assert.equal(checked.code, 0, checked.output);
    const singBoxPort = await freePort();
    {
      // The tunnel of the profile needs root.
      await using local = await startParty("sing-box", "local", singBoxPort, {
        log: { level: "warn" },
        inbounds: [{
          ...{ type: "socks", listen: "127.0.0.1" },
          ["listen_port"]: singBoxPort,
        }],
        outbounds: [JSON.parse(profile).outbounds[0]],
      });
      await echo(local.address, target.address);
    }

    const rustPort = await freePort();
    const path = new URL(address).pathname.replace("/invite/", "/sip008/");
    await using local = await startParty(
      "shadowsocks-rust",
      "local",
      rustPort,
      {
        ...{ ["local_address"]: "127.0.0.1", ["local_port"]: rustPort },
        ["online_config"]: {
          ["config_url"]: `http://127.0.0.1:${admin}${path}`,
        },
      },
    );
    await echo(local.address, target.address);
    const secret = path.split(".").at(-1)!;
    assert.ok(!server.output.includes(secret), "the path is in the log");
  });
}

test("the Clash form of an invitation connects mihomo", {
  skip: mihomoSkip,
}, async () => {
  await using target = await Target.start();
  await using inviting = await Inviting.start("bun");
  const profile = await fetchText(inviting.address, {
    "user-agent": "clash.meta",
  });
  const work = join(folder, "mihomo");
  mkdirSync(work);
  const port = await freePort();
  const file = join(work, "config.yaml");
  // The profile has no port for programs, because apps choose their own.
  writeFileSync(file, `mixed-port: ${port}\n${profile}`);
  const words = [peerProgram("mihomo"), "-d", work, "-f", file];
  const checked = await runToEnd([...words, "-t"], 20_000);
  assert.equal(checked.code, 0, checked.output);
  assert.match(checked.output, /test is successful/);
  await using mihomo = await Program.start(words);
  await waitForPort(port);
  // The program accepts connections shortly before it serves them.
  const address = { host: "127.0.0.1", port };
  await until(
    10_000,
    `an echo through ${mihomo.describe()}`,
    () => echo(address, target.address).then(() => true, () => false),
  );
  assert.doesNotMatch(mihomo.output, /level=(?:error|fatal)/);
});

/** A server with a port for invitations, and one user of it. */
class Inviting implements AsyncDisposable {
  readonly server: Program;
  /** Address of the user's invitation, as `umbra user link` prints it. */
  readonly address: string;
  /** The operator's port. */
  readonly admin: number;

  private constructor(server: Program, address: string, admin: number) {
    this.server = server;
    this.address = address;
    this.admin = admin;
  }

  static async start(runtime: "deno" | "bun"): Promise<Inviting> {
    const [invite, admin] = [await freePort(), await freePort()];
    const config = join(folder, `${runtime}.json`);
    const text = JSON.stringify({
      ...{ server: "127.0.0.1", ["server_port"]: await freePort() },
      ...{ method: "2022-blake3-aes-128-gcm", mode: "tcp_and_udp" },
      password: "wMHCw8TFxsfIycrLzM3Ozw==",
      users: [{ name: "ann", password: "4OHi4+Tl5ufo6err7O3u7w==" }],
      admin: `127.0.0.1:${admin}`,
      invite: `127.0.0.1:${invite}`,
      ...{ ["invite_cert"]: "server.pem", ["invite_key"]: "server.key" },
      ["allow_private"]: "127.0.0.1",
    });
    writeFileSync(config, text, { mode: 0o600 });
    await using owned = new AsyncDisposableStack();
    const server = owned.use(
      await Program.start(
        [...programCommand(runtime), "server", "-c", config],
        { cwd: ROOT, ready: /invitations on https:/ },
      ),
    );
    const { code, output } = await runToEnd(
      [...programCommand(runtime), "user", "link", "ann", "-c", config],
      20_000,
      { cwd: ROOT },
    );
    assert.equal(code, 0, output);
    const address = output.trim().split("\n").at(-1)!;
    assert.ok(address.startsWith(`https://127.0.0.1:${invite}/invite/`));
    owned.move();
    return new Inviting(server, address, admin);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.server.stop();
  }
}

/** Sends a text to the target through a local and checks the echo. */
async function echo(local: Address, target: Address): Promise<void> {
  using stream = await socksConnect(local, target);
  const line = command("echo");
  await stream.write(line);
  await stream.write(line);
  assert.deepEqual(await stream.readExactly(line.length), line);
}

function fetchText(
  address: string,
  headers: Readonly<Record<string, string>>,
): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const take = (answer: IncomingMessage): void => {
    let text = "";
    answer.setEncoding("utf8");
    answer.on("data", (part: string) => text += part);
    answer.once("end", () => resolve(text));
  };
  const request = get(
    address,
    { headers, agent: false, rejectUnauthorized: false },
    take,
  );
  request.once("error", reject);
  return promise;
}
