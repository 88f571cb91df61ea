/**
 * The running services: started all together or not at all, adapted to a
 * changed configuration without closing connections, and stopped with a grace
 * time.
 *
 * @module
 */
import { formatAddress } from "../../codec/address.ts";
import { isLoopback } from "../../codec/loopback.ts";
import { detach, type Witness } from "../../defect.ts";
import { badValue, TransportError } from "../../errors.ts";
import type { LogFields } from "../../observe.ts";
import type { Service } from "../../service/service.ts";
import type { Endpoint } from "../../transport.ts";
import { usage } from "../options/getopt.ts";

/** A service that shall run. */
export interface PlannedService {
  /** Identifies the service across configurations: its kind and address. */
  readonly key: string;
  /** The address to listen on. */
  readonly listen: Endpoint;
  /** The option that changes the port. */
  readonly portOption: string;
  /**
   * Advice if the system forbids to listen; default: the usual advice about
   * ports.
   */
  readonly privilege?: string | undefined;
  /**
   * Checks that the service could be started, as far as known in advance.
   *
   * @throws {ConfigError} If it could not.
   */
  check(): void;
  /** Starts the service. */
  start(): Promise<Service>;
  /** Returns the log line after the start, as text and as fields. */
  describe(address: string): { message: string; fields: LogFields };
  /** Returns the differences from the plan that runs under the same key. */
  changesSince(before: PlannedService): Changes;
  /** Applies this plan to the service that runs under its key. */
  adopt(running: Service): void;
}

/** The differences of two plans. */
export interface Changes {
  /** One sentence for each difference. */
  readonly sentences: readonly string[];
  /** True if the service must listen again; open connections stay open. */
  readonly restart: boolean;
}

/** A running service with its plan. */
export interface RunningService {
  /** The latest plan. */
  readonly plan: PlannedService;
  /** The running service. */
  readonly service: Service;
}

/** The dependencies of a fleet: the receivers of log lines and defects. */
export interface FleetOptions extends Witness {
  /** True to log the facts of a start as fields. */
  readonly withFields: boolean;
}

/** All services of the program. */
export class Fleet {
  readonly #options: FleetOptions;
  readonly #running = new Map<string, RunningService>();
  /** Keys of services whose address this machine does not have. */
  readonly #absent = new Set<string>();
  /** Services that accept no more, and wait for their last connections. */
  readonly #retired = new Set<Service>();
  #stopped = false;

  /** Creates a fleet without services. */
  constructor(options: FleetOptions) {
    this.#options = options;
  }

  /** The running services, in the order of their start. */
  get running(): readonly RunningService[] {
    return [...this.#running.values()];
  }

  /** Returns the service of this key, if it runs. */
  find(key: string): RunningService | undefined {
    return this.#running.get(key);
  }

  /**
   * Returns what `apply()` would change, in one sentence for each change.
   *
   * @throws {ConfigError} If two plans have the same address.
   */
  preview(plans: readonly PlannedService[]): string[] {
    refuseTwice(plans);
    const wanted = new Set(plans.map(({ key }) => key));
    return [
      ...this.running.filter(({ plan }) => !wanted.has(plan.key))
        .map(({ plan }) => `${plan.key}: stops listening`),
      ...plans.flatMap((plan) => {
        const before = this.#running.get(plan.key)?.plan;
        if (before === undefined) return [`${plan.key}: starts listening`];
        return plan.changesSince(before).sentences
          .map((sentence) => `${plan.key}: ${sentence}`);
      }),
    ];
  }

  /**
   * Starts new services, changes existing ones, and retires those without a
   * plan.
   *
   * @throws {ConfigError | TransportError} If a plan is invalid or a new
   * service cannot listen; nothing has changed then. There are two exceptions:
   * a service that cannot listen again continues with its old plan, if
   * possible; and an address that this machine does not have is only a warning
   * if another service listens. After `stop()` every call throws `ConfigError`,
   * because nothing may listen while the last connections end.
   */
  async apply(plans: readonly PlannedService[]): Promise<void> {
    this.#refuseWhenStopped();
    refuseTwice(plans);
    for (const plan of plans) plan.check();
    await this.#startAll(plans.filter(({ key }) => !this.#running.has(key)));
    const wanted = new Set(plans.map(({ key }) => key));
    for (const { plan } of this.running) {
      if (!wanted.has(plan.key)) this.retire(plan.key);
    }
    for (const plan of plans) {
      const before = this.#running.get(plan.key)?.plan;
      if (before === undefined || plan === before) continue;
      if (plan.changesSince(before).restart) await this.#restart(plan);
      else this.adopt(plan);
    }
  }

  /**
   * Applies a plan to the running service of its key, without a restart.
   *
   * @throws {RangeError} If the service cannot adopt the plan; nothing has
   * changed then.
   */
  adopt(plan: PlannedService): void {
    const running = this.#running.get(plan.key);
    if (running === undefined) throw new RangeError(`${plan.key} does not run`);
    plan.adopt(running.service);
    this.#running.set(plan.key, { plan, service: running.service });
  }

  /** Stops a service from accepting; its open connections may take any time. */
  retire(key: string): void {
    const running = this.#running.get(key);
    if (running === undefined) return;
    this.#running.delete(key);
    const { service } = running;
    this.#retired.add(service);
    const stopping = service.stop(Infinity)
      .finally(() => this.#retired.delete(service));
    detach(stopping, `the end of ${key}`, this.#options);
  }

  /** Stops all services. The fleet cannot be started again. */
  async stop(graceMs: number): Promise<void> {
    this.#stopped = true;
    const services = [
      ...this.running.map(({ service }) => service),
      ...this.#retired,
    ];
    await Promise.all(services.map((service) => service.stop(graceMs)));
    this.#running.clear();
  }

  async #startAll(plans: readonly PlannedService[]): Promise<void> {
    const started: RunningService[] = [];
    const absent: { plan: PlannedService; error: TransportError }[] = [];
    for (const plan of plans) {
      try {
        started.push({ plan, service: await plan.start() });
        this.#refuseWhenStopped();
      } catch (error) {
        if (isAbsent(error)) absent.push({ plan, error });
        else {
          await Promise.all(started.map(({ service }) => service.stop(0)));
          throw explainListening(plan, error);
        }
      }
    }
    const unknown = absent.filter(({ plan }) => !this.#absent.has(plan.key));
    // Only addresses that were not missing before are failures of this call.
    if (started.length === 0 && unknown.length > 0) {
      throw explainListening(unknown[0]!.plan, unknown[0]!.error);
    }
    for (const running of started) this.#add(running);
    for (const { plan, error } of unknown) {
      this.#absent.add(plan.key);
      this.#options.logger.log("warn", describeFailure(plan, error));
    }
  }

  #refuseWhenStopped(): void {
    if (!this.#stopped) return;
    throw usage(
      "The program is stopping: repeat the change after the next start",
    );
  }

  #add(running: RunningService): void {
    const { logger, withFields } = this.#options;
    const { plan, service } = running;
    this.#running.set(plan.key, running);
    this.#absent.delete(plan.key);
    if (plan.listen.host.includes(":") && !service.address.host.includes(":")) {
      logger.log(
        "warn",
        `this machine has no IPv6: ${formatAddress(plan.listen)} is IPv4 only`,
      );
    }
    const { message, fields } = plan.describe(formatAddress(service.address));
    logger.log("info", message, withFields ? fields : {});
  }

  /**
   * Starts a service again. Its port must be released before it can be bound
   * again.
   */
  async #restart(plan: PlannedService): Promise<void> {
    const { plan: before, service } = this.#running.get(plan.key)!;
    await service.release?.();
    this.retire(plan.key);
    try {
      await this.#startAll([plan]);
    } catch (error) {
      await this.#startAll([before]);
      throw error;
    }
  }
}

/**
 * Refuses two services on one port: the error of the second would blame another
 * program.
 */
function refuseTwice(plans: readonly PlannedService[]): void {
  const seen = new Set<string>();
  for (const { key, listen } of plans) {
    if (seen.has(key) && listen.port !== 0) {
      throw badValue(
        `${key} is configured twice: remove one, or change its port`,
      );
    }
    seen.add(key);
  }
}

/**
 * True if a service cannot listen because this machine does not have the
 * address.
 */
function isAbsent(error: unknown): error is TransportError {
  return error instanceof TransportError &&
    error.code === "ERR_NET_ADDRESS_UNAVAILABLE";
}

/** A listening address, and the option that changes it. */
type Place = Pick<PlannedService, "listen" | "portOption" | "privilege">;

/** Adds advice to the error of a service that could not listen. */
export function explainListening(plan: Place, error: unknown): unknown {
  return error instanceof TransportError
    ? new TransportError(error.code, describeFailure(plan, error), {
      cause: error,
    })
    : error;
}

function describeFailure(plan: Place, error: TransportError): string {
  const prefix = `Cannot listen on ${formatAddress(plan.listen)}: `;
  switch (error.code) {
    case "ERR_NET_ADDRESS_IN_USE":
      return prefix + "address already in use; stop the program that uses it " +
        `or choose another port with ${plan.portOption}`;
    case "ERR_NET_ADDRESS_UNAVAILABLE":
      return prefix + "this machine does not have the address" +
        (plan.listen.host.includes(":") ? ", or no IPv6" : "") +
        "; `ip address` lists its addresses" +
        (plan.portOption === "-p" && !isLoopback(plan.listen.host)
          ? ", and a client's file is for `umbra local`"
          : "");
    case "ERR_NET_PERMISSION":
      return prefix + "permission denied; " +
        (plan.privilege ?? "a port below 1024 needs privileges, " +
            "and Deno needs --allow-net");
    case "ERR_NET_NAME_NOT_FOUND":
      return prefix +
        "the name does not exist; give an address of this machine";
    default:
      return error.message;
  }
}
