/**
 * The index of decisions is whole: every file, every package with its version.
 *
 * @module
 */
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { ROOT } from "./source.ts";

const FOLDER = join(ROOT, "docs", "decisions");
const index = readFileSync(join(FOLDER, "README.md"), "utf8");

/** What is asked for instead of one version would be another tomorrow. */
const PINNED = /^npm:(?<name>.+)@(?<version>\d+\.\d+\.\d+)$/;

/** In our sources for as long as machines have no JSR; see decision 0002. */
const STAND_IN = "@std/cli";

test("docs/decisions/README.md names every decision by its title", () => {
  const files = readdirSync(FOLDER).filter((name) => /^\d{4}-/.test(name));
  assert.ok(files.length > 30);
  for (const file of files) {
    const [heading] = readFileSync(join(FOLDER, file), "utf8").split("\n", 1);
    const title = heading!.replace(/^# \d{4}: /, "");
    const line = `- [${file.slice(0, 4)}](${file}): ${title}`;
    // Long titles are wrapped.
    assert.ok(index.replace(/\n {2}/g, " ").includes(line), `missing: ${line}`);
  }
});

test("docs/decisions/README.md justifies every package, and each is pinned", () => {
  const { imports } = JSON.parse(
    readFileSync(join(ROOT, "deno.json"), "utf8"),
  ) as { imports: Record<string, string> };
  for (const [name, specifier] of Object.entries(imports)) {
    if (name === STAND_IN) continue;
    const { version } = PINNED.exec(specifier)?.groups ?? {};
    assert.ok(version, `${name} is not pinned: ${specifier}`);
    assert.ok(
      index.includes(`\`${name}\` ${version}`),
      `no line for ${name} ${version}`,
    );
  }
});
