/**
 * The outbound of blocked targets.
 *
 * @module
 */
import { type Address, formatAddress } from "../../codec/address.ts";
import { PolicyError } from "../../errors.ts";
import { anyTarget } from "../../security/target_policy.ts";
import type { Channel } from "../../streams/channel.ts";
import type { Outbound, PacketChannel } from "./outbound.ts";

/** Refuses every target with `ERR_POLICY_TARGET`. */
export class Block implements Outbound {
  /** See {@link Outbound.name}. */
  readonly name = "block";

  /** See {@link Outbound.open}. */
  open(target: Address): Promise<Channel> {
    return Promise.reject(blocked(target));
  }

  /** See {@link Outbound.packets}. */
  packets(): PacketChannel {
    return {
      policy: anyTarget,
      seal({ address }): never {
        throw blocked(address);
      },
      open({ from }): never {
        throw blocked(from);
      },
      free: () => {},
    };
  }
}

function blocked(target: Address): PolicyError {
  return new PolicyError(
    "ERR_POLICY_TARGET",
    `Cannot reach ${formatAddress(target)}: a rule blocks it`,
  );
}
