/**
 * The library as the README shows it: its examples, run as they stand there, on
 * both runtimes, through a server that is the library too.
 *
 * @module
 */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { keysFor, startServer } from "../../mod.ts";
import { formatServerUri } from "../../src/codec/uri.ts";
import type { ServerService } from "../../src/service/server/server.ts";
import { bunPath, denoPath, ROOT } from "../support/runtimes.ts";
import { WebSite } from "../support/web_site.ts";

const METHOD = "2022-blake3-aes-128-gcm";
const PASSWORD = "AAAAAAAAAAAAAAAAAAAAAA==";

describe("the library of the README", () => {
  const folder = mkdtempSync(join(tmpdir(), "umbra-library-"));
  let site: WebSite;
  let server: ServerService;
  let link: string;

  before(async () => {
    site = await WebSite.start();
    server = await startServer({
      listen: { host: "127.0.0.1", port: 0 },
      ...keysFor(METHOD, PASSWORD),
    });
    link = formatServerUri({
      method: METHOD,
      password: PASSWORD,
      ...server.address,
    });
  });

  after(async () => {
    await server.stop(0);
    await site[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true, force: true });
  });

  for (const runtime of ["deno", "bun"] as const) {
    test(`fetches a page in ten lines, on ${runtime}`, async () => {
      const page = `http://127.0.0.1:${site.address.port}/hello`;
      const output = await run(runtime, example("createFetch"), link, page);
      assert.match(output, /^200 /);
      assert.equal(site.requests.at(-1)!.url, "/hello");
    });

    test(`connects to a target, on ${runtime}`, async () => {
      const target = `127.0.0.1:${site.address.port}`;
      const output = await run(runtime, example("connect"), link, target);
      assert.match(output, /^HTTP\/1\.1 \d{3} /);
      assert.equal(site.requests.at(-1)!.method, "HEAD");
    });

    test(`says what is wrong with a link, on ${runtime}`, async () => {
      const output = await run(runtime, example("connect"), "http://x", "y:1");
      assert.match(output, /Cannot read ss:\/\/ URI|ss:\/\//);
    });
  }

  /** Runs it beside this process, which has the server in it. */
  async function run(
    runtime: "deno" | "bun",
    source: string,
    ...args: string[]
  ): Promise<string> {
    const path = join(folder, `${runtime}.ts`);
    writeFileSync(path, source);
    const { promise, resolve } = Promise.withResolvers<string>();
    const child = runtime === "bun"
      ? spawn(bunPath(), ["--no-install", path, ...args])
      : spawn(denoPath()!, [
        "run",
        "-A",
        "--quiet",
        "--config",
        join(ROOT, "deno.json"),
        path,
        ...args,
      ], {
        cwd: ROOT,
      });
    let output = "";
    for (const stream of [child.stdout, child.stderr]) {
      stream.on("data", (data) => output += data);
    }
    child.on("close", () => resolve(output));
    const timer = setTimeout(() => child.kill("SIGKILL"), 20_000);
    try {
      return await promise;
    } finally {
      clearTimeout(timer);
    }
  }
});

/** The README's example of a function, at most ten lines of code. */
function example(name: string): string {
  const readme = readFileSync(join(ROOT, "README.md"), "utf8");
  const [, code] = new RegExp(
    `\`\`\`ts\\n(import \\{ ${name} \\}[^\`]*)\`\`\``,
  ).exec(readme) ?? [];
  assert.ok(code, `the README has no example of ${name}()`);
  assert.ok(code.trim().split("\n").length <= 10);
  return code.replace("./mod.ts", join(ROOT, "mod.ts"));
}
