/**
 * The heaviest server that works; of equal ones the first of the configuration.
 *
 * @module
 */
import { type Candidate, heaviest, type Policy } from "./policy.ts";

/** Remembers nothing. */
export class Failover implements Policy {
  /** See {@link Policy.keepsServer}. */
  readonly keepsServer = true;

  /** See {@link Policy.pick}. */
  pick<C extends Candidate>(candidates: readonly C[]): C {
    return heaviest(candidates);
  }
}
