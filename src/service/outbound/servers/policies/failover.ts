/**
 * Chooses the working server with the greatest weight; of equal ones, the first
 * in the configuration.
 *
 * @module
 */
import { type Candidate, heaviest, type Policy } from "./policy.ts";

/** A policy without state. */
export class Failover implements Policy {
  /** See {@link Policy.keepsServer}. */
  readonly keepsServer = true;

  /** See {@link Policy.pick}. */
  pick<C extends Candidate>(candidates: readonly C[]): C {
    return heaviest(candidates);
  }
}
