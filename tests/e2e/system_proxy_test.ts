/**
 * Tests a local as the proxy of the desktop: it is set when the local listens
 * and restored when it ends; after a kill the next local restores it. The
 * desktop is a program that keeps GNOME's values in files.
 */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import {
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import { GNOME_VALUES } from "../support/fake_desktop.ts";
import { freePort, Program, runToEnd } from "../support/process.ts";
import { programCommand } from "../support/program_command.ts";
import { announceSkip } from "../support/report.ts";
import { ROOT } from "../support/runtimes.ts";
import { findProgram } from "./clients.ts";

const SERVER = ["-s", "192.0.2.1:8388", "-k", "x"];

/** A script with `get` and `set` that keeps each value in a file. */
const GSETTINGS = `#!/bin/sh
file="$HOME/values/$2 $3"
case $1 in
get) exec cat "$file" ;;
set) printf '%s\\n' "$4" > "$file" ;;
esac
`;

/** The desktop of a user. */
class Desktop implements Disposable {
  readonly home = mkdtempSync(join(tmpdir(), "umbra-desktop-"));

  constructor() {
    mkdirSync(join(this.home, "values"));
    const path = join(this.home, "gsettings");
    writeFileSync(path, GSETTINGS, { mode: 0o755 });
    for (const [name, value] of Object.entries(GNOME_VALUES)) {
      writeFileSync(join(this.home, "values", name), `${value}\n`);
    }
  }

  /** The environment with which a program finds the desktop. */
  get variables(): Record<string, string> {
    return {
      HOME: this.home,
      PATH: `${this.home}:${process.env["PATH"]}`,
      XDG_STATE_HOME: join(this.home, "state"),
      XDG_CURRENT_DESKTOP: "GNOME",
    };
  }

  get values(): Record<string, string> {
    return Object.fromEntries(
      Object.keys(GNOME_VALUES).map((name) => [
        name,
        readFileSync(join(this.home, "values", name), "utf8").trim(),
      ]),
    );
  }

  get mode(): string {
    return this.values["org.gnome.system.proxy mode"]!;
  }

  [Symbol.dispose](): void {
    rmSync(this.home, { recursive: true, force: true });
  }
}

/** GNOME's own program, which keeps its values in a file. */
const REAL = findProgram(["gsettings"]) === undefined
  ? "gsettings not found: apt-get install -y libglib2.0-bin"
  : spawnSync("gsettings", ["get", "org.gnome.system.proxy", "mode"], {
      env: { ...process.env, GSETTINGS_BACKEND: "memory" },
    }).status === 0
  ? false
  : "no schema of GNOME: apt-get install -y gsettings-desktop-schemas";
if (REAL) announceSkip(REAL);

for (const runtime of ["deno", "bun"] as const) {
  test(
    `${runtime}: the gsettings of GNOME keep the proxy while the local runs`,
    {
      skip: REAL,
    },
    async () => {
      const home = mkdtempSync(join(tmpdir(), "umbra-gnome-"));
      const variables = {
        ...{ HOME: home, XDG_CONFIG_HOME: join(home, ".config") },
        ...{
          XDG_STATE_HOME: join(home, "state"),
          XDG_CURRENT_DESKTOP: "GNOME",
        },
        GSETTINGS_BACKEND: "keyfile",
      };
      const get = (...key: string[]): string =>
        spawnSync("gsettings", ["get", ...key], {
          env: { ...process.env, ...variables },
          encoding: "utf8",
        }).stdout.trim();
      try {
        await using local = await Program.start([
          ...[...programCommand(runtime, variables), "local", ...SERVER],
          ...["-l", `${await freePort()}`, "--system-proxy", "pac"],
        ], { ready: /ss-local listening/, cwd: ROOT });
        await local.waitForOutput(
          /system proxy: set to this local, pac/,
          5_000,
        );
        assert.equal(get("org.gnome.system.proxy", "mode"), "'auto'");
        assert.match(
          get("org.gnome.system.proxy", "autoconfig-url"),
          /^'http:\/\/127\.0\.0\.1:\d+\/proxy\.pac'$/,
        );
        assert.equal((await local.stop()).code, 0, local.describe());
        assert.equal(get("org.gnome.system.proxy", "mode"), "'none'");
      } finally {
        rmSync(home, { recursive: true, force: true });
      }
    },
  );

  test(`${runtime}: the desktop's proxy is a local while it runs, and what it was after a crash`, async () => {
    using desktop = new Desktop();
    const command = programCommand(runtime, desktop.variables);
    const port = await freePort();
    const start = (...flags: string[]): Promise<Program> =>
      Program.start(
        [...command, "local", ...SERVER, "-l", `${port}`, ...flags],
        { ready: /ss-local listening/, cwd: ROOT },
      );
    {
      await using local = await start("--system-proxy", "pac");
      await local.waitForOutput(/system proxy: set to this local, pac/, 5_000);
      assert.equal(desktop.mode, "'auto'");
      assert.equal(
        desktop.values["org.gnome.system.proxy autoconfig-url"],
        `'http://127.0.0.1:${port}/proxy.pac'`,
      );
      const { code } = await local.stop();
      assert.equal(code, 0, local.describe());
      assert.match(local.output, /system proxy: earlier setting restored/);
    }
    assert.deepEqual(desktop.values, GNOME_VALUES);
    {
      await using local = await start("--system-proxy", "http");
      await local.waitForOutput(/this local, http at 127/, 5_000);
      assert.equal(desktop.mode, "'manual'");
      local.signal("SIGKILL");
    }
    assert.equal(desktop.mode, "'manual'");
    {
      await using local = await start();
      await local.waitForOutput(/ended abnormally had left it at/, 5_000);
      assert.deepEqual(desktop.values, GNOME_VALUES);
    }
    const off = await runToEnd([...command, "system-proxy", "off"], 20_000, {
      cwd: ROOT,
    });
    assert.deepEqual([off.code, off.output], [
      0,
      "System proxy: nothing to restore\n",
    ]);
    const pac = await runToEnd(
      [
        ...[...command, "system-proxy", "pac", ...SERVER],
        ...["--socks-user", "a:b"],
      ],
      20_000,
      { cwd: ROOT },
    );
    assert.match(
      pac.output,
      /^http:\/\/127\.0\.0\.1:1080\/proxy\.pac\?t=[\w-]{22}\n$/,
    );
  });

  test(`${runtime}: a desktop that cannot be told keeps a local from starting`, async () => {
    using desktop = new Desktop();
    rmSync(join(desktop.home, "values", "org.gnome.system.proxy mode"));
    const { code, output } = await runToEnd(
      [
        ...programCommand(runtime, desktop.variables),
        ...["local", ...SERVER, "-l", `${await freePort()}`],
        ...["--system-proxy", "socks"],
      ],
      20_000,
      { cwd: ROOT },
    );
    assert.equal(code, 2, output);
    assert.match(
      output,
      /Cannot change the system's proxy: gsettings get failed/,
    );
  });
}
