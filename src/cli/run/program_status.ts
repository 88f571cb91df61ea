/**
 * The status of the program, and the totals at its end.
 *
 * @module
 */
import { ProcessProbe } from "../../adapters/system/process_probe.ts";
import { type Observed, serviceStatus } from "../../admin/observations.ts";
import type { Status } from "../../admin/operator.ts";
import { systemClock } from "../../clock.ts";
import type { Logger } from "../../observe.ts";
import {
  connectionShare,
  type Dependencies,
  withDefaults,
} from "../../service/service.ts";
import { flowShare } from "../../service/udp/flow_share.ts";
import type { ServiceOptions } from "../../service/options.ts";
import { runtimeName } from "../../adapters/system/runtime.ts";
import { VERSION } from "../tools/version.ts";
import { ClockWatch } from "./clock_watch.ts";
import type { SystemWorld } from "./world.ts";

/** Facts that do not change while the program runs. */
export interface ProgramFacts {
  /** See {@link Status.role}. */
  readonly role: Status["role"];
  /** Maximum of open connections. */
  readonly connectionLimit: number;
}

/** Watches the program from construction to disposal. */
export class ProgramStatus implements Disposable {
  /** True if everything listens and the program is not stopping. */
  ready = false;
  readonly #facts: ProgramFacts;
  readonly #system: Pick<SystemWorld, "observations" | "providers">;
  readonly #probe = new ProcessProbe();
  readonly #clock: ClockWatch;

  /** Starts to watch. */
  constructor(
    facts: ProgramFacts,
    system: Pick<SystemWorld, "observations" | "providers">,
    logger: Logger,
  ) {
    this.#facts = facts;
    this.#system = system;
    this.#clock = new ClockWatch(systemClock, logger);
  }

  /** Returns the status without servers and users. */
  read(): Omit<Status, "servers" | "users" | "keepsUsers" | "plugins"> {
    const { observations, providers } = this.#system;
    const { connections, ...told } = serviceStatus(observations.snapshot);
    const { descriptors, eventLoopLagMs, residentBytes } = this.#probe;
    return {
      ...told,
      version: VERSION,
      runtime: runtimeName(),
      role: this.#facts.role,
      startedUnixMs: this.#clock.startedUnixMs,
      nowUnixMs: systemClock.unixMs(),
      ready: this.ready,
      connections: { ...connections, limit: this.#facts.connectionLimit },
      eventLoopLagMs,
      residentBytes,
      ...descriptors && { descriptors },
      crypto: providers.chosen,
      legacy: providers.unprotected,
    };
  }

  /** Ends the watch. Idempotent. */
  [Symbol.dispose](): void {
    this.#probe[Symbol.dispose]();
    this.#clock[Symbol.dispose]();
  }
}

/** The options that determine a service's maximum of connections. */
export type LimitedService = Pick<
  ServiceOptions,
  "mode" | "maxFlows" | "maxConnections"
>;

/** Returns the smallest maximum of connections among the services. */
export function connectionLimit(
  services: readonly LimitedService[],
  dependencies: Dependencies,
): number {
  const world = withDefaults(dependencies);
  return Math.min(
    ...services.map((service) =>
      connectionShare(service.maxConnections, world, flowShare(service, world))
    ),
  );
}

/** Logs the totals in one line. */
export function tellTotals(
  { connections, refusals, traffic, lostDatagrams }: Observed,
  logger: Logger,
): void {
  logger.log("info", "served", {
    connections: connections.accepted,
    failed: Object.values(refusals).reduce((sum, count) => sum + count, 0),
    bytesUp: traffic.bytesUp,
    bytesDown: traffic.bytesDown,
    datagrams: traffic.packetsUp + traffic.packetsDown,
    lostDatagrams,
  });
}
