/**
 * Tests Chromium with the PAC file of a local, in a network of its own: a page
 * shows if the browser connected directly or through the server.
 */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { CHROMIUMS } from "../support/chromium.ts";
import { Namespace, NAMESPACES_SKIP } from "../support/namespaces.ts";
import { Program, runToEnd } from "../support/process.ts";
import { programCommand } from "../support/program_command.ts";
import { announceSkip } from "../support/report.ts";
import { ROOT } from "../support/runtimes.ts";
import { LIBEV_SKIP, METHOD, PASSWORD } from "./chain.ts";
import { findProgram } from "./clients.ts";

const CHROMIUM = findProgram(CHROMIUMS);
const MISSING: string | false = CHROMIUM === undefined &&
  "chromium not found: apt-get install -y chromium";
if (MISSING) announceSkip(MISSING);

/** A site of this network, with a public address. */
const SITE = "203.0.113.9";
/** The source address of the server. */
const FROM_SERVER = "127.0.0.77";

const LOCALS = [["deno", 1_080], ["bun", 1_081]] as const;

test("Chromium goes where the PAC file of a local sends it", {
  skip: MISSING || NAMESPACES_SKIP || LIBEV_SKIP,
}, async () => {
  using network = new Namespace();
  await using owned = new AsyncDisposableStack();
  const folder = mkdtempSync(join(tmpdir(), "umbra-pac-"));
  owned.defer(() => rmSync(folder, { recursive: true, force: true }));
  network.run(`ip address add ${SITE}/32 dev lo`);
  const start = async (
    words: readonly string[],
    ready: RegExp,
  ): Promise<Program> =>
    owned.use(
      await Program.start([...network.under, ...words], { ready, cwd: ROOT }),
    );
  const config = join(folder, "local.json");
  writeFileSync(
    config,
    JSON.stringify({
      ...{ server: "127.0.1.1", server_port: 8_388 },
      ...{ method: METHOD, password: PASSWORD },
      routes: [{ domain_suffix: "near.test", to: "direct" }],
    }),
    { mode: 0o600 },
  );
  await Promise.all([
    start(["python3", "-u", `${ROOT}/tests/e2e/plain_target.py`], /ready/),
    start([
      ...["ss-server", "-s", "127.0.1.1", "-p", "8388", "-b", FROM_SERVER],
      ...["-m", METHOD, "-k", PASSWORD],
    ], /listening/),
    ...LOCALS.map(([runtime, port]) =>
      start([
        ...[...programCommand(runtime), "local", "-c", config],
        ...["-l", `${port}`],
      ], /ss-local listening/)
    ),
  ]);
  const peer = async (port: number, host: string): Promise<string> => {
    const profile = mkdtempSync(join(folder, "profile-"));
    const { output } = await runToEnd([
      ...[...network.under, CHROMIUM!, "--headless=new", "--no-sandbox"],
      ...["--disable-gpu", "--disable-dev-shm-usage", "--no-first-run"],
      ...["--disable-background-networking", "--disable-sync"],
      `--user-data-dir=${profile}`,
      `--host-resolver-rules=MAP *.near.test ${SITE}`,
      `--proxy-pac-url=http://127.0.0.1:${port}/proxy.pac`,
      ...["--timeout=10000", "--dump-dom", `http://${host}:8000/who`],
    ], 30_000);
    return /<body>(?:<pre[^>]*>)?([\d.]+)/.exec(output)?.[1] ?? output;
  };
  const all = await Promise.all(
    LOCALS.flatMap(([, port]) =>
      [SITE, "www.near.test"].map((host) => peer(port, host))
    ),
  );
  assert.deepEqual(all, [FROM_SERVER, SITE, FROM_SERVER, SITE]);
});
