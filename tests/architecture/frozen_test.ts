/**
 * What is installed is what `deno.lock` says, wherever anything installs.
 *
 * @module
 */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { ROOT } from "../support/runtimes.ts";

/** Every file of the project that may tell how to install. */
function files(): string[] {
  const listed = execFileSync("git", ["ls-files"], {
    cwd: ROOT,
    encoding: "utf8",
  });
  return listed.trim().split("\n").filter((path) =>
    /\.(md|json|ts|sh|yml)$|^\.ci\//.test(path) &&
    !/^tests\/(vectors|data)\/|_test\.ts$|dashboard_page\.ts$/.test(path)
  );
}

test("packages are installed as deno.lock has them", () => {
  let found = 0;
  for (const path of files()) {
    const text = readFileSync(join(ROOT, path), "utf8");
    for (
      const [line, rest] of text.matchAll(
        /(?:deno|"\$\{deno\[@\]\}") install\b(.*)/g,
      )
    ) {
      found++;
      assert.match(rest!, /--frozen/, `${path}: ${line}`);
    }
  }
  assert.ok(found >= 4, `${found}`);
});

test("deno task audit asks for advisories on what deno.lock has", () => {
  const { tasks } = JSON.parse(readFileSync(join(ROOT, "deno.json"), "utf8"));
  assert.match(tasks.audit.command, /^deno audit --frozen/);
});
