/**
 * A local with two servers of which the first is killed, frozen, gone for
 * packets, or has another password: how many requests fail, and for how long.
 */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { freePort, Program, type Signal } from "../support/process.ts";
import { ROOT } from "../support/runtimes.ts";
import { programCommand } from "../support/program_command.ts";
import { command, Target } from "../support/target.ts";
import { report } from "../support/report.ts";
import { type Address, socksConnect } from "../support/tcp.ts";
import { within } from "../support/within.ts";
import {
  type End,
  type Implementation,
  LIBEV_SKIP,
  METHOD,
  PASSWORD,
  startServer,
} from "./chain.ts";

const REQUESTS = 120;
const INTERVAL_MS = 250;

/** How long an application waits for its answer. */
const PATIENCE_MS = 3_000;

/** The locals under test. */
const OURS = ["deno", "bun"] as const;

/** The server of these tests: what starts fastest. */
const SERVER: Implementation = LIBEV_SKIP ? "bun" : "libev";

/** How many requests got no answer, and when the last of them was made. */
interface Outcome {
  readonly failed: number;
  readonly lastMs: number;
}

/** A local, two servers and a target. */
class Scene implements AsyncDisposable {
  readonly servers: readonly [End, End];
  readonly local: Address;
  readonly program: Program;
  readonly target: Target;

  private constructor(
    servers: readonly [End, End],
    local: Address,
    program: Program,
    target: Target,
  ) {
    this.servers = servers;
    this.local = local;
    this.program = program;
    this.target = target;
  }

  /** @param passwords Of both servers, as the local knows them. */
  static async start(
    implementation: (typeof OURS)[number],
    passwords: readonly [string, string] = [PASSWORD, PASSWORD],
  ): Promise<Scene> {
    const servers = [await startServer(SERVER), await startServer(SERVER)];
    const port = await freePort();
    const program = await Program.start([
      ...programCommand(implementation),
      "local",
      ...["-c", config(servers, passwords), "-l", `${port}`],
    ], { ready: /listening on/, cwd: ROOT });
    return new Scene(
      servers as [End, End],
      { host: "127.0.0.1", port },
      program,
      await Target.start(),
    );
  }

  /** True if a request was answered in time. */
  async ask(): Promise<boolean> {
    try {
      using stream = await within(
        PATIENCE_MS,
        () => "a way",
        socksConnect(this.local, this.target.address),
      );
      await stream.write(command("echo\nping"));
      await within(PATIENCE_MS, () => "an answer", stream.readExactly(4));
      return true;
    } catch {
      // Whatever went wrong, the application has no answer.
      return false;
    }
  }

  /** Makes a request each 250 ms. */
  async askFor(count: number): Promise<Outcome> {
    const startMs = performance.now();
    const failures: number[] = [];
    const asking: Promise<void>[] = [];
    for (let i = 0; i < count; i++) {
      const atMs = i * INTERVAL_MS;
      await sleep(Math.max(0, startMs + atMs - performance.now()));
      asking.push(
        this.ask().then((ok) => {
          if (!ok) failures.push(atMs);
        }),
      );
    }
    await Promise.all(asking);
    return { failed: failures.length, lastMs: Math.max(0, ...failures) };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // One that stands still does not end by itself.
    for (const { program } of this.servers) program.signal("SIGCONT");
    await this.program.stop(300);
    for (const end of this.servers) await end[Symbol.asyncDispose]();
    await this.target[Symbol.asyncDispose]();
  }
}

function config(
  servers: readonly End[],
  passwords: readonly string[],
): string {
  const path = join(
    tmpdir(),
    `umbra-servers-${
      servers.map(({ address }) => address.port).join("-")
    }.json`,
  );
  writeFileSync(
    path,
    JSON.stringify({
      servers: servers.map(({ address }, i) => ({
        server: address.host,
        server_port: address.port,
        method: METHOD,
        password: passwords[i],
        id: ["first", "second"][i],
      })),
    }),
  );
  return path;
}

const CASES: readonly (readonly [string, Signal, number, number])[] = [
  ["killed", "SIGKILL", 0, 0],
  ["frozen", "SIGSTOP", 15, 3_000],
];

/** Runs one body for both runtimes beside each other: most of it is waiting. */
function together(
  name: string,
  body: (implementation: (typeof OURS)[number]) => Promise<void>,
): void {
  test(`${OURS.join(" and ")}: ${name}`, async () => {
    const ends = await Promise.allSettled(OURS.map(body));
    const errors = ends.flatMap((end, i) =>
      end.status === "rejected"
        ? [new Error(OURS[i], { cause: end.reason })]
        : []
    );
    if (errors.length > 0) throw new AggregateError(errors, name);
  });
}

together(
  `a server that is killed fails none of ${REQUESTS} requests, a frozen one few`,
  async (implementation) => {
    const measure = async (
      [what, signal, most, lastMs]: (typeof CASES)[number],
    ): Promise<void> => {
      await using scene = await Scene.start(implementation);
      assert.equal(await scene.ask(), true, scene.program.describe());
      scene.servers[0].program.signal(signal);
      const outcome = await scene.askFor(REQUESTS);
      const shown = `${implementation}, ${what}: ${JSON.stringify(outcome)}`;
      report(shown);
      assert.ok(outcome.failed <= most, shown);
      assert.ok(outcome.lastMs <= lastMs, shown);
    };
    await Promise.all(CASES.map(measure));
  },
);

together(
  "a server is left, comes back, and is used again",
  async (implementation) => {
    await using scene = await Scene.start(implementation);
    scene.servers[0].program.signal("SIGSTOP");
    await scene.askFor(16);
    await scene.program.waitForOutput(
      /server first is silent for 3 s: using second/,
      5_000,
    );
    assert.equal(await scene.ask(), true);
    scene.servers[0].program.signal("SIGCONT");
    await scene.program.waitForOutput(/server first answers again/, 20_000);
    scene.servers[1].program.signal("SIGSTOP");
    assert.equal(await scene.ask(), true);
  },
);

together("a server with another password is left", async (implementation) => {
  await using scene = await Scene.start(implementation, ["another", PASSWORD]);
  const outcome = await scene.askFor(32);
  assert.ok(outcome.failed <= 15, JSON.stringify(outcome));
  assert.ok(outcome.lastMs <= 3_000, JSON.stringify(outcome));
});

together("all servers gone and one back", async (implementation) => {
  await using scene = await Scene.start(implementation);
  for (const { program } of scene.servers) program.signal("SIGSTOP");
  assert.ok((await scene.askFor(24)).failed > 0);
  scene.servers[1].program.signal("SIGCONT");
  await scene.program.waitForOutput(/server second answers again/, 30_000);
  assert.equal(await scene.ask(), true);
});
