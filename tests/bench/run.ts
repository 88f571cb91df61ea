/**
 * The benchmark: Umbra on both runtimes, shadowsocks-libev, and other programs
 * that `.ci/peers` has built (`UMBRA_PEERS` names the folder), in turns.
 *
 * Usage: `deno task bench [--rounds N] [--seconds N] [--only TEXT]
 * [--providers] [--save]`. `--only` selects the rows whose name contains the
 * text (`users`, which libev does not have, runs only then), `--providers` adds
 * Umbra with each crypto provider, `--save` writes `docs/bench/DATE.md` and the
 * chart beside it.
 *
 * @module
 */
import { spawnSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { parseArgs } from "node:util";
import { ROOT } from "../support/runtimes.ts";
import { machine, missingTools } from "./measure.ts";
import { chart, markdown, type Row } from "./report.ts";
import { type Measurement, measurements } from "./rows.ts";

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
  const { providers } = values;
  const all = measurements({ rounds: ROUNDS, seconds: SECONDS, providers });
  const chosen = all.filter(({ name }) =>
    values.only === "" ? name !== "users" : name.includes(values.only)
  );
  let failed = 0;
  for (const measurement of chosen) failed += await run(measurement, rows);
  const table = markdown([...rows.values()]);
  process.stdout.write(`\n${table}`);
  if (values.save) save([...rows.values()], table);
  return failed === 0 ? 0 : 1;
}

/**
 * Runs the rounds of a measurement, the systems in turns. A failed run is
 * reported, and missing in the table.
 *
 * @returns The number of failed runs.
 */
async function run(
  { name, systems, rounds, measure }: Measurement,
  rows: Map<string, Row>,
): Promise<number> {
  let failed = 0;
  for (let round = 1; round <= rounds; round++) {
    for (const system of systems) {
      const run = `${name}, round ${round}: ${system.name}`;
      try {
        const measured = await measure(system);
        for (const [key, value] of Object.entries(measured)) {
          add(rows, key, system.name, value);
        }
        const shown = Object.values(measured).map((value) => value.toFixed(2));
        process.stderr.write(`${run} ${shown.join("  ")}\n`);
      } catch (error) {
        failed++;
        process.stderr.write(`${run} FAILED: ${(error as Error).message}\n`);
      }
    }
  }
  return failed;
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
    more: /\/s$|^[%]|^ratio/.test(unit),
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
      "brackets, in bold the ratio to libev, or to rust where libev has no " +
      "such method. All processes share the cores, " +
      "the load generators too; `floor` is the same relay without crypto.\n\n" +
      `![Ratios to shadowsocks-libev](${date}.svg)\n\n${table}`,
  );
  const speeds = rows.filter(({ unit, name }) =>
    unit !== "CPU s/GiB" && !/64 connections|after|at start|CPU/.test(name)
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
