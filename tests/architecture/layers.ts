/**
 * The rules of the import levels, as functions from sources to complaints. An
 * import only ever goes down; ARCHITECTURE.md draws the levels.
 *
 * @module
 */
import { posix } from "node:path";
import { codeOnly, importsOf, lineOf, type Source } from "./source.ts";

/** Files directly under `src/`, all of level 0. */
const LEVEL_0 = [
  "errors",
  "buffer_pool",
  "bytes",
  "limits",
  "clock",
  "idle_timer",
  "on_abort",
  "roster",
  "timer_wheel",
  "random",
  "recently_used",
  "slots",
  "text",
  "transport",
  "programs",
  "minutes",
  "network_changes",
  "observe",
  "posted",
  "users",
  "fleet",
  "defect",
  "dial_times",
];

/** Level of each folder under `src/`. */
const LEVELS: Readonly<Record<string, number>> = {
  crypto: 1,
  codec: 2,
  session: 3,
  routes: 3,
  security: 2.5,
  streams: 4,
  service: 5,
  adapters: 6,
  admin: 6,
  // What `mod.ts` gives: services joined to the adapters of this system.
  library: 6.5,
  // Runs in a browser; the generated page beside it is what we serve.
  "admin/dashboard": 6,
  cli: 7,
};

/** Level of `src/main.ts` and `src/worker.ts`, the entries. */
const MAIN_LEVEL = 8;

/** Who may import which package; everything else is refused. */
const PACKAGES: readonly (readonly [prefix: string, folders: string[]])[] = [
  ["@noble/", ["crypto"]],
  ["@std/cli/", ["cli"]],
  ["ioredis", ["adapters"]],
  ["jsonc-parser", ["cli"]],
  ["mmdb-lib", ["adapters"]],
  ["prom-client", ["admin"]],
  ["qr", ["admin", "admin/dashboard"]],
  ["uplot", ["admin/dashboard"]],
  ["yaml", ["cli"]],
  ["node:", ["adapters", "cli", "main"]],
];

/** Globals of runtimes, and who may use them. */
const RUNTIME_NAMES = /(?<![.\w$])(?:Deno|Bun)\b(?!\s*\??:)/g;
const RUNTIME_PLACES = ["adapters", "main"];

/** Globals that both runtimes have from Node, and who may use them. */
const NODE_NAMES = /(?<![.\w$])(?:Buffer|process)\b(?!\s*\??:)/g;
const NODE_PLACES = ["adapters", "cli", "main"];

/** Asking which runtime it is. */
const RUNTIME_QUESTION = /"(?:Deno|Bun)" in globalThis/g;

/**
 * Sources of time and randomness, and who may touch them. A signal of
 * `AbortSignal.any()` stays in memory as long as the longest-lived of its
 * parents: the core has `JointStop`.
 */
const AMBIENT_NAMES =
  /\b(?:Date\.now|performance\.now|setTimeout|setInterval|AbortSignal\.(?:any|timeout)|Math\.random|getRandomValues|new Date)\b/g;
const AMBIENT_PLACES = [
  ...["clock", "random", "adapters", "cli", "admin/dashboard"],
];

/** Where a file stands: its folder (or bare name) and its level. */
interface Place {
  readonly name: string;
  readonly level: number;
}

/** Imports that go up or sideways, unknown folders, unknown packages. */
export function checkLevels(sources: readonly Source[]): string[] {
  const complaints: string[] = [];
  for (const { path, text } of sources) {
    const from = placeOf(path);
    if (from === undefined) {
      complaints.push(`${path}: is in no known level`);
      continue;
    }
    for (const { specifier, line } of importsOf(text)) {
      const complaint = specifier.startsWith(".")
        ? checkEdge(path, from, specifier)
        : checkPackage(from, specifier);
      if (complaint) complaints.push(`${path}:${line}: ${complaint}`);
    }
  }
  return complaints;
}

/** Imports that lead back to where they started, as `a → b → a`. */
export function checkCycles(sources: readonly Source[]): string[] {
  const edges = new Map(sources.map(({ path, text }) => [
    path,
    importsOf(text).map(({ specifier }) => resolve(path, specifier)),
  ]));
  const complaints: string[] = [];
  const finished = new Set<string>();
  const visit = (path: string, trail: readonly string[]): void => {
    if (trail.includes(path)) {
      const cycle = trail.slice(trail.indexOf(path)).concat(path);
      complaints.push(`Cycle: ${cycle.join(" → ")}`);
      return;
    }
    if (finished.has(path)) return;
    for (const next of edges.get(path) ?? []) visit(next, [...trail, path]);
    finished.add(path);
  };
  for (const path of edges.keys()) visit(path, []);
  return complaints;
}

/** Runtime globals, clocks and random sources in files that may not use them. */
export function checkNames(sources: readonly Source[]): string[] {
  return sources.flatMap((source) => [
    ...findNames(source, RUNTIME_NAMES, RUNTIME_PLACES),
    ...findNames(source, NODE_NAMES, NODE_PLACES),
    ...findNames(source, RUNTIME_QUESTION, RUNTIME_PLACES, source.text),
    ...findNames(source, AMBIENT_NAMES, AMBIENT_PLACES),
  ]);
}

function checkEdge(
  path: string,
  from: Place,
  specifier: string,
): string | undefined {
  const target = resolve(path, specifier);
  // The version stands there and nowhere else.
  if (target === "deno.json" && from.name === "cli") return undefined;
  const to = placeOf(target);
  if (to === undefined) return `imports ${target}, which is in no known level`;
  const edge =
    `level ${from.level} (${from.name}) imports level ${to.level} (${target})`;
  if (to.name === from.name || (from.level === 0 && to.level === 0)) {
    return undefined;
  }
  // A folder inside another knows its surroundings; not the other way round.
  if (from.name.startsWith(`${to.name}/`)) return undefined;
  if (to.level > from.level) return `${edge}: upwards`;
  if (to.level === from.level) return `${edge}: sideways`;
  if (from.name === "adapters" && to.level > 1) {
    return `${edge}: adapters know levels 0 and 1 only`;
  }
  return undefined;
}

function checkPackage(from: Place, specifier: string): string | undefined {
  const rule = PACKAGES.find(([prefix]) => specifier.startsWith(prefix));
  if (rule === undefined) return `imports the unknown package ${specifier}`;
  return rule[1].includes(from.name)
    ? undefined
    : `${specifier} belongs in ${rule[1].join(", ")}`;
}

function findNames(
  { path, text }: Source,
  names: RegExp,
  places: readonly string[],
  code: string = codeOnly(text),
): string[] {
  const place = placeOf(path);
  if (place === undefined || places.includes(place.name)) return [];
  return [...code.matchAll(names)].map((match) =>
    `${path}:${lineOf(code, match.index)}: ${match[0]} belongs in ${
      places.join(", ")
    }`
  );
}

/**
 * `undefined` for what is in no level. `mod.ts` re-exports the library; the
 * version in `deno.json` does not concern the code below the command line.
 */
function placeOf(path: string): Place | undefined {
  if (path === "deno.json") return { name: path, level: 6.5 };
  if (path === "mod.ts") return { name: "mod.ts", level: 7.5 };
  // Texts of a language are data beside the code that says them.
  const match = /^src\/(?:(\w+(?:\/\w+)*)\/)?(\w+)\.(?:ts|json)$/.exec(path);
  if (match === null) return undefined;
  const [, folder, file] = match;
  if (folder !== undefined) {
    // A folder inside another one belongs to it, unless it has its own rules.
    const name = folder in LEVELS ? folder : folder.split("/")[0]!;
    const level = LEVELS[name];
    return level === undefined ? undefined : { name, level };
  }
  if (file === "main" || file === "worker") {
    return { name: "main", level: MAIN_LEVEL };
  }
  return LEVEL_0.includes(file!) ? { name: file!, level: 0 } : undefined;
}

function resolve(path: string, specifier: string): string {
  return specifier.startsWith(".")
    ? posix.join(posix.dirname(path), specifier)
    : specifier;
}
