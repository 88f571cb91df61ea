/**
 * Bundles the dashboard's sources into one module,
 * `src/admin/dashboard_page.ts`, from which the program serves it. A test fails
 * if the module is outdated.
 *
 * Usage: `deno task page`. Bun's bundler, which `deno.json` pins, makes a
 * script of the sources and of uPlot. The policy of the page lists the hashes
 * of script and style, and allows nothing else.
 *
 * @module
 */
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { bunPath, ROOT } from "./runtimes.ts";

const SOURCES = join(ROOT, "src", "admin", "dashboard");

/** Path of the output of {@link generatePage}. */
export const PAGE_MODULE: string = join(
  ROOT,
  "src",
  "admin",
  "dashboard_page.ts",
);

if (import.meta.main) {
  const text = generatePage();
  writeFileSync(PAGE_MODULE, text);
  process.stdout.write(`${PAGE_MODULE}: ${text.length} characters\n`);
}

/** Returns the text of the module from the present sources. */
export function generatePage(): string {
  const script = bundle("app.ts");
  // Bun's bundler would reorder properties whose order matters.
  const style = readSource("style.css");
  // The licence must be in every copy.
  const licence = readFileSync(
    join(ROOT, "node_modules", "uplot", "LICENSE"),
    "utf8",
  );
  const html = readSource("page.html")
    .replace("<!--licence-->", () => `<!--uPlot: ${licence}-->`)
    .replace("<!--style-->", () => `<style>${style}</style>`)
    .replace("<!--script-->", () => `<script>${script}</script>`);
  const policy = [
    "default-src 'none'",
    `script-src '${hashOf(script)}'`,
    `style-src '${hashOf(style)}'`,
    "img-src data:",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
  ].join("; ");
  return `/**
 * The dashboard, one HTML document. Made by \`deno task page\` from the files
 * in \`dashboard/\`: change those.
 *
 * @module
 */
// deno-fmt-ignore-file
// deno-lint-ignore-file

import type { AdminPage } from "./admin_handler.ts";

/** What the operator's port serves at \`/\`. Contains uPlot. */
export const dashboardPage: AdminPage = {
  csp: ${JSON.stringify(policy)},
  html: ${JSON.stringify(html)},
};
`;
}

/** @throws {Error} With the message of the bundler if it fails. */
function bundle(file: string): string {
  const { status, stdout, stderr } = spawnSync(
    bunPath(),
    [
      "--no-install",
      "build",
      "--target=browser",
      "--format=iife",
      // Names are not shortened: all would change with any changed module.
      "--minify-whitespace",
      "--minify-syntax",
      join(SOURCES, file),
    ],
    { cwd: ROOT, encoding: "utf8", maxBuffer: 8 * 1_024 * 1_024 },
  );
  if (status !== 0) throw new Error(`Cannot bundle ${file}: ${stderr}`);
  // The text would end the script element.
  if (/<\/script/i.test(stdout)) {
    throw new Error(`Cannot embed ${file}: it contains </script`);
  }
  return stdout.trim();
}

/** Returns a source without its indentation. */
function readSource(file: string): string {
  return readFileSync(join(SOURCES, file), "utf8").replace(/\n\s+/g, "\n");
}

function hashOf(text: string): string {
  return `sha256-${createHash("sha256").update(text).digest("base64")}`;
}
