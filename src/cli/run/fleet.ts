/**
 * The running services: started all or none, brought in line with another
 * configuration without dropping a connection, stopped with grace.
 *
 * @module
 */
import { formatAddress } from "../../codec/address.ts";
import { isLoopback } from "../../codec/loopback.ts";
import { detach, type Witness } from "../../defect.ts";
import { ConfigError, TransportError } from "../../errors.ts";
import type { LogFields } from "../../observe.ts";
import type { Service } from "../../service/service.ts";
import type { Endpoint } from "../../transport.ts";

/** A service as it was asked for. */
export interface PlannedService {
  /** Names it from one configuration to the next: its kind and address. */
  readonly key: string;
  /** The address to listen on. */
  readonly listen: Endpoint;
  /** Option that changes the port. */
  readonly portOption: string;
  /** Advice where the system forbids it; default: the advice for all ports. */
  readonly privilege?: string | undefined;
  /**
   * Says if it could be started, as far as that is known before.
   *
   * @throws {ConfigError} When it could not.
   */
  check(): void;
  /** Starts it. */
  start(): Promise<Service>;
  /** Line of the log once it listens, and the same as fields. */
  describe(address: string): { message: string; fields: LogFields };
  /** The changes since the running plan of this key. */
  changesSince(before: PlannedService): Changes;
  /** Lets the service that runs under this key be as planned here. */
  adopt(running: Service): void;
}

/** The differences of two plans. */
export interface Changes {
  /** One sentence each. */
  readonly sentences: readonly string[];
  /** True if it must listen again; open connections stay in any case. */
  readonly restart: boolean;
}

/** A service, and the plan it follows. */
export interface RunningService {
  /** The plan that was asked for last. */
  readonly plan: PlannedService;
  /** The running service. */
  readonly service: Service;
}

/** The receivers of start lines and defects. */
export interface FleetOptions extends Witness {
  /** Adds the facts of a start line as fields. */
  readonly withFields: boolean;
}

/** The services of the program. */
export class Fleet {
  readonly #options: FleetOptions;
  readonly #running = new Map<string, RunningService>();
  /** Keys of the services whose addresses this machine does not have. */
  readonly #absent = new Set<string>();
  /** They accept no more, and wait for their last connections. */
  readonly #retired = new Set<Service>();
  #stopped = false;

  /** Starts with none. */
  constructor(options: FleetOptions) {
    this.#options = options;
  }

  /** The running services, in the order of their start. */
  get running(): readonly RunningService[] {
    return [...this.#running.values()];
  }

  /** The service of this key, if it runs. */
  find(key: string): RunningService | undefined {
    return this.#running.get(key);
  }

  /**
   * What `apply()` would change; one sentence each.
   *
   * @throws {ConfigError} When two plans are for one place.
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
   * Starts what is new, changes what is different, retires what is gone.
   *
   * @throws {ConfigError | TransportError} When a plan is wrong or what is new
   * cannot listen; nothing has changed then. A service that cannot listen
   * again is the exception: it goes on as it was, if it can. So is one of an
   * address that this machine does not have, if another one listens: that is a
   * warning. `ConfigError` also
   * after `stop()`: nothing may listen again while the last connections end.
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
   * Brings the service of the plan's key in line, at once.
   *
   * @throws {RangeError} When that cannot be; nothing has changed then.
   */
  adopt(plan: PlannedService): void {
    const running = this.#running.get(plan.key);
    if (running === undefined) throw new RangeError(`${plan.key} does not run`);
    plan.adopt(running.service);
    this.#running.set(plan.key, { plan, service: running.service });
  }

  /** Lets a service accept no more; what is open may take its time. */
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

  /** Ends everything, for good. */
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
    // Of those that have failed before the operator knows.
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
    throw new ConfigError(
      "ERR_CONFIG_USAGE",
      "The program is about to end: change it after its next start",
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

  /** The port must be free before it can be taken again. */
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

/** Refuses two services on one port: the second would blame another program. */
function refuseTwice(plans: readonly PlannedService[]): void {
  const seen = new Set<string>();
  for (const { key, listen } of plans) {
    if (seen.has(key) && listen.port !== 0) {
      throw new ConfigError(
        "ERR_CONFIG_VALUE",
        `${key} is there twice: leave one, or give it another port`,
      );
    }
    seen.add(key);
  }
}

/** True if a service cannot listen here because the address is not there. */
function isAbsent(error: unknown): error is TransportError {
  return error instanceof TransportError &&
    error.code === "ERR_NET_ADDRESS_UNAVAILABLE";
}

/** A place to listen, and the option that names another one. */
type Place = Pick<PlannedService, "listen" | "portOption" | "privilege">;

/** Puts what to do into the error of somebody who could not listen. */
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
      return prefix + "this machine does not have that address" +
        (plan.listen.host.includes(":") ? ", or no IPv6" : "") +
        "; `ip address` shows those it has" +
        (plan.portOption === "-p" && !isLoopback(plan.listen.host)
          ? ", and a client's file is for `umbra local`"
          : "");
    case "ERR_NET_PERMISSION":
      return prefix + "permission denied; " +
        (plan.privilege ?? "a port below 1024 needs privileges, " +
            "and Deno needs --allow-net");
    case "ERR_NET_NAME_NOT_FOUND":
      return prefix + "there is no such name; give an address of this machine";
    default:
      return error.message;
  }
}
