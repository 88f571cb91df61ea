/**
 * The benchmark: ours on both runtimes beside shadowsocks-libev, in turns.
 *
 * Usage: `deno task bench [--rounds N] [--seconds N] [--only TEXT]
 * [--providers] [--save]`. `--only` keeps the rows whose name holds the text
 * (`users`, which libev has none of, runs only so),
 * `--providers` adds ours with each crypto provider, `--save` writes
 * `docs/bench/DATE.md` and the chart beside it.
 *
 * @module
 */
import { spawnSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { parseArgs } from "node:util";
import { ROOT } from "../support/runtimes.ts";
import {
  connectionRate,
  firstByte,
  machine,
  memory,
  missingTools,
  throughput,
} from "./measure.ts";
import { chart, markdown, type Row } from "./report.ts";
import { rateAmongUsers, USER_SCENES } from "./users.ts";
import { ssrPeerSkip } from "../e2e/ssr_peers.ts";
import {
  floor,
  legacy,
  LIBEV,
  PYTHON_SSR,
  SSR_OPTIONS,
  type System,
  umbra,
} from "./systems.ts";

/** Rows that one measurement yields, by name; see {@link ROWS}. */
interface Measurement {
  readonly name: string;
  readonly systems: readonly System[];
  /** How often in one run; memory is costly and hardly varies. */
  readonly rounds: number;
  measure(system: System): Promise<Readonly<Record<string, number>>>;
}

const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "5" },
    seconds: { type: "string", default: "3" },
    only: { type: "string", default: "" },
    providers: { type: "boolean", default: false },
    save: { type: "boolean", default: false },
  },
});
const ROUNDS = Number(values.rounds);
const SECONDS = Number(values.seconds);
const HELD = 4_000;

const OURS = [umbra("bun"), umbra("deno")];
const EACH_PROVIDER = [
  umbra("bun", "openssl"),
  umbra("bun", "node"),
  umbra("bun", "noble"),
  umbra("deno", "openssl"),
  umbra("deno", "node"),
  umbra("deno", "noble"),
];
const COMPETITORS = [
  LIBEV,
  ...OURS,
  ...(values.providers ? EACH_PROVIDER : []),
];

process.exitCode = await main();

async function main(): Promise<number> {
  const missing = missingTools();
  if (missing.length > 0) {
    process.stderr.write(
      `Missing: ${missing.join(", ")}. tests/bench/install.sh installs them ` +
        "from Debian.\n",
    );
    return 2;
  }
  const rows = new Map<string, Row>();
  const chosen = measurements().filter(({ name }) =>
    values.only === "" ? name !== "users" : name.includes(values.only)
  );
  for (const measurement of chosen) await run(measurement, rows);
  const table = markdown([...rows.values()]);
  process.stdout.write(`\n${table}`);
  if (values.save) save([...rows.values()], table);
  return 0;
}

function measurements(): Measurement[] {
  const all: Measurement[] = [];
  for (const method of ["aes-256-gcm", "chacha20-ietf-poly1305"]) {
    for (const connections of [1, 8, 64]) {
      for (const down of [true, false]) {
        const name = `${method}, ${connections} connection${
          connections === 1 ? "" : "s"
        } ${down ? "down" : "up"}`;
        const options = { connections, down, seconds: SECONDS };
        all.push({
          name,
          systems: connections === 64 || method !== "aes-256-gcm" || !down
            ? competitorsAt(method)
            : [...competitorsAt(method), floor("bun"), floor("deno")],
          rounds: ROUNDS,
          async measure(system): Promise<Record<string, number>> {
            const { speed, cpu } = await throughput(system, method, options);
            return { [`${name}|MiB/s`]: speed, [`${name}|CPU s/GiB`]: cpu };
          },
        });
      }
    }
  }
  for (const method of ["aes-256-cfb", "chacha20-ietf"]) {
    const name = `${method}, 1 connection down`;
    all.push(oneDown(name, method, [LIBEV, legacy("bun"), legacy("deno")]));
  }
  all.push(oneDown(
    "ShadowsocksR auth_aes128_md5 tls1.2_ticket_auth, 1 connection down",
    "aes-256-cfb",
    [
      ...ssrPeerSkip() ? [] : [PYTHON_SSR],
      legacy("bun", SSR_OPTIONS),
      legacy("deno", SSR_OPTIONS),
    ],
  ));
  const method = "aes-256-gcm";
  all.push({
    name: "new connections",
    systems: [...COMPETITORS, floor("bun"), floor("deno")],
    rounds: ROUNDS,
    measure: async (system) => ({
      "new connections|1/s": await connectionRate(system, method, SECONDS),
    }),
  }, {
    name: "first byte",
    systems: COMPETITORS,
    rounds: ROUNDS,
    measure: async (system) => ({
      "first byte, median of 200|ms": await firstByte(system, method),
    }),
  }, {
    name: "memory",
    systems: [LIBEV, ...OURS],
    rounds: 1,
    async measure(system): Promise<Record<string, number>> {
      const all = Object.entries(await memory(system, method, HELD));
      return Object.fromEntries(
        all.map(([name, value]) => [name.replace(/, (\w+)$/, "|$1"), value]),
      );
    },
  });
  all.push({
    name: "users",
    systems: OURS,
    rounds: ROUNDS,
    async measure({ name }): Promise<Record<string, number>> {
      const rates: Record<string, number> = {};
      for (const scene of USER_SCENES) {
        const runtime = name as "deno" | "bun";
        const rate = await rateAmongUsers(runtime, scene, SECONDS);
        rates[`${scene.name}|1/s`] = rate.perSecond;
        rates[`${scene.name}, processor|ms`] = rate.cpuMs;
      }
      return rates;
    },
  });
  return all;
}

/** Throughput and processor time of one download. */
function oneDown(
  name: string,
  method: string,
  systems: readonly System[],
): Measurement {
  const options = { connections: 1, down: true, seconds: SECONDS };
  return {
    name,
    systems,
    rounds: ROUNDS,
    async measure(system): Promise<Record<string, number>> {
      const { speed, cpu } = await throughput(system, method, options);
      return { [`${name}|MiB/s`]: speed, [`${name}|CPU s/GiB`]: cpu };
    },
  };
}

/** Bun's node:crypto has no ChaCha20-Poly1305. */
function competitorsAt(method: string): readonly System[] {
  return method.startsWith("chacha20")
    ? COMPETITORS.filter(({ name }) => name !== "bun node")
    : COMPETITORS;
}

/** Rounds of a measurement, the systems in turns. */
async function run(
  { name, systems, rounds, measure }: Measurement,
  rows: Map<string, Row>,
): Promise<void> {
  for (let round = 1; round <= rounds; round++) {
    for (const system of systems) {
      const measured = await measure(system);
      for (const [key, value] of Object.entries(measured)) {
        add(rows, key, system.name, value);
      }
      const shown = Object.values(measured).map((value) => value.toFixed(2));
      process.stderr.write(
        `${name}, round ${round}: ${system.name} ${shown.join("  ")}\n`,
      );
    }
  }
}

function add(
  rows: Map<string, Row>,
  key: string,
  system: string,
  value: number,
): void {
  const [name, unit] = key.split("|") as [string, string];
  const row = rows.get(key) ?? {
    name,
    unit,
    more: unit.endsWith("/s"),
    samples: new Map<string, number[]>(),
  };
  rows.set(key, row);
  const samples = row.samples as Map<string, number[]>;
  samples.set(system, [...samples.get(system) ?? [], value]);
}

function save(rows: readonly Row[], table: string): void {
  const date = new Date().toISOString().slice(0, 10);
  const folder = join(ROOT, "docs", "bench");
  mkdirSync(folder, { recursive: true });
  const commit = say("git", "rev-parse", "--short", "HEAD");
  const versions = [
    `Deno ${say("deno", "--version").split(" ")[1] ?? "?"}`,
    say("ss-server", "-h").match(/shadowsocks-libev [\d.]+/)?.[0],
    say("openssl", "version"),
  ];
  writeFileSync(
    join(folder, `${date}.md`),
    `# Benchmark of ${date}\n\n` +
      `Commit ${commit}; ${versions.join("; ")}; ${machine()}.\n` +
      `Command: \`deno task bench ${process.argv.slice(2).join(" ")}\`. ` +
      `Medians of ${ROUNDS} rounds of ${SECONDS} s, lowest and highest in ` +
      "brackets, in bold the ratio to libev. All processes share the cores, " +
      "the load generators too; `floor` is the same relay without crypto.\n\n" +
      `![Ratios to shadowsocks-libev](${date}.svg)\n\n${table}`,
  );
  const speeds = rows.filter(({ unit, name }) =>
    unit !== "CPU s/GiB" && !/64 connections|after|at start/.test(name)
  );
  const title = `Umbra beside shadowsocks-libev (= 1), ${date}`;
  writeFileSync(join(folder, `${date}.svg`), chart(speeds, title));
}

function say(...command: string[]): string {
  const { stdout, stderr } = spawnSync(command[0]!, command.slice(1), {
    encoding: "utf8",
  });
  return `${stdout ?? ""}${stderr ?? ""}`.trim();
}
