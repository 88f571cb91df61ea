/**
 * Connects to targets without a server in between: look-up, policy, connect.
 *
 * @module
 */
import type { StopSignal } from "../../on_abort.ts";
import type { Address } from "../../codec/address.ts";
import type { TargetPolicy } from "../../security/target_policy.ts";
import { Channel } from "../../streams/channel.ts";
import type { Dependencies } from "../service.ts";
import { dial } from "./dial.ts";
import type { Outbound, PacketChannel } from "./outbound.ts";

/** The options of direct connections. */
export interface DirectOptions {
  /** The name of the outbound; default `direct`; see {@link Outbound.name}. */
  readonly name?: string;
  /** Checks the addresses that are dialled or sent to. */
  readonly policy: TargetPolicy;
  /** Milliseconds to resolve and connect. */
  readonly connectTimeoutMs: number;
}

/** Connects to targets directly. */
export class Direct implements Outbound {
  /** See {@link Outbound.name}. */
  readonly name: string;
  readonly #options: DirectOptions;
  readonly #world: Required<Dependencies>;

  /** Makes an outbound, which connects when it is used. */
  constructor(options: DirectOptions, world: Required<Dependencies>) {
    this.name = options.name ?? "direct";
    this.#options = options;
    this.#world = world;
  }

  /** See {@link Outbound.open}. */
  open(
    target: Address,
    first: Uint8Array,
    signal: StopSignal,
  ): Promise<Channel> {
    const { policy, connectTimeoutMs: timeoutMs } = this.#options;
    const { transport, clock, metrics } = this.#world;
    return dial(target, {
      transport,
      clock,
      metrics,
      policy,
      why: "direct",
      timeoutMs,
      signal,
    }).then((connection) => new Channel(connection, undefined, first));
  }

  /** See {@link Outbound.packets}. */
  packets(): PacketChannel {
    return {
      policy: this.#options.policy,
      seal: ({ address, payload }) => ({ to: address, bytes: payload }),
      open: ({ from, payload }) => ({ address: from, payload }),
      free: () => {},
    };
  }
}
