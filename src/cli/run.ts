/**
 * The life of running services: start all or none, wait for a signal, stop
 * with grace.
 *
 * @module
 */
import { formatAddress } from "../codec/address.ts";
import { TransportError } from "../errors.ts";
import type { LogFields, Logger } from "../observe.ts";
import type { Service } from "../service/service.ts";
import type { Endpoint } from "../transport.ts";
import type { Host } from "./host.ts";

/** A service that is about to be started. */
export interface PlannedService {
  /** Where it shall listen. */
  readonly listen: Endpoint;
  /** Option that changes the port. */
  readonly portOption: string;
  /** Starts it. */
  start(): Promise<Service>;
  /** Line of the log once it listens, and the same as fields. */
  describe(address: string): { message: string; fields: LogFields };
}

/** How services run. */
export interface RunOptions {
  /** Milliseconds open connections get after the first signal. */
  readonly graceMs: number;
  /** Where the start lines go. */
  readonly logger: Logger;
  /** Tells when to stop. */
  readonly host: Host;
  /** Adds the facts of a start line as fields. */
  readonly withFields: boolean;
}

/**
 * Runs services until their host says stop.
 *
 * @throws {TransportError} When one cannot listen; none runs then.
 */
export async function runServices(
  planned: readonly PlannedService[],
  options: RunOptions,
): Promise<void> {
  const { logger, graceMs, withFields, host } = options;
  const signal = host.stopSignal();
  const services = await startAll(planned);
  for (const [i, service] of services.entries()) {
    const { message, fields } = planned[i]!.describe(
      formatAddress(service.address),
    );
    logger.log("info", message, withFields ? fields : {});
  }
  host.listening();
  const name = await signal;
  logger.log(
    "info",
    `${name}: accepting no more, ${graceMs / 1_000} s for open connections`,
  );
  await Promise.all(services.map((service) => service.stop(graceMs)));
}

async function startAll(
  planned: readonly PlannedService[],
): Promise<Service[]> {
  const services: Service[] = [];
  for (const plan of planned) {
    try {
      services.push(await plan.start());
    } catch (error) {
      await Promise.all(services.map((service) => service.stop(0)));
      throw error instanceof TransportError
        ? new TransportError(error.code, describeFailure(plan, error), {
          cause: error,
        })
        : error;
    }
  }
  return services;
}

function describeFailure(plan: PlannedService, error: TransportError): string {
  const prefix = `Cannot listen on ${formatAddress(plan.listen)}: `;
  switch (error.code) {
    case "ERR_NET_ADDRESS_IN_USE":
      return prefix + "address already in use; stop the program that uses it " +
        `or choose another port with ${plan.portOption}`;
    case "ERR_NET_ADDRESS_UNAVAILABLE":
      return prefix + "this machine does not have that address";
    case "ERR_NET_PERMISSION":
      return prefix +
        "permission denied; a port below 1024 needs privileges, " +
        "and Deno needs --allow-net";
    case "ERR_NET_NAME_NOT_FOUND":
      return prefix + "there is no such name";
    default:
      return prefix + error.message;
  }
}
