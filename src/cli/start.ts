/**
 * The commands `local`, `tunnel` and `server`: from a command line to a program
 * that runs until a signal, and reads its configuration again on another.
 *
 * @module
 */
import { availableParallelism } from "node:os";
import process from "node:process";
import { ProcessProbe } from "../adapters/process_probe.ts";
import { systemTransport } from "../adapters/runtime.ts";
import { openSqliteStore } from "../adapters/sqlite_store.ts";
import {
  Observations,
  type Observed,
  serviceStatus,
} from "../admin/observations.ts";
import { dashboardPage } from "../admin/dashboard_page.ts";
import type { Operator, Status } from "../admin/operator.ts";
import { systemClock } from "../clock.ts";
import type { Method } from "../crypto/method.ts";
import { ConfigError } from "../errors.ts";
import { GRACE_MS } from "../limits.ts";
import type { Logger } from "../observe.ts";
import { systemRandomBytes } from "../random.ts";
import { sharedReplayFilters } from "../security/replay_filter.ts";
import { connectionCapacity, type Dependencies } from "../service/service.ts";
import type { Mode } from "../service/udp_service.ts";
import { checkAdmin, startAdmin } from "./admin.ts";
import type { Arguments } from "./args.ts";
import { CRYPTO_CHOICES } from "./commands/defaults.ts";
import {
  type ConfiguredRole,
  configureLocal,
  configureServer,
  configureTunnel,
} from "./config/config.ts";
import { ProvidersInUse } from "./crypto.ts";
import { dnsFromOptions } from "./config/dns_settings.ts";
import { Fleet } from "./fleet.ts";
import { guessHost } from "./guess_host.ts";
import type { Host } from "./host.ts";
import { DnsPlan, LocalPlan } from "./local_plan.ts";
import { LocalSupervisor, methodsOf } from "./local_supervisor.ts";
import { DEFAULT_LOG_PRIVACY } from "./log/log_privacy.ts";
import { openOnline } from "./online/open_online.ts";
import { option } from "./option_value.ts";
import { checkOutbound } from "./config/outbound_settings.ts";
import { programLogger } from "./log/program_log.ts";
import { complain } from "./output.ts";
import { reload } from "./reload.ts";
import { systemSources } from "./config/sources.ts";
import { Supervisor } from "./supervisor.ts";
import { readInteger, readSeconds } from "./config/values.ts";
import { runtimeName, VERSION } from "./version.ts";

/** Runs `ss-local` until a signal. */
export async function runLocal(args: Arguments, host: Host): Promise<void> {
  await runLocals(args, configureLocal, host);
}

/** Runs `ss-tunnel` until a signal. */
export async function runTunnel(args: Arguments, host: Host): Promise<void> {
  await runLocals(args, configureTunnel, host);
}

async function runLocals(
  args: Arguments,
  configureRole: typeof configureLocal,
  host: Host,
): Promise<void> {
  using online = await openOnline(args, systemSources);
  const configure = (published = online?.servers) =>
    configureRole(args, systemSources, published);
  const dns = dnsFromOptions(args);
  const configured = configure();
  const { result } = configured;
  await run(args, host, {
    ...configured,
    warnings: [...online?.warnings ?? [], ...configured.warnings],
    role: "local",
    methods: result.flatMap(methodsOf),
    streams: dns !== undefined || result.some(hasTcp),
    ports: result.map(({ listen }) => listen.port),
    datagrams: dns !== undefined || result.some(hasUdp),
    supervise: ({ world, ...surroundings }) => {
      const supervisor = new LocalSupervisor(configured, {
        ...surroundings,
        configure: () => configure(),
        plans: (locals) => [
          ...locals.map((options) => new LocalPlan(options, world)),
          ...dns === undefined ? [] : [new DnsPlan(dns, locals[0]!, world)],
        ],
      });
      void online?.follow(
        surroundings.logger,
        (servers) =>
          supervisor.setServers(configure(servers).result[0]!.servers),
      );
      return supervisor;
    },
  });
}

/** Runs `ss-server` until a signal. */
export async function runServer(args: Arguments, host: Host): Promise<void> {
  const configure = () => configureServer(args, systemSources);
  const configured = configure();
  const { result, operator } = configured;
  const { store: path } = operator;
  await run(args, host, {
    ...configured,
    role: "server",
    methods: result.map(({ method }) => method),
    streams: result.some(hasTcp),
    ports: result.map(({ listen }) => listen.port),
    datagrams: result.some(hasUdp),
    workersCaveat: result.some(({ users }) => users?.some((u) => u.limits))
      ? "each worker counts users by itself, so limits hold for each of them"
      : undefined,
    supervise: (surroundings) =>
      new Supervisor(configured, {
        ...surroundings,
        configure,
        clock: systemClock,
        randomBytes: systemRandomBytes,
        store: path === undefined ? undefined : openSqliteStore(path),
        guessHost,
      }),
  });
}

/** A program that can be started, watched, changed and stopped. */
interface Supervised extends Operator {
  start(): Promise<void>;
  stop(graceMs: number): Promise<void>;
}

/** What both roles are given to work with. */
interface Surroundings {
  readonly world: Dependencies;
  readonly fleet: Fleet;
  readonly logger: Logger;
  serve(methods: readonly Method[]): void;
  programStatus(): Omit<Status, "servers">;
}

/** A configured role, and what it will need. */
interface Role extends ConfiguredRole<unknown> {
  readonly role: Status["role"];
  readonly methods: readonly Method[];
  readonly ports: readonly number[];
  /** Whether TCP is served. */
  readonly streams: boolean;
  /** Whether UDP is served. */
  readonly datagrams: boolean;
  /** What the operator should know who asks for several workers. */
  readonly workersCaveat?: string | undefined;
  supervise(surroundings: Surroundings): Supervised;
}

async function run(args: Arguments, host: Host, role: Role): Promise<void> {
  const { worker } = host;
  const { operator } = role;
  const graceMs = graceOf(args);
  const { logConnections = false } = operator;
  using logger = programLogger({
    format: operator.logFormat ?? "text",
    privacy: operator.logPrivacy ?? DEFAULT_LOG_PRIVACY[role.role],
    verbose: args.has("verbose"),
    connections: logConnections,
    colour: process.stderr.isTTY === true,
    worker,
  }, {
    write: complain,
    clock: systemClock,
    randomBytes: systemRandomBytes,
  });
  const workers = option(args, "workers", readWorkers, "a number, or auto") ??
    1;
  if (operator.reusePort) checkSharing("--reuse-port", role);
  if (worker === undefined) {
    for (const warning of [...args.warnings, ...role.warnings]) {
      logger.log("warn", warning);
    }
    if (workers > 1) {
      checkWorkers(role);
      if (role.workersCaveat) logger.log("warn", role.workersCaveat);
      const observed = await host.runWorkers(workers, logger);
      if (observed !== undefined) tellTotals(observed, logger);
      return;
    }
  }
  const providers = new ProvidersInUse(
    option(args, "crypto", readCrypto, CRYPTO_CHOICES.join(", ")) ?? "auto",
    logger,
  );
  providers.serve(role.methods);
  const { outbound } = operator;
  const transport = systemTransport(outbound);
  if (outbound !== undefined) await checkOutbound(transport, outbound, role);
  const observations = new Observations(systemClock);
  using probe = new ProcessProbe();
  const world: Dependencies = {
    transport,
    logger,
    connectionLevel: logConnections ? "info" : "debug",
    aeadProvider: providers.provider,
    workers,
    sharePorts: workers > 1 || operator.reusePort === true,
    replayFilter: sharedReplayFilters(systemClock, host.salts),
    metrics: observations,
  };
  const startedUnixMs = systemClock.unixMs();
  const limit = connectionLimit(args, world);
  let ready = false;
  const supervised = role.supervise({
    world,
    fleet: new Fleet({ logger, withFields: operator.logFormat === "json" }),
    logger,
    serve: (methods) => providers.serve(methods),
    programStatus: () => {
      const { connections, ...told } = serviceStatus(observations.snapshot);
      const { descriptors } = probe;
      return {
        ...told,
        version: VERSION,
        runtime: runtimeName(),
        role: role.role,
        startedUnixMs,
        nowUnixMs: systemClock.unixMs(),
        ready,
        connections: { ...connections, limit },
        eventLoopLagMs: probe.eventLoopLagMs,
        residentBytes: probe.residentBytes,
        ...descriptors && { descriptors },
        crypto: providers.chosen,
      };
    },
  });
  const adminWorld = {
    transport,
    clock: systemClock,
    logger,
    page: dashboardPage,
  };
  checkAdmin(operator, supervised, adminWorld);
  const signal = host.stopSignal();
  await supervised.start();
  const admin = await startAdmin(operator, supervised, adminWorld).catch(
    async (error) => {
      await supervised.stop(0);
      throw error;
    },
  );
  host.onReload(() => reload(supervised, logger));
  ready = true;
  host.listening();
  const name = await signal;
  ready = false;
  logger.log(
    "info",
    `${name}: accepting no more, ${graceMs / 1_000} s for open connections`,
  );
  await supervised.stop(graceMs);
  // Last, so that the end can be watched.
  await admin.stop(0);
  host.stopped(observations.snapshot);
  if (worker === undefined) tellTotals(observations.snapshot, logger);
}

function graceOf(args: Arguments): number {
  return option(
    args,
    "grace",
    (text) => readSeconds(text, 0),
    "seconds, 0 or more",
  ) ?? GRACE_MS;
}

/** Connections at once, as the services see it too. */
function connectionLimit(args: Arguments, { transport }: Dependencies): number {
  const chosen = Number(args.last("max-connections"));
  return chosen || connectionCapacity(transport.descriptorLimit());
}

function tellTotals(
  { connections, refusals, traffic }: Observed,
  logger: Logger,
): void {
  logger.log("info", "served", {
    connections: connections.accepted,
    failed: Object.values(refusals).reduce((sum, count) => sum + count, 0),
    bytesUp: traffic.bytesUp,
    bytesDown: traffic.bytesDown,
    datagrams: traffic.packetsUp + traffic.packetsDown,
  });
}

function readWorkers(text: string): number | undefined {
  return text === "auto" ? availableParallelism() : readInteger(text, 1);
}

/** @throws {ConfigError} Where workers cannot share what is asked for. */
function checkWorkers(role: Role): void {
  checkSharing("--workers", role);
  const { operator, datagrams } = role;
  if (datagrams) {
    throw new ConfigError(
      "ERR_CONFIG_USAGE",
      "--workers cannot share a UDP port, the runtimes offer no way to: leave " +
        "it out, or run -U and --dns-listen in a process of their own",
    );
  }
  const single = (["admin", "manager", "store"] as const)
    .find((name) => operator[name] !== undefined);
  if (single !== undefined) {
    throw new ConfigError(
      "ERR_CONFIG_USAGE",
      `--workers and --${single} do not go together: every worker counts and ` +
        "serves users by itself; leave one of both out",
    );
  }
}

/** @throws {ConfigError} Where ports cannot be shared. */
function checkSharing(option: string, { ports }: Role): void {
  const refuse = (why: string): never => {
    throw new ConfigError("ERR_CONFIG_USAGE", `${option} ${why}`);
  };
  if (process.platform !== "linux") {
    refuse("needs SO_REUSEPORT as Linux has it; leave it out here");
  }
  if (ports.includes(0)) {
    refuse("cannot share a port that the system chooses; give one");
  }
}

function readCrypto(text: string): string | undefined {
  return CRYPTO_CHOICES.includes(text) ? text : undefined;
}

function hasUdp({ mode = "tcp_only" }: { readonly mode?: Mode }): boolean {
  return mode !== "tcp_only";
}

function hasTcp({ mode = "tcp_only" }: { readonly mode?: Mode }): boolean {
  return mode !== "udp_only";
}
