/**
 * The servers of a local, of which one is in use at a time.
 *
 * @module
 */
import { formatAddress } from "../../codec/address.ts";
import { UmbraError } from "../../errors.ts";
import { CONNECT_TIMEOUT_MS } from "../../limits.ts";
import { anyTarget } from "../../security/target_policy.ts";
import type { StreamProtocol } from "../../session/stream_protocol.ts";
import type { Connection } from "../../transport.ts";
import { dial } from "./dial.ts";
import type { Dependencies } from "../service.ts";
import {
  type PacketUpstream,
  toUpstream,
  type Upstream,
  type UpstreamServer,
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
  #upstreams: readonly Upstream[];
  readonly #timeoutMs: number;
  readonly #world: Required<Dependencies>;
  #current = 0;

  /**
   * @param options The servers, the preferred one first.
   * @throws {RangeError} When there is none.
   */
  constructor(options: UpstreamPoolOptions, world: Required<Dependencies>) {
    this.#timeoutMs = options.connectTimeoutMs ?? CONNECT_TIMEOUT_MS;
    this.#world = world;
    this.#upstreams = this.#prepare(options.servers);
  }

  /**
   * Puts others in the place of the servers; connections and flows that are
   * open live on. The one in use stays in use where its address is among them.
   *
   * @param servers The preferred one first.
   * @throws {RangeError} When there is none; nothing has changed then.
   */
  replace(servers: readonly UpstreamServer[]): void {
    const upstreams = this.#prepare(servers);
    const inUse = formatAddress(this.#upstreams[this.#current]!.endpoint);
    const index = upstreams.findIndex(({ endpoint }) =>
      formatAddress(endpoint) === inUse
    );
    this.#upstreams = upstreams;
    this.#current = Math.max(0, index);
  }

  /** Where datagrams go: to the server in use. */
  forPackets(): () => PacketUpstream {
    return () => this.#upstreams[this.#current]!;
  }

  /**
   * Connects to the server in use, or else to the next one that answers.
   *
   * @throws {UmbraError} What the last of them failed with.
   */
  async dial(signal: AbortSignal): Promise<DialledServer> {
    const { transport, clock, logger, metrics } = this.#world;
    const upstreams = this.#upstreams;
    const first = this.#current;
    for (let i = 0;; i++) {
      const index = (first + i) % upstreams.length;
      const { endpoint, protocol } = upstreams[index]!;
      try {
        const server = await dial(endpoint, {
          transport,
          clock,
          metrics,
          policy: anyTarget,
          timeoutMs: this.#timeoutMs,
          signal,
        });
        // They may have been replaced meanwhile.
        if (upstreams === this.#upstreams) this.#current = index;
        return { server, protocol };
      } catch (error) {
        const isLast = i === upstreams.length - 1;
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

  #prepare(servers: readonly UpstreamServer[]): Upstream[] {
    if (servers.length === 0) {
      throw new RangeError("Cannot use servers: there is none");
    }
    return servers.map((one) => toUpstream(one, this.#world));
  }
}
