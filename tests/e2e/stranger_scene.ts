/**
 * Servers with a short deadline in a process of either runtime, and strangers
 * who come to them by the hundred.
 *
 * @module
 */
import { join } from "node:path";
import { systemClock } from "../../src/clock.ts";
import { findMethod } from "../../src/crypto/method.ts";
import { seededRandom } from "../support/bytes.ts";
import type { ImpatientOptions } from "../support/impatient_server.ts";
import { Program } from "../support/process.ts";
import { bunPath, denoPath, ROOT } from "../support/runtimes.ts";
import type { Reaction } from "../support/statistics.ts";
import { type Kind, Strangers } from "../support/strangers.ts";
import { command, type Target } from "../support/target.ts";
import { type Address, TcpStream } from "../support/tcp.ts";
import { pause, within } from "../support/within.ts";

/** In place of a minute; by up to half of it longer, as drawn. */
export const PATIENCE_MS = 1_200;
/** More than that, and what a busy machine adds. */
const WATCH_MS = 6_000;
/**
 * When those end their side who do: once all have come. What a busy server has
 * not read before the end comes is one more read, which silence does not cost.
 */
const LEAVE_MS = 800;

const COMMAND = {
  deno: [denoPath()!, "run", "-A", "--no-check"],
  bun: [bunPath(), "--no-install"],
} as const;

/** One of the servers of a scene. */
export type ServerOptions = ImpatientOptions["servers"][number];

/** One stranger that is to come. */
export interface Visit {
  /** What it sends. */
  readonly kind: Kind;
  /** Where it goes, by place. */
  readonly server: number;
  /** Whether it ends its side. */
  readonly leaves: boolean;
}

/** One that has come. */
export interface Seen {
  /** What it sent. */
  readonly kind: string;
  /** Where it was. */
  readonly server: string;
  /** Whether it ended its side. */
  readonly leaves: boolean;
  /** What it was shown. */
  readonly reaction: Reaction;
}

/** A process with servers, and what is needed to knock at them. */
export class Scene implements AsyncDisposable {
  readonly #program: Program;
  readonly #target: Target;
  readonly #servers: readonly (ServerOptions & {
    readonly address: Address;
    readonly strangers: Strangers;
  })[];
  readonly #recorded: Uint8Array[] = [];
  readonly #random = seededRandom(1);
  readonly #honest: TcpStream[] = [];

  private constructor(
    program: Program,
    target: Target,
    servers: readonly ServerOptions[],
  ) {
    this.#program = program;
    this.#target = target;
    const addresses = [...program.output.matchAll(/^listening (.*)$/gm)]
      .map(([, address]) => JSON.parse(address!) as Address);
    this.#servers = servers.map((options, i) => ({
      ...options,
      address: addresses[i]!,
      strangers: new Strangers(
        findMethod(options.method),
        systemClock,
        options.withUsers,
      ),
    }));
  }

  /** Starts the servers, and records a request to each. */
  static async start(
    runtime: "deno" | "bun",
    target: Target,
    servers: readonly ServerOptions[],
    source: string = join(ROOT, "src"),
  ): Promise<Scene> {
    const options: ImpatientOptions = {
      source,
      handshakeTimeoutMs: PATIENCE_MS,
      servers,
    };
    const program = await Program.start([
      ...COMMAND[runtime],
      join(ROOT, "tests", "support", "impatient_server.ts"),
      JSON.stringify(options),
    ], { ready: /^ready$/m, cwd: ROOT });
    const scene = new Scene(program, target, servers);
    for (const i of servers.keys()) {
      scene.#honest.push(await scene.request(i, "echo", scene.#recorded));
    }
    return scene;
  }

  /** Connects with the right key; served once this returns. */
  async request(
    server: number,
    line: string,
    record: Uint8Array[] = [],
  ): Promise<TcpStream> {
    const { address, strangers } = this.#servers[server]!;
    const request = strangers.request(this.#target.address, command(line));
    record.push(request);
    const stream = await TcpStream.connect(address);
    const before = this.#target.accepted;
    await stream.write(request);
    await within(
      10_000,
      () => `the target to be dialled by ${this.#program.describe()}`,
      (async () => {
        while (this.#target.accepted === before) await pause(5);
      })(),
    );
    return stream;
  }

  /** So many of each kind and manner to each server, in any order. */
  everybody(each: number): Visit[] {
    return this.#servers.flatMap(({ strangers }, server) =>
      strangers.kinds(this.#target.address, this.#recorded[server]!)
        .flatMap((kind) =>
          [false, true].flatMap((leaves) =>
            Array.from({ length: each }, () => ({ kind, server, leaves }))
          )
        )
    )
      .map((visit) => ({ visit, key: this.#random() }))
      .sort((a, b) => a.key - b.key)
      .map(({ visit }) => visit);
  }

  /** Lets them come, one after the other, and stay. */
  async meet(
    visits: readonly Visit[],
    watchMs: number = WATCH_MS,
  ): Promise<Seen[]> {
    // Made before the first one comes: what takes us longer to make would come
    // after a longer pause, and have the server for itself.
    const sent = visits.map(({ kind }) => kind.bytes(this.#random));
    const seen: (() => Promise<Seen>)[] = [];
    for (const [i, { kind, server, leaves }] of visits.entries()) {
      const { address, method } = this.#servers[server]!;
      const reaction = await knock(address, sent[i]!, { leaves, watchMs });
      seen.push(async () => ({
        kind: kind.name,
        server: `${method} at ${address.host}`,
        leaves,
        reaction: await reaction(),
      }));
    }
    return await Promise.all(seen.map((one) => one()));
  }

  /** Ends the process and tells what it has refused, by code. */
  async refused(): Promise<Readonly<Record<string, number>>> {
    await this.#program.stop();
    const [, text] = /^refused (.*)$/m.exec(this.#program.output)!;
    return JSON.parse(text!);
  }

  /** Ends the process. */
  async [Symbol.asyncDispose](): Promise<void> {
    for (const stream of this.#honest) stream.close();
    await this.#program.stop();
  }
}

/** How a stranger behaves. */
interface Behaviour {
  readonly leaves: boolean;
  /** How long it watches. */
  readonly watchMs: number;
}

/**
 * Connects.
 *
 * @returns What it sees in the end, wrapped, so that it can be awaited later.
 */
async function knock(
  address: Address,
  bytes: Uint8Array,
  behaviour: Behaviour,
): Promise<() => Promise<Reaction>> {
  // Before it connects: we may hear late that we are connected.
  const startMs = performance.now();
  try {
    const stream = await TcpStream.connect(address);
    const reaction = react(stream, bytes, behaviour, startMs);
    return () => reaction;
  } catch (error) {
    // Bun cannot leave connections with the system: it resets what it cannot
    // keep waiting.
    const { code } = error as { code?: string };
    return () => Promise.resolve({ bytes: 0, end: String(code), atMs: 0 });
  }
}

/** What the server lets one see until it ends, or until we stop to watch. */
async function react(
  stream: TcpStream,
  sent: Uint8Array,
  { leaves, watchMs }: Behaviour,
  startMs: number,
): Promise<Reaction> {
  let sinceMs = startMs;
  const leaving = leaves
    ? setTimeout(() => {
      sinceMs = performance.now();
      stream.end();
    }, LEAVE_MS)
    : undefined;
  let bytes = 0;
  let end = "fin";
  let watched = false;
  const watching = setTimeout(() => {
    watched = true;
    stream.close();
  }, watchMs);
  try {
    await stream.write(sent);
    for (let chunk; (chunk = await stream.read(2 * watchMs)) !== undefined;) {
      bytes += chunk.length;
    }
  } catch (error) {
    const { code } = error as { code?: string };
    end = code ?? String(error);
  }
  const atMs = performance.now() - sinceMs;
  clearTimeout(leaving);
  clearTimeout(watching);
  stream.close();
  return watched ? { bytes, end: "open", atMs: watchMs } : { bytes, end, atMs };
}

/** Reads until it is closed, and counts. */
export async function readOn(stream: TcpStream): Promise<number> {
  try {
    while (await stream.read() !== undefined);
  } catch {
    // Closed by us.
  }
  return stream.received;
}
