/**
 * `umbra top` on both runtimes: as text, as JSON, and on a terminal, which it
 * must give back as it was.
 *
 * @module
 */
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { after, test } from "node:test";
import { DashboardSite } from "../support/dashboard_site.ts";
import { runToEnd } from "../support/process.ts";
import { announceSkip } from "../support/report.ts";
import { SampleProgram } from "../support/sample_status.ts";
import { programCommand } from "../support/program_command.ts";
import { until } from "../support/within.ts";
import { missingPrograms } from "./clients.ts";

/** Milliseconds a program may take. */
const PATIENCE_MS = 20_000;

const TERMINAL_SKIP = missingPrograms(["script"], "bsdutils");
if (TERMINAL_SKIP) announceSkip(TERMINAL_SKIP);

const folder = mkdtempSync(join(tmpdir(), "umbra-top-"));
after(() => rmSync(folder, { recursive: true, force: true }));

function startSite(
  options: { token?: string; path?: string } = {},
): Promise<DashboardSite> {
  const program = new SampleProgram({ users: 5 });
  return DashboardSite.start({ program, ...options });
}

for (const runtime of ["deno", "bun"] as const) {
  const top = (...args: string[]): string[] => [
    ...programCommand(runtime),
    "top",
    ...args,
  ];
  const run = (...args: string[]): ReturnType<typeof runToEnd> =>
    runToEnd(top(...args), PATIENCE_MS);

  test(`umbra top prints one look on ${runtime}, when there is no terminal`, async () => {
    await using site = await startSite({ token: "a-token-of-sixteen" });
    const file = join(folder, "token");
    writeFileSync(file, "a-token-of-sixteen\n");
    const at = ["--admin", new URL(site.url).host, "--token-file", file];
    const [text, json] = await Promise.all([run(...at), run(...at, "--json")]);
    assert.equal(text.code, 0, text.output);
    assert.match(text.output, /^umbra 0\.2\.0, server on .*, ready$/m);
    assert.match(text.output, /^down +[\d.]+ Mbit\/s$/m);
    assert.match(text.output, /^alice +connected/m);
    assert.ok(!text.output.includes("\x1b"));
    assert.equal(JSON.parse(json.output).servers[0].users[0].name, "alice");
  });

  test(`umbra top says on ${runtime} what is wrong, in one line`, async () => {
    await using locked = await startSite({ token: "a-token-of-sixteen" });
    const { host } = new URL(locked.url);
    const [nobody, token, nowhere] = await Promise.all([
      run("--admin", "127.0.0.1:1"),
      run("--admin", host),
      run(),
    ]);
    assert.match(
      nobody.output,
      /^umbra: .*127\.0\.0\.1:1: no program listens.*\n$/,
    );
    assert.match(token.output, /^umbra: .*give --admin-token-file FILE\n$/);
    assert.match(
      nowhere.output,
      /^umbra: Missing program: give its --admin .*\n$/,
    );
    assert.deepEqual([nobody.code, token.code, nowhere.code], [1, 2, 2]);
  });

  test(`umbra top asks a unix socket on ${runtime}`, async () => {
    const path = join(folder, `${runtime}.sock`);
    await using _site = await startSite({ path });
    const { code, output } = await run("--admin", `unix:${path}`, "--json");
    assert.equal(code, 0, output);
    assert.equal(JSON.parse(output).role, "server");
  });

  for (const [how, code] of [["q", 0], ["Ctrl C", 0], ["SIGTERM", 143]]) {
    test(
      `umbra top gives the terminal back on ${runtime}, when ${how} ends it`,
      {
        skip: TERMINAL_SKIP,
      },
      async () => {
        await using site = await startSite();
        using terminal = new Terminal(top("--admin", new URL(site.url).host));
        await terminal.shows(/q quit.*r down now\*/);
        await terminal.shows(/alice/);
        terminal.type("n");
        await terminal.shows(/n name\*/);
        if (how === "SIGTERM") terminal.terminate();
        else terminal.type(how === "q" ? "q" : "\x03");
        assert.equal(await terminal.ended(), code);
        const [enter, leave] = ["\x1b[?1049h", "\x1b[?1049l"].map((sequence) =>
          terminal.output.split(sequence).length - 1
        );
        assert.deepEqual([enter, leave], [1, 1]);
        assert.ok(terminal.output.includes("\x1b[?25h"), "no cursor");
      },
    );
  }
}

/** A terminal, made by script(1), with a program in it. */
class Terminal implements Disposable {
  output = "";
  readonly #child: ChildProcess;
  readonly #files = mkdtempSync(join(folder, "terminal-"));

  constructor(command: readonly string[]) {
    const words = command.map((word) => `'${word}'`).join(" ");
    const inside = [
      "stty cols 90 rows 24",
      "stty -g > before",
      `sh -c 'echo $$ > pid; exec "$@"' sh ${words}`,
      "code=$?",
      "stty -g > after",
      "exit $code",
    ].join("; ");
    this.#child = spawn("script", ["-qfec", inside, "/dev/null"], {
      cwd: this.#files,
      stdio: ["pipe", "pipe", "inherit"],
    });
    this.#child.stdout!.setEncoding("utf8");
    this.#child.stdout!.on("data", (text) => this.output += text);
  }

  async shows(pattern: RegExp): Promise<void> {
    await until(
      PATIENCE_MS,
      `${pattern} is shown`,
      () => pattern.test(this.output),
    );
  }

  type(keys: string): void {
    this.#child.stdin!.write(keys);
  }

  terminate(): void {
    process.kill(Number(this.#read("pid")), "SIGTERM");
  }

  /** @returns The exit code; the terminal is as it was before. */
  async ended(): Promise<number> {
    const [code] = await once(this.#child, "close");
    assert.equal(this.#read("after"), this.#read("before"));
    return code;
  }

  /** Ends what a failed test left running. */
  [Symbol.dispose](): void {
    this.#child.kill("SIGKILL");
  }

  #read(name: string): string {
    return readFileSync(join(this.#files, name), "utf8");
  }
}
