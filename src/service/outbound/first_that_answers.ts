/**
 * Several ways of which one is in use at a time: the one that answered last.
 *
 * @module
 */
import type { Address } from "../../codec/address.ts";
import { UmbraError } from "../../errors.ts";
import type { Channel } from "../../streams/channel.ts";
import type { Dependencies } from "../service.ts";
import type { Outbound, PacketChannel } from "./outbound.ts";
import { Shadowsocks, type UpstreamServer } from "./shadowsocks.ts";

/** Stays with the outbound that answered last, and tries the next otherwise. */
export class FirstThatAnswers implements Outbound {
  /** See {@link Outbound.name}. */
  readonly name = "servers";
  readonly #world: Required<Dependencies>;
  #outbounds: readonly Outbound[];
  #current = 0;

  /**
   * Begins with the first of them.
   *
   * @param outbounds The preferred one first.
   * @throws {RangeError} When there is none.
   */
  constructor(outbounds: readonly Outbound[], world: Required<Dependencies>) {
    this.#world = world;
    this.#outbounds = atLeastOne(outbounds);
  }

  /** The outbound in use. */
  get current(): Outbound {
    return this.#outbounds[this.#current]!;
  }

  /**
   * Replaces the outbounds; open channels and flows are not touched. The one in
   * use stays in use where one of the same name is among the new ones.
   *
   * @param outbounds The preferred one first.
   * @throws {RangeError} When there is none; nothing has changed then.
   */
  replace(outbounds: readonly Outbound[]): void {
    const { name } = this.current;
    this.#outbounds = atLeastOne(outbounds);
    const index = outbounds.findIndex((one) => one.name === name);
    this.#current = Math.max(0, index);
  }

  /**
   * Opens a stream by the outbound in use, or else by the next that can.
   *
   * @throws {UmbraError} What the last of them failed with.
   */
  async open(
    target: Address,
    first: Uint8Array,
    signal: AbortSignal,
  ): Promise<Channel> {
    const outbounds = this.#outbounds;
    const start = this.#current;
    for (let i = 0;; i++) {
      const index = (start + i) % outbounds.length;
      const outbound = outbounds[index]!;
      try {
        const channel = await outbound.open(target, first, signal);
        // They may have been replaced meanwhile.
        if (outbounds === this.#outbounds) this.#current = index;
        return channel;
      } catch (error) {
        const isLast = i === outbounds.length - 1;
        if (isLast || signal.aborted || !(error instanceof UmbraError)) {
          throw error;
        }
        this.#world.logger.log(
          "warn",
          "server cannot be reached, trying next",
          {
            server: outbound.name,
            code: error.code,
          },
        );
      }
    }
  }

  /** Datagrams take the outbound in use when their flow begins. */
  packets(): PacketChannel {
    return this.current.packets();
  }
}

/**
 * The outbounds of servers.
 *
 * @param connectTimeoutMs Milliseconds to resolve and connect to each.
 */
export function throughServers(
  servers: readonly UpstreamServer[],
  connectTimeoutMs: number,
  world: Required<Dependencies>,
): Shadowsocks[] {
  return servers.map((one) => new Shadowsocks(one, connectTimeoutMs, world));
}

function atLeastOne(outbounds: readonly Outbound[]): readonly Outbound[] {
  if (outbounds.length > 0) return outbounds;
  throw new RangeError("Cannot use servers: there is none");
}
