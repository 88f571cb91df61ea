/**
 * New strangers come faster than a server of 256 descriptors could keep each for
 * a quarter of a second, and stay: clients among them are served at their first
 * try, and no stranger is reset.
 *
 * @module
 */
import { spawnSync } from "node:child_process";
import assert from "node:assert/strict";
import { connect, type Socket } from "node:net";
import { test } from "node:test";
import { report } from "../support/report.ts";
import { command, Target } from "../support/target.ts";
import { pause } from "../support/within.ts";
import { Chain, OURS } from "./chain.ts";

/** New strangers a second: 80 places at 150 ms each are enough for 533. */
const RATE = 350;

/** Milliseconds until there are too many. */
const LEAD_MS = 2_000;

const CLIENTS = 16;

/** Milliseconds between two of them. */
const APART_MS = 200;

/** A busy machine lets some down. */
const SERVED = 13;
const MAX_RESET_SHARE = 0.1;

const skip = spawnSync("prlimit", ["--version"]).error
  ? "prlimit not found: apt-get install -y util-linux"
  : false;

for (const implementation of OURS) {
  // With the permissions it has here, Deno cannot see its limit.
  const flags = implementation === "deno" ? ["--max-connections", "80"] : [];
  const name = `server on ${implementation} serves clients among ${RATE} ` +
    "silent strangers a second";
  test(name, { skip }, async () => {
    await using target = await Target.start();
    await using chain = await Chain.start(
      { local: "deno", server: implementation },
      { serverUnder: ["prlimit", "--nofile=256:256"], flags },
    );
    using crowd = new Crowd(chain.server.address);
    await pause(LEAD_MS);
    const served = await Promise.all(
      Array.from({ length: CLIENTS }, async (_, i) => {
        await pause(i * APART_MS);
        return await isServed(chain, target);
      }),
    );
    const count = served.filter((one) => one).length;
    report(
      `${implementation}: ${count} of ${CLIENTS} clients served; ` +
        `${crowd.reset} of ${crowd.came} strangers reset`,
    );
    assert.ok(count >= SERVED, `${count} of ${CLIENTS} clients`);
    assert.ok(
      crowd.reset < crowd.came * MAX_RESET_SHARE,
      `${crowd.reset} of ${crowd.came} strangers were reset`,
    );
  });
}

async function isServed(chain: Chain, target: Target): Promise<boolean> {
  try {
    using stream = await chain.connect(target.address);
    await stream.write(command("echo"));
    const sent = command("hello");
    await stream.write(sent);
    const got = await stream.readExactly(sent.length);
    return got.every((byte, i) => byte === sent[i]);
  } catch {
    return false;
  }
}

/** Strangers that come at {@link RATE} and stay until they are closed. */
class Crowd implements Disposable {
  came = 0;
  reset = 0;
  readonly #startMs = performance.now();
  readonly #open = new Set<Socket>();
  readonly #timer: ReturnType<typeof setInterval>;

  constructor(
    { host, port }: { readonly host: string; readonly port: number },
  ) {
    this.#timer = setInterval(() => {
      const due = (performance.now() - this.#startMs) * RATE / 1_000;
      while (this.came < due) this.#knock(host, port);
    }, 5);
  }

  #knock(host: string, port: number): void {
    this.came++;
    const socket = connect({ host, port });
    this.#open.add(socket);
    socket.on("error", () => this.reset++);
    socket.on("close", () => this.#open.delete(socket));
    socket.resume();
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
    for (const socket of this.#open) socket.destroy();
  }
}
