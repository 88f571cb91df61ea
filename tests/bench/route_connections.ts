/**
 * The processor time of a local for a new connection with no, 1,000 and 100,000
 * rules. Processor time is used because other programs may share the machine.
 * All variants are measured in each round, and compared with the variant
 * without rules of the same round.
 *
 * Usage: `deno run -A tests/bench/route_connections.ts [ROUNDS]`; prints rows
 * of a table.
 *
 * @module
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { seededRandom } from "../support/bytes.ts";
import { freePort, Program } from "../support/process.ts";
import { bunPath, ROOT } from "../support/runtimes.ts";
import { output, startTarget } from "./measure.ts";
import { runtimeCommand } from "./systems.ts";

const ROUNDS = Number(process.argv[2] ?? 7);
const COUNTS = [0, 1_000, 100_000] as const;
const SESSIONS = 1_500;

/** The requested name: the server resolves it, and no rule matches it. */
const NAME = "localhost";

const KEY = ["-m", "aes-128-gcm", "-k", "x"];
const folder = mkdtempSync(join(tmpdir(), "umbra-bench-routes-"));

try {
  for (const runtime of ["deno", "bun"] as const) await measure(runtime);
} finally {
  rmSync(folder, { recursive: true, force: true });
}

async function measure(runtime: "deno" | "bun"): Promise<void> {
  await using owned = new AsyncDisposableStack();
  const target = owned.use(await startTarget());
  const program = runtimeCommand(runtime, "src/main.ts");
  const port = await freePort();
  const server = [`127.0.0.1:${port}`, ...KEY];
  owned.use(
    await Program.start(
      [...program, "server", "-s", ...server, "--allow-private", "all"],
      { ready: /listening on/ },
    ),
  );
  const locals = [];
  for (const count of COUNTS) {
    const localPort = await freePort();
    const local = owned.use(
      await Program.start(
        [
          ...[...program, "local", "-s", ...server, "-l", `${localPort}`],
          ...["-c", config(count)],
        ],
        { ready: /listening on/, readyMs: 30_000 },
      ),
    );
    locals.push({ count, local, load: load(localPort, target.port) });
  }
  for (const { load } of locals) await output(load);
  const spent = new Map<number, number[]>(COUNTS.map((count) => [count, []]));
  for (let round = 0; round < ROUNDS; round++) {
    for (const { count, local, load } of locals) {
      const before = local.cpuMs();
      const { answered } = JSON.parse(await output(load));
      if (answered !== SESSIONS) throw new Error(`${answered} of ${SESSIONS}`);
      spent.get(count)!.push((local.cpuMs() - before) * 1_000 / SESSIONS);
    }
  }
  const none = spent.get(0)!;
  for (const [count, all] of spent) {
    const ratio = median(none.map((us, round) => us / all[round]!));
    process.stdout.write(
      `| ${runtime} | ${count} | ${median(all).toFixed(0)} | ` +
        `${ratio.toFixed(3)} |\n`,
    );
  }
}

/** Makes rules, nine of ten for names, the others for address blocks. */
function config(count: number): string {
  const next = seededRandom(11);
  const word = (): string =>
    Array.from(
      { length: 3 + next() % 9 },
      () => String.fromCharCode(97 + next() % 26),
    ).join("");
  const list = Array.from(
    { length: count },
    (_, i) =>
      i % 10 === 0
        ? `${1 + next() % 223}.${next() % 256}.${next() % 256}.0/24`
        : `suffix:${word()}.${word()}.test`,
  );
  const name = join(folder, `${count}`);
  writeFileSync(`${name}.txt`, list.join("\n"));
  const rules = {
    routes: [{ rule_set: "list", to: "direct" }],
    "rule_sets": { list: { path: `${name}.txt` } },
  };
  writeFileSync(`${name}.json`, JSON.stringify(count === 0 ? {} : rules));
  return `${name}.json`;
}

function load(proxyPort: number, targetPort: number): string[] {
  return [
    ...[bunPath(), "--no-install", join(ROOT, "tests/bench/load.ts")],
    ...[`${proxyPort}`, `${targetPort}`, "sessions", `${SESSIONS}`, "0", NAME],
  ];
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1]!;
}
