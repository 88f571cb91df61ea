/**
 * Three servers of both runtimes in a fleet on a real redis-server, for trials
 * that run by hand.
 *
 * @module
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect, createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { FleetAdmin } from "../../src/adapters/fleet/fleet_admin.ts";
import type { UserLimits } from "../../src/users.ts";
import {
  type End,
  type Implementation,
  startLocal,
  startServer,
} from "../e2e/chain.ts";
import { seededBytes } from "../support/bytes.ts";
import { freePort } from "../support/process.ts";
import {
  administer,
  FLEET_KEY,
  RedisServer,
  type TestFleet,
} from "../support/redis_server.ts";
import { command, Target } from "../support/target.ts";
import { socksConnect, type TcpStream } from "../support/tcp.ts";

export const METHOD: string = "2022-blake3-aes-256-gcm";

/** One node of a scene. */
interface SceneNode {
  readonly name: string;
  readonly runtime: Implementation;
  readonly host: string;
}

/** The nodes of a scene. */
export const NODES: readonly SceneNode[] = [
  { name: "one", runtime: "deno", host: "127.0.0.2" },
  { name: "two", runtime: "bun", host: "127.0.0.3" },
  { name: "three", runtime: "deno", host: "127.0.0.4" },
];

/** A user of a scene. */
export interface SceneUser {
  readonly name: string;
  readonly key: string;
}

/** Forwards the connections of nodes to the engine, and cuts some of them. */
class Relay implements AsyncDisposable {
  /** Number of connections that were cut. */
  cuts = 0;
  /** The probability that a reply of the engine is dropped with its connection. */
  loss = 0;
  readonly url: string;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  constructor(path: string, engine: string) {
    this.url = `unix:${path}`;
    this.#server = createServer((node) => {
      const there = connect(engine);
      for (const socket of [node, there]) this.#sockets.add(socket);
      const end = (): void => {
        for (const socket of [node, there]) {
          socket.destroy();
          this.#sockets.delete(socket);
        }
      };
      for (const socket of [node, there]) {
        socket.on("error", end).on("close", end);
      }
      node.on("data", (bytes) => there.write(bytes));
      there.on("data", (bytes) => {
        if (Math.random() >= this.loss) node.write(bytes);
        else {
          // The commands took effect; their replies are lost. The client
          // connects again and sends the commands a second time.
          this.cuts++;
          end();
        }
      });
    }).listen(path);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

/** How a scene differs from the usual one. */
export interface SceneOptions {
  /** Words before the command of each node. */
  readonly under?: (at: number) => readonly string[];
  /** Number of the server key of each node; default: each its own. */
  readonly keyNumber?: (at: number) => number;
}

/** A fleet of three. */
export class FleetScene implements AsyncDisposable {
  readonly redis: RedisServer;
  readonly relay: Relay;
  readonly fleet: TestFleet;
  readonly admin: FleetAdmin;
  readonly target: Target;
  readonly port: number;
  readonly nodes: End[] = [];
  readonly keyFile: string;
  readonly url: string;
  readonly #folder: string;
  readonly #options: SceneOptions;
  #users = 0;

  private constructor(
    parts: Pick<
      FleetScene,
      "redis" | "relay" | "fleet" | "admin" | "target" | "port"
    >,
    folder: string,
    options: SceneOptions,
  ) {
    this.redis = parts.redis;
    this.relay = parts.relay;
    this.fleet = parts.fleet;
    this.admin = parts.admin;
    this.target = parts.target;
    this.port = parts.port;
    this.url = parts.fleet.url.replace(parts.redis.url, parts.relay.url);
    this.keyFile = join(folder, "fleet.key");
    this.#folder = folder;
    this.#options = options;
  }

  /** Starts the engine and the nodes. */
  static async start(options: SceneOptions = {}): Promise<FleetScene> {
    const folder = mkdtempSync(join(tmpdir(), "umbra-fleet-scene-"));
    const redis = await RedisServer.start();
    const fleet = await redis.fleet();
    const parts = {
      ...{ redis, fleet },
      relay: new Relay(join(folder, "relay"), redis.url.slice("unix:".length)),
      admin: await administer(fleet),
      target: await Target.start(),
      port: await freePort(),
    };
    const scene = new FleetScene(parts, folder, options);
    writeFileSync(scene.keyFile, `${FLEET_KEY.toBase64()}\n`, { mode: 0o600 });
    for (const at of NODES.keys()) await scene.startNode(at);
    return scene;
  }

  /** Starts a node. */
  async startNode(at: number): Promise<void> {
    const { name, runtime, host } = NODES[at]!;
    this.nodes[at] = await startServer(runtime, {
      ...{ host, port: this.port, method: METHOD, password: this.#keyOf(at) },
      under: this.#options.under?.(at) ?? [],
      flags: [
        ...["--fleet", this.url, "--fleet-key", this.keyFile, "--node", name],
        ...["--store", join(this.#folder, `${name}.db`), "-u"],
      ],
    });
  }

  /** Adds a user. */
  async addUser(limits: UserLimits): Promise<SceneUser> {
    const number = ++this.#users;
    const user = {
      name: `user${number}`,
      key: seededBytes(32, 100 + number).toBase64(),
    };
    await this.change(user, limits);
    return user;
  }

  /** Changes a user. */
  async change(
    { name, key }: SceneUser,
    limits: UserLimits,
    disabled = false,
  ): Promise<void> {
    const service = `${this.port}`;
    await this.admin.put({ service, name, password: key, limits, disabled });
  }

  /** Returns the bytes that nodes have reported. */
  async usedBytes({ name }: SceneUser): Promise<number> {
    return (await this.admin.user(`${this.port}`, name))!.usedBytes;
  }

  /** Starts a local of another runtime for each node. */
  locals(user: SceneUser): Promise<End[]> {
    return Promise.all(
      NODES.map(({ host }, at) =>
        startLocal(NODES[(at + 1) % 2]!.runtime, { host, port: this.port }, {
          method: METHOD,
          password: this.passwordOf(at, user),
        })
      ),
    );
  }

  /** Returns the password of a user at a node. */
  passwordOf(at: number, { key }: SceneUser): string {
    return `${this.#keyOf(at)}:${key}`;
  }

  /** Opens a connection that the target treats by its first line. */
  async open(local: End, line: string): Promise<TcpStream> {
    const stream = await socksConnect(local.address, this.target.address);
    await stream.write(command(line));
    return stream;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.admin[Symbol.dispose]();
    await Promise.all(this.nodes.map((node) => node[Symbol.asyncDispose]()));
    await this.target[Symbol.asyncDispose]();
    await this.relay[Symbol.asyncDispose]();
    await this.redis[Symbol.asyncDispose]();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #keyOf(at: number): string {
    return seededBytes(32, this.#options.keyNumber?.(at) ?? at + 1).toBase64();
  }
}

/** Reads until a stream ends, and returns the bytes and the time of the end. */
export async function drain(
  stream: TcpStream,
): Promise<{ bytes: number; endMs: number }> {
  let bytes = 0;
  try {
    for (let chunk; (chunk = await stream.read()) !== undefined;) {
      bytes += chunk.length;
    }
  } catch {
    // A reset ends the stream as well.
  }
  stream.close();
  return { bytes, endMs: performance.now() };
}
