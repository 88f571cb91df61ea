/**
 * The recipe of docs/redir.md for a TUN device in front of a local: a LAN and
 * the machine itself reach the world through it, over TCP and UDP.
 */
import {
  existsSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import assert from "node:assert/strict";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { Program } from "../support/process.ts";
import { programCommand } from "../support/program_command.ts";
import { announceSkip } from "../support/report.ts";
import { ROOT } from "../support/runtimes.ts";
import { KEY, Scene, SCENE_SKIP } from "./redir_scene.ts";
import { SING_BOX } from "./stream_peers.ts";

const skip = SCENE_SKIP || tunSkip();
if (skip) announceSkip(skip);

function tunSkip(): string | false {
  if (!existsSync("/dev/net/tun")) return "a TUN device needs /dev/net/tun";
  return !existsSync(SING_BOX) &&
    `a TUN device needs ${SING_BOX}: run .ci/peers`;
}

/** The blocks of the recipe, by the word after their three backticks. */
const RECIPE: Readonly<Record<string, string>> = Object.fromEntries(
  [
    ...readFileSync(join(ROOT, "docs/redir.md"), "utf8")
      .split("## A TUN device")[1]!.matchAll(/^```(\w+)\n(.*?)^```/gms),
  ].map(([, word, text]) => [word!, text!]),
);

for (const runtime of ["deno", "bun"] as const) {
  test(`${runtime}: a TUN device leads a LAN and this machine to a local`, {
    skip,
  }, async () => {
    using scene = new Scene();
    const folder = mkdtempSync(join(tmpdir(), "umbra-tun-"));
    using _folder = {
      [Symbol.dispose]: () => rmSync(folder, { recursive: true }),
    };
    await using _world = await scene.world(runtime);
    await using _local = await Program.start(
      [
        ...[...scene.near.under, ...programCommand(runtime), "local", "-u"],
        ...["-s", "10.66.0.2:8388", ...KEY],
      ],
      { ready: /ss-local listening/, cwd: ROOT },
    );
    const config = join(folder, "tun.json");
    writeFileSync(config, RECIPE["json"]!);
    await using tun = await Program.start(
      [...scene.near.under, SING_BOX, "run", "-c", config],
      { ready: /sing-box started/ },
    );
    for (const line of RECIPE["sh"]!.trim().split("\n")) {
      if (!line.startsWith("#")) {
        scene.near.run(
          line.replace("SERVER", "10.66.0.2").replace("GATEWAY", "10.66.0.2"),
        );
      }
    }
    await scene.check();
    assert.doesNotMatch(tun.output, /FATAL|panic/);
  });
}
