/**
 * Prevents direct connections from the program to itself.
 *
 * @module
 */
import type { Address } from "../../codec/address.ts";
import { isUnspecified, parseIp } from "../../codec/ip_address.ts";
import { anyTarget, type TargetPolicy } from "../../security/target_policy.ts";
import type { Channel } from "../../streams/channel.ts";
import type { Endpoint } from "../../transport.ts";
import { Direct } from "../outbound/direct.ts";
import type { Outbound, PacketChannel } from "../outbound/outbound.ts";
import type { Dependencies } from "../service.ts";

/** A direct outbound that refuses the program's own listener. */
export class GuardedDirect implements Outbound {
  /** See {@link Outbound.name}. */
  readonly name = "direct";
  readonly #listen: Endpoint;
  readonly #direct: Direct;
  readonly #guarded: Direct;

  /**
   * @param listen The address that the program listens on.
   * @param connectTimeoutMs Milliseconds to resolve and connect.
   */
  constructor(
    listen: Endpoint,
    connectTimeoutMs: number,
    world: Required<Dependencies>,
  ) {
    this.#listen = listen;
    this.#direct = new Direct({ policy: anyTarget, connectTimeoutMs }, world);
    const policy = notItself(listen.host);
    this.#guarded = new Direct({ policy, connectTimeoutMs }, world);
  }

  /** See {@link Outbound.open}. */
  open(
    target: Address,
    first: Uint8Array,
    signal: AbortSignal,
  ): Promise<Channel> {
    const isOwnPort = target.port === this.#listen.port;
    return (isOwnPort ? this.#guarded : this.#direct)
      .open(target, first, signal);
  }

  /**
   * Datagrams need no guard: they cannot reach the listener's associations from
   * the outbound sockets.
   */
  packets(): PacketChannel {
    return this.#direct.packets();
  }
}

/** Refuses the addresses at which a listener can be reached on this machine. */
export function notItself(host: string): TargetPolicy {
  return (ip) => {
    const isOwn = ip === host || isLoopback(ip) &&
        (isUnspecified(host) || isLoopback(host) || host === "localhost");
    return isOwn ? "where this program listens" : anyTarget(ip);
  };
}

function isLoopback(ip: string): boolean {
  const bytes = parseIp(ip);
  if (bytes?.length === 4) return bytes[0] === 127;
  return ip === "::1";
}
