/**
 * The executable half of `src/transport.ts`: every adapter must pass it.
 * Declared differences are in `capabilities.ts`.
 *
 * @module
 */
import { datagramSuite } from "./datagram_suite.ts";
import { failureSuite } from "./failure_suite.ts";
import type { Fixture } from "./harness.ts";
import { networkSuite } from "./network_suite.ts";
import { readySuite } from "./ready_suite.ts";
import { streamSuite } from "./stream_suite.ts";

/** Registers all tests for one transport. */
export function transportSuite(fixture: Fixture): void {
  streamSuite(fixture);
  readySuite(fixture);
  failureSuite(fixture);
  networkSuite(fixture);
  datagramSuite(fixture);
}
