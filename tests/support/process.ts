/**
 * Programs under test: they are started, watched, measured and always ended.
 *
 * The measurements read `/proc`, so they need Linux.
 *
 * @module
 */
import { type ChildProcess, spawn } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { connect, createServer } from "node:net";
import process from "node:process";
import { until, within } from "./within.ts";

/** The signals that tests send. */
export type Signal =
  | "SIGHUP"
  | "SIGTERM"
  | "SIGINT"
  | "SIGKILL"
  | "SIGSTOP"
  | "SIGCONT";

/** The end of a program. */
export interface Exit {
  readonly code: number | null;
  readonly signal: string | null;
}

/** Options of a start. */
export interface StartOptions {
  /** The output of a ready program; not set if the start does not wait. */
  readonly ready?: RegExp;
  /** Time limit for that in milliseconds; default 20,000. */
  readonly readyMs?: number;
  /** Its whole environment; default: that of the test. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Its working folder; default: that of the test. */
  readonly cwd?: string;
}

/** Characters of output that are kept for error messages and assertions. */
const MAX_OUTPUT = 256 * 1_024;

/** Ticks a second in `/proc/PID/stat`, the same on every Linux. */
const TICKS_PER_SECOND = 100;

/** Programs that must not survive this process. */
const running = new Set<ChildProcess>();
process.on("exit", () => {
  for (const child of running) kill(child.pid!, "SIGKILL");
});

/** One running program. */
export class Program implements AsyncDisposable {
  /** Settles when the program has ended and its output is complete. */
  readonly exited: Promise<Exit>;
  readonly #child: ChildProcess;
  readonly #command: string;
  #output = "";
  #onOutput: () => void = () => {};

  private constructor(command: readonly string[], options: StartOptions) {
    this.#command = command.join(" ");
    this.#child = spawn(command[0]!, command.slice(1), {
      stdio: ["ignore", "pipe", "pipe"],
      env: options.env ?? process.env,
      cwd: options.cwd,
    });
    running.add(this.#child);
    for (const stream of [this.#child.stdout!, this.#child.stderr!]) {
      stream.setEncoding("utf8");
      stream.on("data", (text: string) => {
        this.#output = (this.#output + text).slice(-MAX_OUTPUT);
        this.#onOutput();
      });
    }
    this.exited = new Promise((resolve, reject) => {
      this.#child.once("error", (error) => {
        running.delete(this.#child);
        reject(new Error(`Cannot start ${this.#command}`, { cause: error }));
      });
      this.#child.once("close", (code, signal) => {
        running.delete(this.#child);
        resolve({ code, signal });
      });
    });
    // Callers get the error; without a caller it must not be unhandled.
    this.exited.catch(() => {});
  }

  /**
   * Starts a program and waits until it is ready.
   *
   * @throws With its output, if it ends or is not ready in time.
   */
  static async start(
    command: readonly string[],
    options: StartOptions = {},
  ): Promise<Program> {
    const program = new Program(command, options);
    if (options.ready === undefined) return program;
    try {
      await program.waitForOutput(options.ready, options.readyMs ?? 20_000);
      return program;
    } catch (error) {
      await program.stop();
      throw error;
    }
  }

  /** Process id. */
  get pid(): number {
    return this.#child.pid!;
  }

  /** Its output so far, both streams in order. */
  get output(): string {
    return this.#output;
  }

  /** Waits until its output matches. */
  async waitForOutput(pattern: RegExp, limitMs: number): Promise<void> {
    const seen = new Promise<void>((resolve) => {
      this.#onOutput = () => pattern.test(this.#output) && resolve();
      this.#onOutput();
    });
    const ended = this.exited.then(({ code, signal }) => {
      throw new Error(`Ended with ${signal ?? code}: ${this.describe()}`);
    });
    ended.catch(() => {});
    await within(
      limitMs,
      () => `${pattern} from ${this.describe()}`,
      Promise.race([seen, ended]),
    );
  }

  /** Returns command line and output, for a failure message. */
  describe(): string {
    return `${this.#command}\n${this.#output || "(no output)"}`;
  }

  /** Sends a signal; no effect after the end. */
  signal(name: Signal): void {
    // Deno's `child.kill()` does nothing after the first signal.
    if (running.has(this.#child)) kill(this.pid, name);
  }

  /** Ends the program with SIGTERM, and with SIGKILL after the grace time. */
  async stop(graceMs = 2_000): Promise<Exit> {
    this.signal("SIGTERM");
    const timer = setTimeout(() => this.signal("SIGKILL"), graceMs);
    try {
      return await this.exited;
    } finally {
      clearTimeout(timer);
    }
  }

  /** Same as {@link Program.stop}. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  /** Returns its resident memory in bytes (VmRSS). */
  rssBytes(): number {
    const status = readFileSync(`/proc/${this.pid}/status`, "utf8");
    return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)![1]) * 1_024;
  }

  /** Returns its processor time in milliseconds. */
  cpuMs(): number {
    const stat = readFileSync(`/proc/${this.pid}/stat`, "utf8");
    // The second field, a name in parentheses, may contain spaces.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return (Number(fields[11]) + Number(fields[12])) * 1_000 / TICKS_PER_SECOND;
  }

  /** Returns the number of its open descriptors. */
  descriptors(): number {
    return readdirSync(`/proc/${this.pid}/fd`).length;
  }
}

/** True if a process runs; false for a zombie. */
export function isAlive(pid: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    return !/^[ZX]/.test(stat.slice(stat.lastIndexOf(")") + 2));
  } catch {
    // The process, or this kind of system, does not exist.
    return false;
  }
}

function kill(pid: number, name: Signal): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    // The process has just ended, and its "exit" event will follow.
    if ((error as { code?: string }).code !== "ESRCH") throw error;
  }
}

/** Runs a program to its end; returns its output and how it ended. */
export async function runToEnd(
  command: readonly string[],
  limitMs: number,
  options: StartOptions = {},
): Promise<Exit & { readonly output: string }> {
  await using program = await Program.start(command, options);
  const exit = await within(
    limitMs,
    () => `the end of ${program.describe()}`,
    program.exited,
  );
  return { ...exit, output: program.output };
}

/** Waits until a program accepts connections on a port of 127.0.0.1. */
export async function waitForPort(
  port: number,
  limitMs = 10_000,
): Promise<void> {
  await until(limitMs, `port ${port} accepts`, () => {
    const socket = connect({ host: "127.0.0.1", port });
    return new Promise((resolve) => {
      socket.once("error", () => resolve(false));
      socket.once("connect", () => {
        socket.destroy();
        resolve(true);
      });
    });
  });
}

/**
 * First port that is given out; ports are below those of the system. They are
 * given out in blocks, so that tests of other processes never choose the same.
 */
const FIRST_PORT = 20_000;
const BLOCKS = 100;
const BLOCK = 100;

/** Ports of the present block that were not given out, and the next of them. */
let left = 0;
let nextPort = 0;
let claiming: Promise<void> | undefined;

/** Returns a port of 127.0.0.1 on which no program listens. */
export async function freePort(): Promise<number> {
  for (let tries = 0; tries < BLOCKS * BLOCK; tries++) {
    while (left === 0) {
      await (claiming ??= claimBlock().finally(() => claiming = undefined));
    }
    left--;
    const port = nextPort++;
    if (await isFree(port)) return port;
  }
  throw new Error("Cannot find a free port");
}

/** Listens on the first port of a block, as long as this process runs. */
async function claimBlock(): Promise<void> {
  const offset = Math.floor(Math.random() * BLOCKS);
  for (let i = 0; i < BLOCKS; i++) {
    const first = FIRST_PORT + (offset + i) % BLOCKS * BLOCK;
    const isOurs = await new Promise<boolean>((resolve) => {
      const guard = createServer();
      guard.once("error", () => resolve(false));
      guard.listen(first, "127.0.0.1", () => resolve(true)).unref();
    });
    if (!isOurs) continue;
    nextPort = first + 1;
    left = BLOCK - 1;
    return;
  }
  throw new Error("Cannot find a free block of ports");
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
  });
}
