/**
 * What is public: the export map exists, every symbol of it is documented, and
 * the portable core type-checks with the web's types alone.
 *
 * @module
 */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import {
  existsSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { after, test } from "node:test";
import { denoPath, ROOT } from "../support/runtimes.ts";
import { readSources } from "./source.ts";

const deno = denoPath();
const options = {
  skip: deno === undefined
    ? "needs the deno program: put it on PATH or run `deno task test`"
    : false,
};
const config = readJson("deno.json");
const portable = readJson("tests/portable.deno.json");
const bad = mkdtempSync(join(tmpdir(), "umbra-exports-"));
after(() => rmSync(bad, { recursive: true, force: true }));

test("deno.json exports files that exist", () => {
  const paths = Object.values<string>(config.exports);
  assert.ok(paths.length > 0);
  for (const path of paths) assert.ok(existsSync(join(ROOT, path)), path);
});

test("deno.json pins every npm package to one version", () => {
  for (const target of Object.values<string>(config.imports)) {
    if (target.startsWith("jsr:@std/cli@")) continue;
    assert.match(target, /^npm:(@[\w-]+\/)?[\w-]+@\d+\.\d+\.\d+$/);
  }
});

test("portable.deno.json names the same packages and options", () => {
  for (const [name, target] of Object.entries(portable.imports as object)) {
    assert.equal(target, config.imports[name]);
  }
  for (const [name, value] of Object.entries(config.compilerOptions)) {
    assert.equal(portable.compilerOptions[name], value, name);
  }
});

test("every public symbol is documented", options, () => {
  const result = runDeno(
    "doc",
    "--lint",
    ...Object.values<string>(config.exports),
  );
  assert.equal(result.status, 0, result.output);
});

test(
  "the documentation check complains, when a symbol has none",
  options,
  () => {
    const path = join(bad, "undocumented.ts");
    writeFileSync(path, "export const undocumented: number = 1;\n");
    const result = runDeno("doc", "--lint", path);
    assert.notEqual(result.status, 0);
    assert.match(result.output, /missing-jsdoc/);
  },
);

for (const entry of ["codec", "crypto", "session", "routes", "service"]) {
  test(`./${entry} type-checks with the web's types alone`, options, () => {
    const result = checkPortable(join(ROOT, config.exports[`./${entry}`]));
    assert.equal(result.status, 0, result.output);
  });
}

test("doctor uses nothing of the core that a library user does not get", () => {
  const names = new Set(
    Object.values<string>(config.exports).flatMap((path) =>
      [...readFileSync(join(ROOT, path), "utf8").matchAll(/\{([^}]*)\} from/g)]
        .flatMap(([, list]) => list!.split(",").map(bareName))
    ),
  );
  const missing = readSources("src/cli/doctor", ".ts").flatMap((
    { path, text },
  ) =>
    [...text.matchAll(CORE_IMPORT)].flatMap(([, list]) =>
      list!.split(",").map(bareName).filter((name) => name && !names.has(name))
        .map((name) => `${path}: ${name}`)
    )
  );
  assert.deepEqual(missing, []);
});

/** Imports of the command line from levels 0 to 5, but for constants. */
const CORE_IMPORT =
  /import (?:type )?\{([^}]*)\} from "\.\.\/\.\.\/(?:codec|crypto|session|security|streams|service|clock|errors|observe|random|transport)[/.][^"]*"/g;

function bareName(text: string): string {
  return text.replace(/\btype\b/, "").trim();
}

for (const name of ["Deno", "Bun", "Buffer", "process"]) {
  test(`the portable check complains, when code says ${name}`, options, () => {
    const path = join(bad, `${name}.ts`);
    writeFileSync(path, `export const found: unknown = ${name};\n`);
    const result = checkPortable(path);
    assert.notEqual(result.status, 0);
    assert.match(result.output, new RegExp(`Cannot find name '${name}'`));
  });
}

// deno-lint-ignore no-explicit-any -- JSON of our own, checked field by field
function readJson(path: string): any {
  return JSON.parse(readFileSync(join(ROOT, path), "utf8"));
}

function checkPortable(path: string): { status: number; output: string } {
  return runDeno(
    "check",
    "--config",
    join(ROOT, "tests", "portable.deno.json"),
    path,
  );
}

function runDeno(...args: string[]): { status: number; output: string } {
  const result = spawnSync(deno!, args, {
    cwd: ROOT,
    encoding: "utf8",
    env: { ...process.env, NO_COLOR: "1" },
    timeout: 60_000,
  });
  return {
    status: result.status ?? -1,
    output: result.stdout + result.stderr,
  };
}
