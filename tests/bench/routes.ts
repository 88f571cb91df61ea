/**
 * The cost of routes on this runtime: lookups of names and addresses a second,
 * memory, and the time to read a list. Times are processor time.
 *
 * Usage: `deno run -A --v8-flags=--expose-gc tests/bench/routes.ts [LINES]` or
 * `bun --expose-gc tests/bench/routes.ts [LINES]`.
 *
 * @module
 */
import process from "node:process";
import { clientRoutes } from "../../src/routes/acl/acl_routes.ts";
import { readAcl } from "../../src/routes/acl/read_acl.ts";
import { TargetSetBuilder } from "../../src/routes/match/target_set.ts";
import { ListNotes } from "../../src/routes/list_notes.ts";
import { seededRandom } from "../support/bytes.ts";

const LINES = Number(process.argv[2] ?? 100_000);
const ROUNDS = 5;
const ROUND_MS = 400;
const QUERIES = 65_536;
const TLDS = ["com", "net", "org", "cn", "co.uk", "io", "de", "test"];

const next = seededRandom(7);
const names = Array.from({ length: LINES }, () => name());

row("what", "figure");
row("---", "--:");
namesAlone();
addressesAlone();
patterns();
wholeAcl();

function namesAlone(): void {
  const builder = (): TargetSetBuilder =>
    new TargetSetBuilder("bench", new ListNotes());
  const build = () => {
    const set = builder();
    for (let i = 0; i < names.length; i++) {
      set.name(i % 4 === 0 ? "exact" : "suffix", names[i]!, i);
    }
    return set.build();
  };
  const before = memory();
  const startMs = cpuMs();
  const set = build();
  const builtMs = cpuMs() - startMs;
  const bytes = memory() - before;
  row(`names, ${LINES}: built`, `${builtMs.toFixed(0)} ms`);
  row("names: memory", `${mib(set.byteLength)}; process ${mib(bytes)}`);
  const queries = someNames();
  row("names: look-ups", rate((i) => set.matchName(queries[i % QUERIES]!)));
}

function addressesAlone(): void {
  const set = new TargetSetBuilder("bench", new ListNotes());
  const startMs = cpuMs();
  for (let i = 0; i < LINES; i++) {
    set.block(Uint8Array.of(next(), next(), next(), 0), 16 + next() % 9, i);
    const v6 = new Uint8Array(16);
    for (let j = 0; j < 6; j++) v6[j] = next();
    v6[0] = 0x20;
    set.block(v6, 32 + next() % 17, i);
  }
  const built = set.build();
  row(
    `addresses, ${2 * LINES}: built`,
    `${(cpuMs() - startMs).toFixed(0)} ms, ${mib(built.byteLength)}`,
  );
  const v4 = Array.from(
    { length: QUERIES },
    () => Uint8Array.of(next(), next(), next(), next()),
  );
  const v6 = v4.map((bytes) =>
    Uint8Array.of(0x20, ...bytes, ...new Uint8Array(11))
  );
  row("IPv4: look-ups", rate((i) => built.matchAddress(v4[i % QUERIES]!)));
  row("IPv6: look-ups", rate((i) => built.matchAddress(v6[i % QUERIES]!)));
}

function patterns(): void {
  for (const count of [192, 5_000]) {
    const set = new TargetSetBuilder("bench", new ListNotes());
    const startMs = cpuMs();
    for (let i = 0; i < count; i++) set.regex(`${word()}[0-9]*\\.${word()}`, i);
    const built = set.build();
    row(
      `patterns, ${count}: built`,
      `${(cpuMs() - startMs).toFixed(0)} ms`,
    );
    const queries = someNames();
    row(
      `patterns, ${count}: look-ups`,
      rate((i) => built.matchName(queries[i % QUERIES]!)),
    );
    row(`patterns, ${count}: memory`, mib(built.byteLength));
  }
}

/**
 * Measures an ACL in the usual form for shadowsocks: names as regular
 * expressions.
 */
function wholeAcl(): void {
  const text = `[proxy_all]\n[bypass_list]\n` +
    names.map((name) => `(^|\\.)${name.replaceAll(".", "\\.")}$\n`).join("") +
    Array.from({ length: 192 }, () => `${word()}[0-9]+\\.${word()}\n`).join("");
  const before = memory();
  const startMs = cpuMs();
  const acl = readAcl([{ file: "bench.acl", text }], () => undefined);
  const routes = clientRoutes(acl);
  row(
    `ACL of ${LINES} lines: up in`,
    `${(cpuMs() - startMs).toFixed(0)} ms`,
  );
  row("ACL: memory of the process", mib(memory() - before));
  const queries = someNames();
  row(
    "ACL: decisions",
    rate((i) =>
      routes.decide({
        name: queries[i % QUERIES]!,
        port: 443,
        network: "tcp",
      })
    ),
  );
  if (acl.lists.bypass.length === 0) throw new Error("kept alive");
}

/**
 * Returns names of which half match, most of those below a name of the list.
 */
function someNames(): string[] {
  return Array.from({ length: QUERIES }, () => {
    const hit = names[next() % names.length]!;
    return next() % 2 === 0
      ? next() % 4 === 0 ? hit : `${word()}.${hit}`
      : `${word()}.${name()}`;
  });
}

function name(): string {
  const depth = 1 + next() % 2;
  return [...Array.from({ length: depth }, word), TLDS[next() % TLDS.length]]
    .join(".");
}

function word(): string {
  let text = "";
  for (let i = 3 + next() % 9; i > 0; i--) {
    text += String.fromCharCode(97 + next() % 26);
  }
  return text;
}

/** Returns millions of calls a second: the best of several rounds. */
function rate(call: (i: number) => unknown): string {
  let best = 0;
  let sink = 0;
  for (let round = 0; round < ROUNDS; round++) {
    const startMs = cpuMs();
    let calls = 0;
    do {
      for (let i = 0; i < 4_096; i++) {
        if (call(calls + i) !== undefined) sink++;
      }
      calls += 4_096;
    } while (cpuMs() - startMs < ROUND_MS);
    best = Math.max(best, calls / (cpuMs() - startMs) / 1_000);
  }
  if (sink < 0) throw new Error("kept alive");
  return `${best.toFixed(2)} M/s`;
}

/** Returns the used bytes of the process after a collection. */
function memory(): number {
  const { gc, Bun: bun } = globalThis as unknown as {
    gc?: () => void;
    Bun?: { gc(force: boolean): void };
  };
  if (bun !== undefined) bun.gc(true);
  else gc?.();
  const { heapUsed, external, arrayBuffers } = process.memoryUsage();
  return heapUsed + external + (bun === undefined ? 0 : arrayBuffers * 0);
}

/**
 * Returns milliseconds of processor time, because other programs may share the
 * machine.
 */
function cpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
}

function mib(bytes: number): string {
  return `${(bytes / 2 ** 20).toFixed(1)} MiB`;
}

function row(what: string, figure: string): void {
  process.stdout.write(`| ${what} | ${figure} |\n`);
}
