/**
 * Imports go down, the core names no runtime, no clock and no generator, and
 * each check is shown a small bad example that it must refuse.
 *
 * @module
 */
import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { checkCycles, checkLevels, checkNames } from "./layers.ts";
import {
  codeOnly,
  importsOf,
  readSources,
  ROOT,
  type Source,
} from "./source.ts";

/** Stands in for a published package, so it is no part of the levels. */
const STAND_IN = "src/std_cli/";

const sources: Source[] = readSources("src", ".ts")
  .filter(({ path }) => !path.startsWith(STAND_IN) && !path.endsWith(".d.ts"));
if (existsSync(join(ROOT, "mod.ts"))) {
  sources.push({
    path: "mod.ts",
    text: readFileSync(join(ROOT, "mod.ts"), "utf8"),
  });
}

test("src imports only downwards", () => {
  assert.ok(sources.length > 10, "no sources found");
  assert.deepEqual(checkLevels(sources), []);
});

test("src has no import cycle", () => {
  assert.deepEqual(checkCycles(sources), []);
});

test("src names runtimes, clocks and generators only at the edge", () => {
  assert.deepEqual(checkNames(sources), []);
});

test("the project's files do not reach outside the project", () => {
  const outside = ["..", "shared"].join("/");
  const files = [
    ...readSources("src", ""),
    ...readSources("tests", ""),
    ...readSources("docs", ".md"),
    ...readSources(".ci", ""),
    ...["README.md", "ARCHITECTURE.md", "SECURITY.md", "CHANGELOG.md"]
      .filter((path) => existsSync(join(ROOT, path)))
      .map((path) => ({ path, text: readFileSync(join(ROOT, path), "utf8") })),
  ];
  const found = files.filter(({ text }) => text.includes(outside));
  assert.deepEqual(found.map(({ path }) => path), []);
});

const BAD_EDGES: [name: string, path: string, text: string, want: RegExp][] = [
  [
    "upwards",
    "src/codec/a.ts",
    'import type { S } from "../service/s.ts";',
    /^src\/codec\/a\.ts:1: .*upwards$/,
  ],
  [
    "sideways",
    "src/adapters/net/a.ts",
    '\nexport * from "../../admin/b.ts";',
    /^src\/adapters\/net\/a\.ts:2: .*sideways$/,
  ],
  [
    "an adapter above level 1",
    "src/adapters/a.ts",
    'import { x } from "../codec/b.ts";',
    /levels 0 and 1 only$/,
  ],
  [
    "an unknown folder",
    "src/misc/a.ts",
    "",
    /no known level$/,
  ],
  [
    "an unknown file",
    "src/utils.ts",
    "",
    /no known level$/,
  ],
  [
    "a dynamic import",
    "src/service/a.ts",
    'const m = await import("../adapters/deno.ts");',
    /upwards$/,
  ],
  [
    "noble outside crypto",
    "src/codec/a.ts",
    'import {\n  gcm,\n} from "@noble/ciphers/aes.js";',
    /belongs in crypto$/,
  ],
  [
    "an unknown package",
    "src/cli/a.ts",
    'import "left-pad";',
    /unknown package left-pad$/,
  ],
  [
    "node: in the core",
    "src/streams/a.ts",
    'import { Readable } from "node:stream";',
    /belongs in adapters, cli, main$/,
  ],
  [
    "what runs in a browser in what serves it",
    "src/admin/a.ts",
    'import { h } from "./dashboard/app.ts";',
    /sideways$/,
  ],
  [
    "a portable entry on an adapter",
    "src/service/mod.ts",
    'export { x } from "../adapters/net/deno.ts";',
    /upwards$/,
  ],
];

for (const [name, path, text, want] of BAD_EDGES) {
  test(`checkLevels() complains, when there is ${name}`, () => {
    const complaints = checkLevels([{ path, text }]);
    assert.equal(complaints.length, 1);
    assert.match(complaints[0]!, want);
  });
}

test("checkLevels() is content, when imports go down", () => {
  const text = `import { a } from "../errors.ts";
    import type { B } from "../codec/b.ts";
    import { c } from "./c.ts"; // not: import "../adapters/deno.ts"
    /** import { x } from "../cli/args.ts"; */`;
  assert.deepEqual(checkLevels([{ path: "src/streams/a.ts", text }]), []);
});

test("checkCycles() shows the way round, when types form a cycle", () => {
  const complaints = checkCycles([
    { path: "src/codec/a.ts", text: 'import { b } from "./b.ts";' },
    { path: "src/codec/b.ts", text: 'import type { A } from "./a.ts";' },
  ]);
  assert.deepEqual(complaints, [
    "Cycle: src/codec/a.ts → src/codec/b.ts → src/codec/a.ts",
  ]);
});

test("checkNames() complains, when a command asks which runtime it is", () => {
  const complaints = checkNames([
    { path: "src/cli/a.ts", text: '"Deno" in globalThis; process.exit()' },
    { path: "src/cli/b.ts", text: "Bun.gc()" },
  ]);
  assert.equal(complaints.length, 2);
});

for (
  const text of [
    "Deno.exit()",
    "const n = Bun;",
    "let x: Buffer;",
    "`${process.pid}`",
    "Date.now()",
    "setTimeout(f, 1)",
    "crypto.getRandomValues(b)",
    "new Date()",
    "AbortSignal.timeout(3)",
    "AbortSignal.any([a, b])",
  ]
) {
  test(`checkNames() complains, when the core says ${text}`, () => {
    const complaints = checkNames([{ path: "src/service/a.ts", text }]);
    assert.equal(complaints.length, 1);
    assert.match(complaints[0]!, /^src\/service\/a\.ts:1: .* belongs in /);
  });
}

test("checkNames() is content, when a name is only text or allowed", () => {
  assert.deepEqual(
    checkNames([
      { path: "src/codec/a.ts", text: '// Deno\nconst s = "Bun, process";' },
      { path: "src/codec/b.ts", text: "const r = /Date.now/; a.process();" },
      {
        path: "src/adapters/net/deno.ts",
        text: "Deno.listen(); setTimeout(f)",
      },
      { path: "src/clock.ts", text: "performance.now(); setTimeout(f)" },
    ]),
    [],
  );
});

test("codeOnly() keeps code and places, when text is nested", () => {
  const text = 'a("x//y"); /* Deno */ b(`p ${q({ r: `${s}` })} Bun`) / 2; // t';
  const code = codeOnly(text);
  assert.equal(code.length, text.length);
  assert.equal(code.replace(/\s+/g, ""), "a();b(q({r:s}))/2;");
});

test("importsOf() finds every form, when they span lines", () => {
  const text = `import a, { b } from "a";\nimport type {\n  C,\n} from 'b';
import "c";\nexport { d } from "d";\nexport type * as E from "e";
const f = await import("f");\ntype G = import("g").G;`;
  assert.deepEqual(
    importsOf(text).map(({ specifier }) => specifier),
    ["a", "b", "c", "d", "e", "f", "g"],
  );
  assert.deepEqual(importsOf('export const from = "x";\n// import "y"'), []);
});
