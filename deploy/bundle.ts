/**
 * Bundles the sources into a few modules of plain JavaScript, which Deno's
 * compiler embeds. They load in a third of the time, and contain no package
 * that the program does not use. `build.ts` runs this script on Bun.
 *
 * Usage: `bun deploy/bundle.ts FOLDER BUILD`
 *
 * @module
 */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";

/** The part of Bun's bundler that is used. */
interface Bundler {
  build(options: {
    entrypoints: string[];
    outdir: string;
    target: "node";
    splitting: boolean;
    minify: Record<string, boolean>;
    define: Record<string, string>;
    plugins: { name: string; setup(hooks: Hooks): void }[];
  }): Promise<{ success: boolean }>;
}

interface Hooks {
  onResolve(
    options: { filter: RegExp },
    resolve: () => { path: string },
  ): void;
  onLoad(
    options: { filter: RegExp },
    load: (args: { path: string }) => { contents: string; loader: "ts" },
  ): void;
}

declare const Bun: Bundler;

const SOURCES = fileURLToPath(new URL("../src", import.meta.url));

/**
 * The place where the entry of a worker is named, and its name in the bundle.
 */
const WORKER = { source: '"./worker.ts"', joined: '"./worker.js"' };

const [outdir, build] = process.argv.slice(2);
if (outdir === undefined || build === undefined) {
  throw new Error("Usage: bun deploy/bundle.ts FOLDER BUILD");
}
await Bun.build({
  entrypoints: [join(SOURCES, "main.ts"), join(SOURCES, "worker.ts")],
  outdir,
  target: "node",
  splitting: true,
  minify: {
    whitespace: true,
    syntax: true,
    identifiers: true,
    // The names of error classes must be kept, because errors are distinguished
    // by them.
    keepNames: true,
  },
  define: { "process.env.UMBRA_BUILD": JSON.stringify(build) },
  plugins: [{ name: "umbra", setup }],
});

function setup(hooks: Hooks): void {
  // Its CommonJS half loads its parts by calls that no bundler can resolve.
  hooks.onResolve({ filter: /^jsonc-parser$/ }, () => ({
    path: createRequire(import.meta.url).resolve("jsonc-parser")
      .replace("/umd/", "/esm/"),
  }));
  hooks.onLoad({ filter: /[/\\]src[/\\]main\.ts$/ }, ({ path }) => {
    const text = readFileSync(path, "utf8");
    if (!text.includes(WORKER.source)) {
      throw new Error(`${path} does not name ${WORKER.source}`);
    }
    return {
      contents: text.replace(WORKER.source, WORKER.joined),
      loader: "ts",
    };
  });
}
