/**
 * Runs a configured role from its start to a signal. Everything opened is
 * closed on success and on every error.
 *
 * @module
 */
import process from "node:process";
import { giveUpPrograms } from "../../adapters/system/programs.ts";
import { systemRest } from "../../adapters/system/rest.ts";
import { writeError } from "../../adapters/system/standard_error.ts";
import { DayHistory } from "../../admin/day_history.ts";
import type { Operator, Status } from "../../admin/operator.ts";
import { pause, systemClock } from "../../clock.ts";
import type { Method } from "../../crypto/method.ts";
import { detach, tellDefect } from "../../defect.ts";
import type { MinuteStore } from "../../minutes.ts";
import type { Logger } from "../../observe.ts";
import { systemRandomBytes } from "../../random.ts";
import type { Dependencies } from "../../service/service.ts";
import type { AdminWorld } from "./admin.ts";
import type { Arguments } from "../options/args.ts";
import type { ConfiguredRole } from "../config/config.ts";
import type { OperatorSettings } from "../config/operator_settings.ts";
import { Fleet } from "./fleet.ts";
import type { Host } from "./host.ts";
import { programLogger } from "../log/program_log.ts";
import {
  connectionLimit,
  type LimitedService,
  ProgramStatus,
  tellTotals,
} from "./program_status.ts";
import { KeptMinutes } from "./kept_minutes.ts";
import { reload } from "./reload.ts";
import { checkDescriptors } from "./descriptor_floor.ts";
import { checkReusePort, checkWorkers } from "./sharing.ts";
import type { Stoppable } from "./take_over.ts";
import { systemWorld } from "./world.ts";
import type { ProvidersInUse } from "../tools/crypto.ts";
import { chooseTransport } from "../../adapters/net/choose.ts";
import { systemTransport } from "../../adapters/net/system.ts";

/**
 * A program that can be started, reports its status, can be changed and
 * stopped.
 */
export interface Supervised extends Operator, Stoppable {
  /** Keeps minutes across restarts; not set if a restart forgets them. */
  readonly minutes?: MinuteStore | undefined;
  /**
   * @throws {ConfigError | TransportError} If the program cannot start; nothing
   * runs then.
   */
  start(): Promise<void>;
}

/** The dependencies of both roles. */
export interface Surroundings {
  /** The dependencies of services. */
  readonly world: Dependencies;
  /** The running services. */
  readonly fleet: Fleet;
  /** Logs what happens. */
  readonly logger: Logger;
  /** Disposed of when the role has ended or could not start. */
  readonly owned: DisposableStack;
  /** Prepares the methods of a configuration, and serves those in use. */
  readonly ciphers: Pick<ProvidersInUse, "prepare" | "serve">;
  /** Returns the status without servers and users. */
  programStatus(): Omit<Status, "servers" | "users" | "keepsUsers" | "plugins">;
}

/** An action before a role serves, and its reversal after that. */
export interface Beside {
  /** @throws {UmbraError} If the action fails; the role then does not start. */
  begin(logger: Logger): Promise<void>;
  /** Reverses the action; failures are logged. */
  end(logger: Logger): Promise<void>;
}

/** A configured role, and what it needs. */
export interface Role extends ConfiguredRole<readonly LimitedService[]> {
  /** The name of the role. */
  readonly role: Status["role"];
  /** Methods in use from the start. */
  readonly methods: readonly Method[];
  /** Ports of the configuration; 0 if the system chooses. */
  readonly ports: readonly number[];
  /** True if TCP is served. */
  readonly streams: boolean;
  /** True if UDP is served. */
  readonly datagrams: boolean;
  /** True if plugin programs are started. */
  readonly plugins: boolean;
  /** Warnings that apply with several workers. */
  readonly workersCaveats?: readonly string[];
  /** Begun when everything listens, and ended when the role stops. */
  readonly beside?: Beside;
  /** Makes the supervisor of the role. */
  supervise(surroundings: Surroundings): Supervised;
}

/**
 * Runs the role until a signal, in workers if several are configured, else in
 * this thread.
 *
 * @throws {UmbraError} If the role cannot start; nothing runs then.
 */
export async function runRole(
  args: Arguments,
  host: Host,
  role: Role,
): Promise<void> {
  await using logger = openLog(host, role.operator);
  const { workers } = role.operator;
  checkReusePort(role);
  if (!role.plugins && host.worker === undefined) giveUpPrograms();
  if (host.worker !== undefined) return await serve(host, role, logger);
  checkDescriptors(systemTransport().descriptorLimit());
  for (const warning of [...args.warnings, ...role.warnings]) {
    logger.log("warn", warning);
  }
  if (workers === 1) return await serve(host, role, logger);
  const { transport, warnings } = await chooseTransport(
    role.operator.transport,
  );
  for (const warning of warnings) logger.log("warn", warning);
  checkWorkers(role, transport.capabilities);
  for (const caveat of role.workersCaveats ?? []) logger.log("warn", caveat);
  const observed = await host.runWorkers(workers, logger);
  if (observed !== undefined) tellTotals(observed, logger);
}

function openLog(
  { worker }: Host,
  operator: OperatorSettings,
): Logger & AsyncDisposable {
  return programLogger({
    format: operator.logFormat,
    privacy: operator.logPrivacy,
    verbose: operator.verbose,
    connections: operator.logConnections,
    withoutTime: operator.logWithoutTime,
    colour: process.stderr.isTTY === true,
    worker,
  }, {
    write: writeError,
    clock: systemClock,
    randomBytes: systemRandomBytes,
  });
}

/** Runs the role in this thread. */
async function serve(
  host: Host,
  role: Role,
  logger: Logger,
): Promise<void> {
  const { operator } = role;
  const { workers, drainMs, graceMs } = operator;
  const withFields = operator.logFormat === "json";
  using owned = new DisposableStack();
  const { world, observations, requests, providers } = await systemWorld(
    host,
    { operator, traffic: role, workers, logger },
  );
  const witness = { logger, metrics: observations };
  providers.serve(role.methods);
  const status = new ProgramStatus(
    {
      role: role.role,
      connectionLimit: connectionLimit(role.result, world),
    },
    { observations, providers },
    logger,
  );
  owned.use(status);
  owned.use(systemRest(world.transport));
  const supervised = role.supervise({
    world,
    fleet: new Fleet({ ...witness, withFields }),
    logger,
    owned,
    ciphers: providers,
    programStatus: () => status.read(),
  });
  const { minutes } = supervised;
  const day = owned.use(
    new DayHistory(
      systemClock,
      () => observations.snapshot,
      minutes && new KeptMinutes(minutes, logger),
    ),
  );
  const startAdmin = await prepareAdmin(operator, supervised, {
    transport: world.transport,
    clock: systemClock,
    logger,
    history: () => day.minutes,
    ...role.role === "local" && { requests: () => requests?.latest },
  });
  const signal = host.stopSignal();
  const admin = await startAll(supervised, startAdmin, async () => {
    await role.beside?.begin(logger);
  });
  host.onReload(() => detach(reload(supervised, logger), "reload", witness));
  host.onDefect((error) => tellDefect(error, "unattended work", witness));
  status.ready = true;
  host.listening();
  const name = await signal;
  status.ready = false;
  await role.beside?.end(logger);
  if (drainMs > 0) {
    logger.log(
      "info",
      `${name}: not ready, accepting for ${drainMs / 1_000} s`,
    );
    // A second signal exits the program, so the pause needs no cancellation.
    await pause(systemClock, drainMs, new AbortController().signal);
  }
  logger.log(
    "info",
    `${name}: no longer accepting, ${graceMs / 1_000} s for open connections`,
  );
  // With shared ports another process waits for these ports; without, the
  // operator can watch the end.
  if (operator.reusePort) await admin?.stop(0);
  await supervised.stop(graceMs);
  if (!operator.reusePort) await admin?.stop(0);
  host.stopped(observations.snapshot);
  if (host.worker === undefined) tellTotals(observations.snapshot, logger);
}

/** Starts everything, or nothing if a part fails. */
async function startAll(
  supervised: Supervised,
  startAdmin: () => Promise<Stoppable | undefined>,
  begin: () => Promise<void>,
): Promise<Stoppable | undefined> {
  let admin: Stoppable | undefined;
  try {
    await supervised.start();
    admin = await startAdmin();
    await begin();
    return admin;
  } catch (error) {
    await supervised.stop(0);
    await admin?.stop(0);
    throw error;
  }
}

/**
 * Loads and checks the operator's port and the manager, if they are configured.
 *
 * @returns The function that starts them.
 */
async function prepareAdmin(
  operator: OperatorSettings,
  supervised: Operator,
  world: AdminWorld,
): Promise<() => Promise<Stoppable | undefined>> {
  const isAsked = [operator.admin, operator.invite, operator.manager]
    .some((port) => port !== undefined);
  if (!isAsked) return () => Promise.resolve(undefined);
  const { checkAdmin, startAdmin } = await import("./admin.ts");
  const { dashboardPage: page } = await import("../../admin/dashboard_page.ts");
  checkAdmin(operator, supervised, { ...world, page });
  return () => startAdmin(operator, supervised, { ...world, page });
}
