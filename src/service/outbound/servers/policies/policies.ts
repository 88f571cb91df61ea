/**
 * All policies by name.
 *
 * @module
 */
import { BySite } from "./hash.ts";
import { Latency, type LatencyOptions } from "./latency.ts";
import { heaviest, type Policy, type PolicyName } from "./policy.ts";
import { atRandom } from "./random.ts";
import { RoundRobin } from "./round_robin.ts";

/** The options of policies. */
export interface PolicyOptions extends LatencyOptions {
  /** Returns a random number from 0 to 1, 1 excluded. */
  random(): number;
}

/** Makes a new policy. */
export function makePolicy(name: PolicyName, options: PolicyOptions): Policy {
  return MAKERS[name](options);
}

const MAKERS: Readonly<Record<PolicyName, (options: PolicyOptions) => Policy>> =
  {
    // Of servers with the same weight, the first in the configuration.
    failover: () => ({ keepsServer: true, pick: heaviest }),
    latency: (options) => new Latency(options),
    "round-robin": () => new RoundRobin(),
    random: ({ random }) => atRandom(random),
    hash: () => new BySite(),
  };
