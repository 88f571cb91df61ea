/**
 * A local with two servers in the memory world, a target that answers, and
 * servers that can be stopped, frozen and restarted.
 *
 * @module
 */
import { pause } from "../../src/clock.ts";
import type { TransportErrorCode } from "../../src/errors.ts";
import type { ServerService } from "../../src/service/server/server.ts";
import type { LocalOptions } from "../../src/service/inbound/local.ts";
import {
  ServerGroup,
  type ServerGroupOptions,
} from "../../src/service/outbound/servers/server_group.ts";
import type { UpstreamServer } from "../../src/service/outbound/shadowsocks.ts";
import type { Endpoint, Listener } from "../../src/transport.ts";
import { utf8 } from "./bytes.ts";
import { readExactly, send } from "./streams.ts";
import { SERVER, TARGET, World } from "./world.ts";

/** The second server. */
export const OTHER: Endpoint = { host: "10.0.0.4", port: 8388 };

/** Two servers, one local, one target. */
export class TwoServers {
  readonly world: World;
  readonly group: ServerGroup;
  readonly #dialFailures: Map<string, TransportErrorCode | "hang">;
  readonly #running = new Map<Endpoint, ServerService>();
  readonly #frozen = new Map<Endpoint, Listener>();

  private constructor(
    world: World,
    group: ServerGroup,
    dialFailures: Map<string, TransportErrorCode | "hang">,
  ) {
    this.world = world;
    this.group = group;
    this.#dialFailures = dialFailures;
  }

  /** Starts everything. */
  static async start(
    options: ServerGroupOptions = {},
    given: Partial<LocalOptions> & {
      readonly first?: Partial<UpstreamServer>;
      readonly second?: Partial<UpstreamServer>;
    } = {},
  ): Promise<TwoServers> {
    const dialFailures = new Map<string, TransportErrorCode | "hang">();
    const world = new World({ dialFailures });
    const { first, second, ...local } = given;
    const { method, masterKey } = world;
    const servers: UpstreamServer[] = [
      { endpoint: SERVER, name: "first", method, masterKey, ...first },
      { endpoint: OTHER, name: "second", method, masterKey, ...second },
    ];
    const group = new ServerGroup(servers, options, world.dependencies);
    const two = new TwoServers(world, group, dialFailures);
    await two.thaw(SERVER);
    await two.thaw(OTHER);
    await world.local({ servers, group, ...local });
    two.#answer(await world.target());
    return two;
  }

  /** Names of the dialled servers, in order. */
  get dialled(): string[] {
    return this.world.network.dialled
      .filter((to) => to.endsWith(":8388"))
      .map((to) => to.startsWith(SERVER.host) ? "first" : "second");
  }

  /** The states for TCP, in order. */
  get states(): string[] {
    return this.group.status.map(({ tcp }) => tcp.state);
  }

  /** Log messages about servers. */
  get log(): string[] {
    return this.world.lines.map(({ message }) => message)
      .filter((message) => message.startsWith("server "));
  }

  /**
   * Sends a request to the target through the local.
   *
   * @returns True if the target has answered.
   */
  async ask(): Promise<boolean> {
    const { client, reply } = await this.world.connect();
    if (reply[1] !== 0) return false;
    await send(client, utf8("ping"));
    try {
      await readExactly(client, 4);
      return true;
    } catch {
      // The connection ended without an answer.
      return false;
    } finally {
      client.close();
    }
  }

  /**
   * Sends a request every 250 ms.
   *
   * @returns The number without an answer, and the time of the last of those.
   */
  async askFor(
    seconds: number,
  ): Promise<{ failed: number; lastMs: number; of: number }> {
    const count = seconds * 4;
    const failed = new Set(Array.from({ length: count }, (_, i) => i));
    const asking: Promise<void>[] = [];
    for (let i = 0; i < count; i++) {
      asking.push(
        this.ask().then((ok) => {
          if (ok) failed.delete(i);
        }),
      );
      await this.world.clock.advance(250);
    }
    const lastMs = Math.max(-1, ...failed) * 250;
    return { failed: failed.size, lastMs, of: asking.length };
  }

  /** Stops a server: its port is closed. */
  async kill(endpoint: Endpoint): Promise<void> {
    const running = this.#running.get(endpoint);
    this.#running.delete(endpoint);
    if (running !== undefined) await this.world.stop(running);
    this.#frozen.get(endpoint)?.close();
    this.#frozen.delete(endpoint);
  }

  /**
   * Freezes a server like SIGSTOP: connections are accepted, and nothing else
   * happens.
   */
  async freeze(endpoint: Endpoint): Promise<void> {
    await this.kill(endpoint);
    this.#frozen.set(endpoint, await this.world.network.listen(endpoint));
  }

  /** Drops its packets, or delivers them again. */
  vanish(endpoint: Endpoint, vanishes = true): void {
    const key = `${endpoint.host}:${endpoint.port}`;
    if (vanishes) this.#dialFailures.set(key, "hang");
    else this.#dialFailures.delete(key);
  }

  /** Takes the network away, from both servers, or gives it back. */
  disconnect(isGone = true): void {
    for (const { host, port } of [SERVER, OTHER]) {
      if (isGone) {
        this.#dialFailures.set(`${host}:${port}`, "ERR_NET_UNREACHABLE");
      } else this.#dialFailures.delete(`${host}:${port}`);
    }
  }

  /** Makes each connection to a server take this long to be made. */
  delay({ host }: Endpoint, delayMs: number): void {
    const { network, clock } = this.world;
    const dial = network.dial.bind(network);
    network.dial = async (endpoint, options) => {
      if (endpoint.host === host) {
        const { signal } = options ?? {};
        await pause(clock, delayMs, signal ?? new AbortController().signal);
        signal?.throwIfAborted();
      }
      return await dial(endpoint, options);
    };
  }

  /** Runs a server again. */
  async thaw(endpoint: Endpoint): Promise<void> {
    await this.kill(endpoint);
    const { mode } = { mode: "tcp_and_udp" } as const;
    const running = await this.world.server({ listen: endpoint, mode });
    this.#running.set(endpoint, running);
  }

  /** Stops everything. */
  async stop(): Promise<void> {
    this.group.stop();
    await this.world.stop();
  }

  #answer(target: Listener): void {
    (async () => {
      for (let next; (next = await target.accept());) {
        const { connection } = next;
        readExactly(connection, 4).then(async (bytes) => {
          await send(connection, bytes);
          connection.close();
        }, () => connection.close());
      }
    })();
  }
}

/** The addresses for requests that tests make themselves. */
export { SERVER as FIRST, TARGET };
