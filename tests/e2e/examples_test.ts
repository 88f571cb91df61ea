/**
 * Every configuration in docs/examples: `umbra check config` has nothing to say
 * against it, and it starts, on ports that are free here.
 *
 * @module
 */
import assert from "node:assert/strict";
import {
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { freePort, Program, runToEnd } from "../support/process.ts";
import { programCommand } from "../support/program_command.ts";
import { ROOT } from "../support/runtimes.ts";

const EXAMPLES = join(ROOT, "docs", "examples");

const folder = mkdtempSync(join(tmpdir(), "umbra-examples-"));
after(() => rmSync(folder, { recursive: true, force: true }));

const names = readdirSync(EXAMPLES).filter((name) => name.endsWith(".json"));

test("the list of examples has them all", () => {
  const list = readFileSync(join(EXAMPLES, "README.md"), "utf8");
  const listed = [...list.matchAll(/^\| \[([\w.-]+)\]/gm)]
    .map(([, name]) => name);
  assert.deepEqual(listed.toSorted(), names.toSorted());
});

for (const [i, name] of names.entries()) {
  const runtime = i % 2 === 0 ? "bun" : "deno";
  test(`${name} is checked and starts, on ${runtime}`, async () => {
    const file = join(folder, name);
    writeFileSync(file, await withFreePorts(join(EXAMPLES, name)), {
      mode: 0o600,
    });
    const program = programCommand(runtime);
    const role = name.split(/[-.]/)[0]!;
    const checked = runToEnd([...program, "check", "config", file], 30_000, {
      cwd: ROOT,
    });
    await using running = await Program.start([...program, role, "-c", file], {
      cwd: ROOT,
      ready: /listening on/,
    });
    const { code, output } = await checked;
    assert.equal(code, 0, output);
    assert.match(output, /^0 to change, 0 ignored/m);
    assert.doesNotMatch(output, /Warnings/);
    assert.doesNotMatch(running.output, /WARN|ERROR/);
  });
}

/** The text of an example, with a free port for each of those it listens on. */
async function withFreePorts(path: string): Promise<string> {
  const text = readFileSync(path, "utf8");
  const ports = /((?:local|server)_port": |"(?=838\d":)|127\.0\.0\.1:)\d+/g;
  const free = await Promise.all(text.match(ports)!.map(() => freePort()));
  return text.replace(ports, (_, before: string) => `${before}${free.pop()}`);
}
