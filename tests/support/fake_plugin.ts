/**
 * A plugin of SIP003 and SIP003u that only forwards, and does what its options
 * say besides: `exit=CODE` ends it at once, `after=MS` later, `deaf` lets it
 * never listen, `stubborn` ignores SIGTERM, `pid` prints its process id, `env=FILE` writes
 * its environment there.
 *
 * Run by Bun: `fakePlugin()` makes a program of it.
 *
 * @module
 */
import { createSocket } from "node:dgram";
import { connect, createServer } from "node:net";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { bunPath, ROOT } from "./runtimes.ts";

/** A program that can be used as a plugin. */
export interface FakePlugin extends Disposable {
  /** The folder it is in. */
  readonly folder: string;
  /** Its full path. */
  readonly path: string;
}

/**
 * Writes the program into a new folder.
 *
 * @param name The file name.
 */
export function fakePlugin(name = "fake-plugin"): FakePlugin {
  const folder = mkdtempSync(join(tmpdir(), "umbra-plugin-"));
  const path = join(folder, name);
  const source = join(ROOT, "tests", "support", "fake_plugin.ts");
  writeFileSync(
    path,
    `#!/bin/sh\nexec '${bunPath()}' --no-install '${source}' "$@"\n`,
  );
  chmodSync(path, 0o755);
  return {
    folder,
    path,
    [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }),
  };
}

if (import.meta.main) run();

function run(): void {
  const env = process.env;
  const options = new Map(
    (env["SS_PLUGIN_OPTIONS"] ?? "").split(";").map((one) => {
      const [key = "", value = ""] = one.split("=");
      return [key, value] as const;
    }),
  );
  const say = (text: string): void => {
    process.stderr.write(`${text}\n`);
  };
  if (options.has("pid")) say(`pid ${process.pid}`);
  const file = options.get("env");
  if (file !== undefined) writeFileSync(file, JSON.stringify(env));
  if (options.has("stubborn")) process.on("SIGTERM", () => say("SIGTERM"));
  if (options.has("exit")) {
    const exit = (): void => {
      say("I must go");
      process.exit(Number(options.get("exit")));
    };
    const after = options.get("after");
    if (after === undefined) return exit();
    setTimeout(exit, Number(after));
  }
  if (options.has("deaf")) return void setInterval(() => {}, 60_000);
  const local = {
    host: env["SS_LOCAL_HOST"]!,
    port: Number(env["SS_LOCAL_PORT"]),
  };
  const remote = {
    host: env["SS_REMOTE_HOST"]!,
    port: Number(env["SS_REMOTE_PORT"]),
  };
  const isServer = options.has("server");
  const [from, to] = isServer ? [remote, local] : [local, remote];
  createServer((socket) => {
    const onward = connect(to);
    for (const one of [socket, onward]) {
      one.on("error", () => [socket, onward].forEach((end) => end.destroy()));
    }
    socket.pipe(onward).pipe(socket);
  }).listen(from);
  forwardDatagrams(from, to);
}

/** Opens one socket for each sender. */
function forwardDatagrams(
  from: { readonly host: string; readonly port: number },
  to: { readonly host: string; readonly port: number },
): void {
  const front = createSocket("udp4");
  const onward = new Map<string, ReturnType<typeof createSocket>>();
  front.on("message", (message, { address, port }) => {
    const key = `${address} ${port}`;
    const known = onward.get(key) ?? createSocket("udp4");
    if (!onward.has(key)) {
      onward.set(key, known);
      known.on("message", (answer) => front.send(answer, port, address));
    }
    known.send(message, to.port, to.host);
  });
  front.on("error", (error) => process.stderr.write(`${error.message}\n`));
  front.bind(from.port, from.host);
}
