/**
 * The servers of a local, of which one is in use at a time.
 *
 * @module
 */
import { formatAddress } from "../codec/address.ts";
import { UmbraError } from "../errors.ts";
import { CONNECT_TIMEOUT_MS } from "../limits.ts";
import { anyTarget } from "../security/target_policy.ts";
import type { StreamProtocol } from "../session/stream_protocol.ts";
import type { Connection } from "../transport.ts";
import { dial } from "./dial.ts";
import type { Dependencies } from "./service.ts";
import {
  type PacketUpstream,
  toUpstream,
  type Upstream,
  type UpstreamServer,
  withPackets,
} from "./upstream.ts";

/** What to connect to, and how long that may take. */
export interface UpstreamPoolOptions {
  /** At least one. */
  readonly servers: readonly UpstreamServer[];
  /** Milliseconds to resolve and connect; default 10,000. */
  readonly connectTimeoutMs?: number;
}

/** A connection to a server, and what is spoken on it. */
export interface DialledServer {
  /** Owned by whoever asked for it. */
  readonly server: Connection;
  /** Edition, method and key. */
  readonly protocol: StreamProtocol;
}

/** Stays with the server that answered last. */
export class UpstreamPool {
  readonly #upstreams: readonly Upstream[];
  readonly #timeoutMs: number;
  readonly #world: Required<Dependencies>;
  #current = 0;

  /** @param options The servers, the preferred one first. */
  constructor(options: UpstreamPoolOptions, world: Required<Dependencies>) {
    this.#upstreams = options.servers.map((one) => toUpstream(one, world));
    this.#timeoutMs = options.connectTimeoutMs ?? CONNECT_TIMEOUT_MS;
    this.#world = world;
  }

  /**
   * Where datagrams go: to the server in use.
   *
   * @throws {ConfigError} When a server has no UDP here.
   */
  forPackets(): () => PacketUpstream {
    const servers = this.#upstreams.map(withPackets);
    return () => servers[this.#current]!;
  }

  /**
   * Connects to the server in use, or else to the next one that answers.
   *
   * @throws {UmbraError} What the last of them failed with.
   */
  async dial(signal: AbortSignal): Promise<DialledServer> {
    const { transport, clock, logger } = this.#world;
    const first = this.#current;
    for (let i = 0;; i++) {
      const index = (first + i) % this.#upstreams.length;
      const { endpoint, protocol } = this.#upstreams[index]!;
      try {
        const server = await dial(endpoint, {
          transport,
          clock,
          policy: anyTarget,
          timeoutMs: this.#timeoutMs,
          signal,
        });
        this.#current = index;
        return { server, protocol };
      } catch (error) {
        const isLast = i === this.#upstreams.length - 1;
        if (isLast || signal.aborted || !(error instanceof UmbraError)) {
          throw error;
        }
        logger.log("warn", "server cannot be reached, trying next", {
          server: formatAddress(endpoint),
          code: error.code,
        });
      }
    }
  }
}
