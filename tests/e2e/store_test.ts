/**
 * One store in several processes of both runtimes: sums are exact, kill -9
 * takes back nothing that was said to be done, and a full disk is survived.
 */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { after, test } from "node:test";
import { Program, runToEnd } from "../support/process.ts";
import { bunPath, denoPath, ROOT } from "../support/runtimes.ts";

const folder = mkdtempSync(join(tmpdir(), "umbra-store-"));
after(() => rmSync(folder, { recursive: true, force: true }));

const WRITER = join(ROOT, "tests", "e2e", "store_writer.ts");
const RUNTIMES = {
  deno: [denoPath()!, "run", "--no-prompt", "--allow-read"],
  bun: [bunPath(), "--no-install"],
} as const;

test("four processes of both runtimes make a store and add exact sums", async () => {
  const path = join(folder, "shared");
  const ends = await Promise.all(
    ["deno", "bun", "deno", "bun"].map((runtime, place) =>
      runToEnd(writer(runtime, path, `user-${place}`, 100), 30_000)
    ),
  );
  for (const { code, output } of ends) {
    assert.equal(code, 0, output);
    assert.match(output, /^100$/m);
  }
  const { sums, users } = read(path);
  assert.deepEqual(sums, {
    "": [400, 800],
    "user-0": [100, 200],
    "user-1": [100, 200],
    "user-2": [100, 200],
    "user-3": [100, 200],
  });
  assert.equal(users, 400);
});

for (const runtime of ["deno", "bun"] as const) {
  test(`${runtime} loses nothing that it acknowledged, when it is killed beside another writer`, async () => {
    const path = join(folder, `killed-${runtime}`);
    await using other = await Program.start(writer("bun", path, "other", 300));
    for (let round = 0; round < 3; round++) {
      const name = `victim-${round}`;
      await using victim = await Program.start(
        writer(runtime, path, name, 1_000_000),
        { ready: new RegExp(`^${10 + 7 * round}$`, "m") },
      );
      victim.signal("SIGKILL");
      assert.equal((await victim.exited).signal, "SIGKILL");
      const told = Number(victim.output.trim().split("\n").at(-1));
      const { sums, names } = read(path);
      const kept = sums[name]![0]!;
      // The last one may have been done, and its word not.
      assert.ok(kept === told || kept === told + 1, `${kept} of ${told}`);
      assert.ok(names.includes(`${name}-${told}`));
    }
    const { code } = await other.exited;
    assert.equal(code, 0, other.describe());
    const { sums } = read(path);
    const { "": all, ...each } = sums;
    for (const place of [0, 1]) {
      const sum = Object.values(each).reduce((n, one) => n + one[place]!, 0);
      assert.equal(all![place], sum);
    }
    assert.equal(sums.other![0], 300);
  });

  test(`${runtime} reports a full disk, and what it kept is whole`, (t) => {
    const target = mkdtempSync(join(folder, "full-"));
    const kept = mkdtempSync(join(folder, "kept-"));
    const script = 'mount -t tmpfs -o size=256k none "$0"; "$@"; ' +
      `cp "$0"/store* ${kept}`;
    const trial = spawnSync("unshare", ["-m", "true"]);
    if (trial.status !== 0) return t.skip("SKIPPED, needs root and unshare");
    const path = join(target, "store");
    const { status, stdout, stderr } = spawnSync("unshare", [
      "-m",
      "sh",
      "-ec",
      script,
      target,
      ...writer(runtime, path, "user", 5_000),
    ], { encoding: "utf8", timeout: 30_000 });
    assert.equal(status, 0, stdout + stderr);
    const lines = stdout.trim().split("\n");
    assert.match(
      lines.at(-1)!,
      /^ERR_STORE_FULL Cannot .* in .*store: the disk is full; make room$/,
    );
    const told = Number(lines.at(-2));
    assert.ok(told > 0);
    assert.equal(read(join(kept, "store")).sums.user![0], told);
  });
}

test("Deno says which permission is missing", async () => {
  const path = join(folder, "denied");
  const command = [...RUNTIMES.deno, WRITER, path, "user", "1"];
  const { output } = await runToEnd(command, 20_000);
  assert.match(
    output,
    /ERR_CONFIG_STORE .*denied: Deno was not granted it; run with --allow-read and --allow-write/,
  );
});

test("an executable of Bun's has the store", async () => {
  const program = join(folder, "writer");
  const build = [bunPath(), "--no-install", "build", "--compile"];
  const built = await runToEnd(
    [...build, "--minify", `--outfile=${program}`, WRITER],
    60_000,
  );
  assert.equal(built.code, 0, built.output);
  const path = join(folder, "compiled");
  const { output } = await runToEnd([program, path, "user", "3"], 10_000, {
    env: {},
  });
  assert.match(output, /^3$/m);
  assert.deepEqual(read(path).sums.user, [3, 6]);
});

function writer(
  runtime: string,
  path: string,
  name: string,
  times: number,
): string[] {
  const command = runtime === "deno"
    ? [...RUNTIMES.deno, `--allow-write=${dirname(path)}`]
    : RUNTIMES.bun;
  return [...command, WRITER, path, name, String(times)];
}

/** What a file holds, read without our code; it must be whole. */
function read(
  path: string,
): { sums: Record<string, number[]>; users: number; names: unknown[] } {
  const database = new DatabaseSync(path, { timeout: 5_000 });
  try {
    const check = database.prepare("PRAGMA integrity_check").get()!;
    assert.equal(check.integrity_check, "ok");
    const sums = database.prepare("SELECT * FROM counts").all().map((row) => [
      row.name,
      [row.bytes_up, row.bytes_down],
    ]);
    const names = database.prepare("SELECT name FROM users").all()
      .map(({ name }) => name);
    return { sums: Object.fromEntries(sums), users: names.length, names };
  } finally {
    database.close();
  }
}
