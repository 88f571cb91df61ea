/**
 * Runs the tests: unit tests on Deno and on Bun, then the end-to-end tests on
 * Deno, which start both runtimes themselves. The end-to-end tests run twice,
 * with the program from its sources and with the executables of both compilers.
 * At the end it prints the names of failed tests and one line, `N passed, N
 * failed, N skipped`.
 *
 * Usage: `deno run -A tests/run.ts [PASS...]`; default: `deno bun e2e
 * executables`. Two passes only run if they are named: `long`, the long tests
 * with executables, and `linux`, the tests about sockets with `--transport
 * linux`.
 *
 * @module
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import {
  buildExecutables,
  canCompile,
  COMPILERS,
  EXECUTABLES_VARIABLE,
} from "./support/executables.ts";
import { TRANSPORT_VARIABLE } from "./support/program_command.ts";
import { type Counts, readCounts, sum } from "./support/junit.ts";
import {
  bunPath,
  DENO_PATH_VARIABLE,
  denoPath,
  ROOT,
} from "./support/runtimes.ts";

/** Test files for one runner, in one or several commands. */
interface Pass {
  readonly title: string;
  /**
   * Returns the commands. Each writes a report of its own, named by the
   * argument.
   */
  readonly commands: (reportFor: (name: string) => string) => string[][];
  /** Prepares a folder; returns environment variables that name its content. */
  readonly prepare?: (folder: string) => Record<string, string>;
}

const E2E = "tests/e2e/";

/** End-to-end tests that build the programs that they run. */
const BUILT = `${E2E}built/`;

const PASSES: Readonly<Record<string, Pass>> = {
  deno: {
    title: "Deno",
    commands: (reportFor) => besideThenAlone(reportFor, testFiles(isPortable)),
  },
  bun: {
    title: "Bun",
    commands: (reportFor) =>
      besideThenAlone(reportFor, testFiles(isPortable), bunTest),
  },
  e2e: {
    title: "End to end, on Deno",
    commands: (reportFor) =>
      besideThenAlone(reportFor, testFiles((path) => !isPortable(path))),
  },
  executables: {
    title: "End to end, with executables of Deno and of Bun",
    prepare: prepareExecutables,
    commands: (reportFor) =>
      besideThenAlone(
        reportFor,
        testFiles((path) => startsPrograms(path) && !LONG.test(path)),
      ),
  },
  long: {
    title: "End to end, with executables: the tests that take long",
    prepare: prepareExecutables,
    commands: (reportFor) =>
      besideThenAlone(
        reportFor,
        testFiles((path) => startsPrograms(path) && LONG.test(path)),
      ),
  },
  linux: {
    title: "End to end, with sockets of our own",
    prepare: () => ({ [TRANSPORT_VARIABLE]: "linux" }),
    commands: (reportFor) => besideThenAlone(reportFor, testFiles(movesBytes)),
  },
};

/**
 * Tests that measure time, memory or processor time, that count the descriptors
 * of their own process, or that use up resources of the machine. They run one
 * after the other, and nothing runs beside them. All other tests run in
 * parallel.
 */
const ALONE =
  /\/(?:conformance\/(?:outbound|system)|built\/arm64|backpressure|bulk|busy|crowd|failures|flood|iperf|limits|process_probe|reload|servers|signals|stalled|starvation|store_kill|strangers|udp|unreachable)_test\.ts$/;

/**
 * End-to-end tests that take long and test the same with executables:
 * performance figures, the bytes that other programs accept, the rules of a
 * fleet, routes, carriers, and a move from another server. They run once, from the sources.
 */
const LONG =
  /\/(?:backpressure|balancer|bulk|dns_routes|fleet|fleet_command|fleet_failures|fleet_nodes|inbound_clients|interop_ssr|interop_stream|iperf|legacy_programs|legacy_server|limits|migrate|pac_browser|panel|plugins_interop|redir|replay|servers|servers_network|silence|stalled|unreachable|websocket)_test\.ts$/;

/** End-to-end tests about the behaviour of sockets. */
const MOVING =
  /(?:^|\/)(?:backpressure|bulk|busy|concurrency|failures|half_close|reload|signals|udp|udp_2022|workers)_test\.ts$/;

/**
 * All passes except those that repeat tests of `e2e` in another way, which are
 * started explicitly.
 */
const DEFAULT_PASSES: readonly string[] = Object.keys(PASSES)
  .filter((name) => name !== "linux" && name !== "long");

process.exitCode = await main(process.argv.slice(2));

async function main(names: readonly string[]): Promise<number> {
  const unknown = names.find((name) => !(name in PASSES));
  if (unknown !== undefined) {
    print(
      `Unknown pass ${unknown}: there are ${Object.keys(PASSES).join(" ")}`,
    );
    return 2;
  }
  const passes = names.length > 0 ? names : DEFAULT_PASSES;
  const folder = mkdtempSync(join(tmpdir(), "umbra-test-"));
  const results: Counts[] = [];
  try {
    for (const name of passes) {
      results.push(await runPass(PASSES[name]!, join(folder, name)));
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  const { passed, failed, skipped, failures } = sum(results);
  // The failures are repeated at the end, because a long log is often cut.
  for (const name of failures) print(`FAILED ${name}`);
  print(`${passed} passed, ${failed} failed, ${skipped} skipped`);
  return failed === 0 && results.every((counts) => counts.passed > 0) ? 0 : 1;
}

/** Builds the executables in a folder; returns the variable that names it. */
function prepareExecutables(folder: string): Record<string, string> {
  for (const compiler of COMPILERS.filter(canCompile)) {
    buildExecutables(compiler, join(folder, compiler));
  }
  return { [EXECUTABLES_VARIABLE]: folder };
}

/**
 * Runs a pass. A runner that fails without a failed test counts as one failure.
 */
async function runPass(pass: Pass, folder: string): Promise<Counts> {
  print(`\n== ${pass.title}`);
  const prepared = pass.prepare?.(folder);
  const reports: string[] = [];
  const commands = pass.commands((name) => {
    const report = `${folder}-${name}.xml`;
    reports.push(report);
    return report;
  });
  const results: Counts[] = [];
  for (const [i, command] of commands.entries()) {
    const end = await runCommand(command, prepared ?? {});
    const counts = readCounts(readReport(reports[i]!));
    const isLost = end !== 0 && counts.failed === 0;
    if (isLost) print(`${pass.title}: the test runner ended with ${end}`);
    results.push(isLost ? { ...counts, failed: 1 } : counts);
  }
  const { failures, ...total } = sum(results);
  return {
    ...total,
    failures: failures.map((name) => `${pass.title}: ${name}`),
  };
}

/** Runs a command and returns its exit code, or the signal that ended it. */
async function runCommand(
  [program, ...args]: string[],
  env: Record<string, string>,
): Promise<number | string> {
  const child = spawn(program!, args, {
    cwd: ROOT,
    stdio: "inherit",
    env: { ...process.env, [DENO_PATH_VARIABLE]: denoPath(), ...env },
  });
  const [code, signal] = await once(child, "exit");
  return signal ?? code;
}

function readReport(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    print(`Cannot read the test report: ${error}`);
    return "";
  }
}

/** Makes the command that runs files in parallel, or one after the other. */
type Runner = (
  report: string,
  files: readonly string[],
  ...options: string[]
) => string[];

function denoTest(
  report: string,
  files: readonly string[],
  ...options: string[]
): string[] {
  // `deno task check` has checked the types of all files.
  const runner = [process.execPath, "test", "-A", "--no-check"];
  return [...runner, `--junit-path=${report}`, ...options, ...files];
}

function bunTest(
  report: string,
  files: readonly string[],
  ...options: string[]
): string[] {
  return [
    bunPath(),
    // A package that deno.lock does not pin must not be downloaded.
    ...["--no-install", "test", "--timeout=60000"],
    ...["--reporter=junit", `--reporter-outfile=${report}`],
    ...options,
    ...files.map((path) => `./${path}`),
  ];
}

/** Runs first the files that can run in parallel, then the others. */
function besideThenAlone(
  reportFor: (name: string) => string,
  files: string[],
  run: Runner = denoTest,
): string[][] {
  const beside = files.filter((path) => !ALONE.test(path));
  const alone = files.filter((path) => ALONE.test(path));
  return [
    run(reportFor("beside"), beside, "--parallel"),
    run(reportFor("alone"), alone),
  ];
}

/**
 * Returns the test files of one kind, as paths from the root of the project.
 *
 * @throws If there are none: a runner without arguments would run all tests.
 */
function testFiles(kind: (path: string) => boolean): string[] {
  const files = readdirSync(join(ROOT, "tests"), { recursive: true })
    .map((path) => `tests/${String(path).replaceAll("\\", "/")}`)
    .filter((path) => path.endsWith("_test.ts") && kind(path))
    .sort();
  if (files.length === 0) throw new Error("Cannot run tests: found no files");
  return files;
}

function isPortable(path: string): boolean {
  return !path.startsWith(E2E);
}

/**
 * True for an end-to-end test that starts the program through one of these
 * modules. Tests of the executables themselves build their own, once.
 */
function startsPrograms(path: string): boolean {
  if (isPortable(path) || path.startsWith(BUILT)) return false;
  const text = readFileSync(join(ROOT, path), "utf8");
  return /\/(chain|peers|program_command)\.ts"/.test(text);
}

function movesBytes(path: string): boolean {
  return path.startsWith(E2E) && MOVING.test(path);
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
