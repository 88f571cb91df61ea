/**
 * Tests `umbra doctor` and `umbra check server` on both runtimes, with our own
 * server in right and wrong configurations.
 */
import assert from "node:assert/strict";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { denoTransport } from "../../src/adapters/net/deno.ts";
import type { Finding } from "../../src/cli/doctor/finding.ts";
import { type Clock, systemClock } from "../../src/clock.ts";
import { findMethod } from "../../src/crypto/method.ts";
import { startServer as startService } from "../../src/service/server/server.ts";
import {
  DNS_SKIP,
  KNOWN_ADDRESS,
  KNOWN_NAME,
  startDnsServer,
} from "../support/dns_server.ts";
import { freePort, runToEnd } from "../support/process.ts";
import { denoPath, ROOT } from "../support/runtimes.ts";
import { programCommand } from "../support/program_command.ts";
import type { Address } from "../support/tcp.ts";
import { type End, METHOD, PASSWORD, startServer } from "./chain.ts";

const METHOD_2022 = "2022-blake3-aes-128-gcm";
const KEY_2022 = "4OHi4+Tl5ufo6err7O3u7w==";
/** Time limit of a step in seconds. A silent server stays silent. */
const WAIT = "1";
const MIB = 2 ** 20;

/**
 * A web server that sends its time; `/big` is 8 MiB long, `/stall` never ends.
 */
class Web implements AsyncDisposable {
  readonly address: Address;
  readonly #server: Server;

  private constructor(server: Server, port: number) {
    this.#server = server;
    this.address = { host: "127.0.0.1", port };
  }

  /** @param skewS Seconds that its clock is ahead of this machine's. */
  static async start(skewS = 0): Promise<Web> {
    const server = createServer((request, response) => {
      const date = new Date(Date.now() + skewS * 1_000);
      response.setHeader("date", date.toUTCString());
      if (request.url === "/stall") response.write("x");
      else response.end(new Uint8Array(request.url === "/big" ? 8 * MIB : 0));
    });
    await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
    return new Web(server, (server.address() as { port: number }).port);
  }

  get url(): string {
    return `http://127.0.0.1:${this.address.port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((done) => this.#server.close(done));
  }
}

let folder: string;
let web: Web;
let server: End;
before(async () => {
  folder = mkdtempSync(join(tmpdir(), "umbra-doctor-"));
  web = await Web.start();
  server = await startServer("bun", { flags: ["-u"] });
});
after(async () => {
  await server[Symbol.asyncDispose]();
  await web[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

for (const runtime of ["deno", "bun"] as const) {
  /** Returns the output of a command and its exit code. */
  const umbra = (...args: string[]): ReturnType<typeof runToEnd> =>
    runToEnd([...programCommand(runtime), ...args], 20_000, { cwd: ROOT });

  /**
   * Returns the findings of `umbra doctor` by check, and verifies the exit
   * code.
   */
  const doctor = async (
    ...args: string[]
  ): Promise<Record<string, Finding>> => {
    const { code, output } = await umbra(
      ...["doctor", "--json", "--wait", WAIT, "-l", `${await freePort()}`],
      ...args,
    );
    const { healthy, checks } = JSON.parse(output);
    assert.equal(code, healthy ? 0 : 1, output);
    return Object.fromEntries(checks.map((one: Finding) => [one.check, one]));
  };

  const towards = (
    { host, port }: Address,
    password = PASSWORD,
    method = METHOD,
  ): string[] => ["-s", `${host}:${port}`, "-k", password, "-m", method];

  const through = (): string[] => ["--target", web.url.slice("http://".length)];

  test(`${runtime}: doctor finds all well, when it is`, async () => {
    const found = await doctor(...towards(server.address), ...through());
    for (const check of ["connect", "key", "target", "clock", "port"]) {
      assert.equal(found[check]?.verdict, "ok", JSON.stringify(found));
    }
    assert.match(found.crypto!.detail, new RegExp(`^${METHOD}: \\w+ `));
    assert.ok(!Object.values(found).some(({ verdict }) => verdict === "fail"));
  });

  test(`${runtime}: doctor tells a wrong password and a wrong method from a missing target`, async () => {
    const [password, method, target] = await Promise.all([
      doctor(...towards(server.address, "wrong"), ...through()),
      doctor(...towards(server.address, PASSWORD, "aes-256-gcm"), ...through()),
      doctor(
        ...towards(server.address),
        ...["--target", `127.0.0.1:${await freePort()}`],
      ),
    ]);
    for (const found of [password, method]) {
      assert.equal(found.connect?.verdict, "ok");
      assert.equal(found.key?.verdict, "fail");
      assert.match(found.key.detail, /silent.*wrong password or method/);
      assert.equal(found.target, undefined);
    }
    assert.equal(target.key?.verdict, "ok", JSON.stringify(target));
    assert.equal(target.target?.verdict, "fail");
  });

  test(`${runtime}: doctor names what is not there, and what is no Shadowsocks`, async () => {
    const closed = { host: "127.0.0.1", port: await freePort() };
    const [nobody, stranger, name] = await Promise.all([
      doctor(...towards(closed)),
      doctor(...towards(web.address), ...through()),
      doctor(...towards({ host: "nowhere.invalid", port: 1 })),
    ]);
    assert.match(nobody.connect!.detail, /refuses connections/);
    assert.match(stranger.key!.detail, /speaks HTTP, not Shadowsocks/);
    assert.equal(name.dns?.verdict, "fail");
  });

  test(`${runtime}: doctor finds a clock that is 90 s off, and the key right all the same`, async () => {
    await using other = await Web.start(-90);
    const late = await startLate();
    try {
      const args = [
        ...towards(late.address, KEY_2022, METHOD_2022),
        ...through(),
      ];
      const [blind, told, wrong] = await Promise.all([
        doctor(...args),
        doctor(...args, "--clock-url", other.url),
        doctor(
          ...towards(late.address, KEY_2022.replace("4", "5"), METHOD_2022),
          ...through(),
        ),
      ]);
      for (const found of [blind, told]) {
        assert.equal(found.clock?.verdict, "fail");
        assert.match(found.clock.detail, /^(?:89|90|91) s ahead of that of/);
        assert.equal(found.key?.verdict, "ok", JSON.stringify(found));
      }
      assert.equal(wrong.key?.verdict, "fail", JSON.stringify(wrong));
      assert.match(wrong.key.detail, /time stamps of other clocks: wrong pass/);
    } finally {
      await late.stop(0);
    }
  });

  test(`${runtime}: doctor tries UDP, when asked to`, {
    skip: DNS_SKIP,
  }, async () => {
    const resolver = { host: "127.0.0.1", port: await freePort() };
    await using _dns = await startDnsServer(resolver);
    await using tcpOnly = await startServer("bun");
    const args = [
      ...through(),
      ...["-u", "--udp-target", `127.0.0.1:${resolver.port}`],
    ];
    const [well, unserved] = await Promise.all([
      doctor(...towards(server.address), ...args),
      doctor(...towards(tcpOnly.address), ...args),
    ]);
    assert.equal(well.udp?.verdict, "ok", JSON.stringify(well));
    assert.equal(unserved.udp?.verdict, "fail", JSON.stringify(unserved));
  });

  test(`${runtime}: doctor tells which resolver answers which name`, {
    skip: DNS_SKIP,
  }, async () => {
    const [far, near] = [await freePort(), await freePort()]
      .map((port) => ({ host: "127.0.0.1", port }));
    await using _far = await startDnsServer(far!);
    await using _near = await startDnsServer(near!, [
      "--host-record=x.direct.test,192.0.2.78,60",
    ]);
    const config = join(folder, `dns-${runtime}.json`);
    writeFileSync(
      config,
      JSON.stringify({
        server: server.address.host,
        server_port: server.address.port,
        password: PASSWORD,
        method: METHOD,
        dns_listen: `127.0.0.1:${await freePort()}`,
        dns_upstream: `127.0.0.1:${far!.port}`,
        dns_direct: `127.0.0.1:${near!.port}`,
        routes: [{ domain_suffix: "direct.test", to: "direct" }],
      }),
    );
    const { output } = await umbra(
      ...["doctor", "--wait", WAIT, "-l", `${await freePort()}`, "-c", config],
      ...["--dns", ...through(), "--dns-name", KNOWN_NAME],
      ...["--dns-name", "x.direct.test"],
    );
    for (
      const line of [
        // Each resolver knows only its own names.
        `127.0.0.1:${far!.port}, asked through the server, refuses`,
        `127.0.0.1:${near!.port}, asked from this machine, refuses`,
        `${KNOWN_NAME} is ${KNOWN_ADDRESS}, by 127.0.0.1:${far!.port} through`,
        `x.direct.test is 192.0.2.78, by 127.0.0.1:${near!.port} from this`,
        `rules on names hold for 192.0.2.78: it is known as x.direct.test`,
        "dns leak     this machine looks up targets of direct routes alone",
      ]
    ) assert.ok(output.includes(line), `${line}\n${output}`);
  });

  test(`${runtime}: doctor knows a server's port, and whose it is`, async () => {
    const config = join(folder, `server-${runtime}.json`);
    const write = (port: number): void =>
      writeFileSync(
        config,
        JSON.stringify({
          server: "0.0.0.0",
          ["server_port"]: port,
          password: PASSWORD,
          method: METHOD,
        }),
      );
    write(await freePort());
    chmodSync(config, 0o644);
    const free = await doctor("-c", config, ...through());
    assert.match(free.port!.detail, /is free$/);
    assert.equal(free.targets?.verdict, "ok");
    assert.equal(free.file?.verdict, "warn");
    assert.equal(free.internet?.verdict, "ok");
    write(server.address.port);
    chmodSync(config, 0o600);
    const taken = await doctor("-c", config, ...through());
    assert.equal(taken.port?.verdict, "ok", JSON.stringify(taken));
    assert.match(taken.port.detail, /already listening.*takes this key$/);
    assert.equal(taken.file?.verdict, "ok");
    write(web.address.port);
    const stranger = await doctor("-c", config, ...through());
    assert.equal(stranger.port?.verdict, "warn", JSON.stringify(stranger));
  });

  test(`${runtime}: check server measures, and says when it cannot`, async () => {
    const closed = { host: "127.0.0.1", port: await freePort() };
    const check = (...args: string[]): ReturnType<typeof runToEnd> =>
      umbra("check", "server", ...args, ...through(), "--wait", WAIT);
    const [well, wrong, nobody, stalled, missing, json] = await Promise.all([
      check(
        ...towards(server.address),
        ...["--count", "3", "--url", `${web.url}/big`],
      ),
      check(...towards(server.address, "wrong")),
      check(...towards(closed)),
      check(...towards(server.address), "--url", `${web.url}/stall`),
      check(
        ...towards(server.address),
        "--url",
        `http://127.0.0.1:${closed.port}/`,
      ),
      check(
        ...towards(server.address),
        ...["--json", "--count", "2", "--url", `${web.url}/stall`],
      ),
    ]);
    assert.equal(well.code, 0, well.output);
    assert.match(well.output, /connect +\d+\.\d ms \(median of 3, /);
    assert.match(well.output, /first byte +\d+\.\d ms \(median of 3, /);
    assert.match(well.output, /download +.*MiB\/s .*, 8\.0 MiB in /);
    assert.equal(wrong.code, 1);
    assert.match(wrong.output, /first byte +failed: .*silence.*umbra doctor/);
    assert.equal(nobody.code, 1);
    assert.match(nobody.output, /connect +failed: .*ERR_NET_REFUSED/);
    assert.equal(stalled.code, 1);
    assert.match(stalled.output, /download +failed: .*ERR_NET_TIMEOUT/);
    assert.equal(missing.code, 1);
    assert.match(missing.output, /download +failed: it answered 502/);
    assert.equal(json.code, 1);
    const told = JSON.parse(json.output);
    assert.equal(told.works, false);
    const { address, method, works, steps } = told.servers[0];
    assert.deepEqual(
      [address, method, works],
      [`127.0.0.1:${server.address.port}`, METHOD, false],
    );
    assert.deepEqual(
      steps.map(({ name, ok, code = "", count = 0 }: {
        readonly name: string;
        readonly ok: boolean;
        readonly code?: string;
        readonly count?: number;
      }) => [name, ok, code, count]),
      [
        ["connect", true, "", 2],
        ["first byte", true, "", 2],
        ["download", false, "ERR_NET_TIMEOUT", 0],
      ],
    );
    assert.ok(steps[0].leastMs <= steps[0].medianMs, "times have their unit");
    // A silent target does not hide the result of the other one.
    const silent = await umbra(
      ...["check", "server", "--wait", WAIT, ...towards(server.address)],
      ...["--target", `127.0.0.1:${closed.port}`, "--url", `${web.url}/big`],
    );
    assert.equal(silent.code, 1);
    assert.match(silent.output, /first byte +failed: /);
    assert.match(silent.output, /download +.*MiB\/s .*, 8\.0 MiB in /);
  });
}

test("doctor names the flags that Deno lacks", async () => {
  const { host, port } = server.address;
  const main = join(ROOT, "src", "main.ts");
  const { code, output } = await runToEnd([
    ...[denoPath()!, "run", "--no-prompt", "--allow-env=UMBRA_BUILD", main],
    "doctor",
    ...["-s", `${host}:${port}`, "-k", PASSWORD, "--wait", WAIT],
  ], 20_000);
  assert.equal(code, 1);
  assert.match(
    output,
    new RegExp(`run Deno with .*--allow-net=127\\.0\\.0\\.1:${port}`),
  );
});

/** Starts a server in this process whose clock is 90 s late. */
function startLate(): ReturnType<typeof startService> {
  const clock: Clock = {
    monotonicMs: () => systemClock.monotonicMs(),
    unixMs: () => systemClock.unixMs() - 90_000,
    schedule: (callback, delayMs) => systemClock.schedule(callback, delayMs),
  };
  return startService({
    listen: { host: "127.0.0.1", port: 0 },
    method: findMethod(METHOD_2022),
    masterKey: Uint8Array.fromBase64(KEY_2022),
  }, { transport: denoTransport(), clock });
}
