/**
 * The commands `local` and `server`: configuration → running services.
 *
 * @module
 */
import { availableParallelism } from "node:os";
import process from "node:process";
import { systemTransport } from "../adapters/runtime.ts";
import * as dnsMessages from "../adapters/dns_messages.ts";
import { Observations, type Observed } from "../admin/observations.ts";
import { systemClock } from "../clock.ts";
import { formatAddress } from "../codec/address.ts";
import type { Method } from "../crypto/method.ts";
import { ConfigError } from "../errors.ts";
import { GRACE_MS } from "../limits.ts";
import type { Logger } from "../observe.ts";
import { startDns } from "../service/dns_inbound.ts";
import { sharedReplayFilters } from "../security/replay_filter.ts";
import { describeProtocol } from "../service/inbound_protocols.ts";
import { type LocalOptions, startLocal } from "../service/local.ts";
import { type ServerOptions, startServer } from "../service/server.ts";
import type { Dependencies } from "../service/service.ts";
import type { Mode } from "../service/udp_service.ts";
import type { Arguments } from "./args.ts";
import { CRYPTO_CHOICES } from "./commands.ts";
import {
  type ConfiguredRole,
  configureLocal,
  configureServer,
  configureTunnel,
} from "./config.ts";
import { chooseProvider } from "./crypto.ts";
import type { Host } from "./host.ts";
import { dnsFromOptions, type DnsSettings } from "./dns_settings.ts";
import { createLogger } from "./log.ts";
import { readText } from "./output.ts";
import { type PlannedService, runServices } from "./run.ts";
import { option } from "./option_value.ts";
import { readInteger, readSeconds } from "./values.ts";
import { runtimeName } from "./version.ts";

/** Runs `ss-local` until a signal. */
export async function runLocal(args: Arguments, host: Host): Promise<void> {
  await runLocals(args, configureLocal(args, readText), host);
}

/** Runs `ss-tunnel` until a signal. */
export async function runTunnel(args: Arguments, host: Host): Promise<void> {
  await runLocals(args, configureTunnel(args, readText), host);
}

async function runLocals(
  args: Arguments,
  { result, warnings, operator }: ConfiguredRole<LocalOptions[]>,
  host: Host,
): Promise<void> {
  const dns = dnsFromOptions(args);
  await run(args, {
    warnings,
    operator,
    methods: result.flatMap(({ servers }) => servers.map((s) => s.method)),
    ports: result.map(({ listen }) => listen.port),
    datagrams: dns !== undefined || result.some(hasUdp),
    result: (world) => [
      ...result.map((options) => planLocal(options, world)),
      ...dns === undefined ? [] : [planDns(dns, result[0]!, world)],
    ],
  }, host);
}

/** Runs `ss-server` until a signal. */
export async function runServer(args: Arguments, host: Host): Promise<void> {
  const { result, warnings, operator } = configureServer(args, readText);
  await run(args, {
    warnings,
    operator,
    methods: result.map(({ method }) => method),
    ports: result.map(({ listen }) => listen.port),
    datagrams: result.some(hasUdp),
    workersCaveat: "each worker remembers salts and counts users by itself: " +
      "a recorded request can be served once by each",
    result: (world) => result.map((options) => planServer(options, world)),
  }, host);
}

/** Services of a configuration, and what they will need. */
interface Plan
  extends ConfiguredRole<(world: Dependencies) => PlannedService[]> {
  readonly methods: readonly Method[];
  readonly ports: readonly number[];
  /** Whether UDP is served. */
  readonly datagrams: boolean;
  /** What the operator should know who asks for several workers. */
  readonly workersCaveat?: string;
}

async function run(
  args: Arguments,
  planned: Plan,
  host: Host,
): Promise<void> {
  const format = planned.operator.logFormat ?? "text";
  const graceMs = option(
    args,
    "grace",
    (text) => readSeconds(text, 0),
    "seconds, 0 or more",
  ) ?? GRACE_MS;
  const { worker } = host;
  const logger = withWorker(
    createLogger(
      (line) => process.stderr.write(line),
      Date.now,
      {
        format,
        level: args.has("verbose") ? "debug" : "info",
        colour: process.stderr.isTTY === true,
      },
    ),
    worker,
  );
  const workers = option(args, "workers", readWorkers, "a number, or auto") ??
    1;
  if (worker === undefined) {
    for (const warning of [...args.warnings, ...planned.warnings]) {
      logger.log("warn", warning);
    }
    if (workers > 1) {
      checkWorkers(planned.ports, planned.datagrams);
      if (planned.workersCaveat) logger.log("warn", planned.workersCaveat);
      const observed = await host.runWorkers(workers, logger);
      if (observed !== undefined) tellTotals(observed, logger);
      return;
    }
  }
  const transport = systemTransport();
  const aeadProvider = chooseProvider(
    option(args, "crypto", readCrypto, CRYPTO_CHOICES.join(", ")) ?? "auto",
    planned.methods,
    logger,
  );
  const observations = new Observations(systemClock);
  const world: Dependencies = {
    transport,
    logger,
    aeadProvider,
    workers,
    replayFilter: sharedReplayFilters(systemClock),
    metrics: observations,
  };
  await runServices(planned.result(world), {
    graceMs,
    host,
    logger,
    withFields: format === "json",
  });
  host.stopped(observations.snapshot);
  if (worker === undefined) tellTotals(observations.snapshot, logger);
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

function planLocal(
  options: LocalOptions,
  world: Dependencies,
): PlannedService {
  const { listen, servers, users = [], protocol = "mixed" } = options;
  const spoken = describeProtocol(protocol, users.length > 0);
  const role = typeof protocol === "string" ? "ss-local" : "ss-tunnel";
  const methods = new Set(servers.map((server) => server.method.name));
  const names = servers.map(({ endpoint, method }) =>
    formatAddress(endpoint) + (methods.size > 1 ? ` (${method.name})` : "")
  );
  const method = [...methods].join(", ");
  return {
    listen,
    portOption: "-l",
    start: () => startLocal(options, world),
    describe: (address) => ({
      message: `${role} listening on ${address}, ${spoken}` +
        `, server ${names.join(" or ")}, method ${method}, ` +
        `${TRAFFIC[options.mode ?? "tcp_only"]}runtime ${runtimeName()}`,
      fields: {
        role,
        address,
        protocol: spoken,
        server: names.join(" "),
        method,
        mode: options.mode ?? "tcp_only",
        runtime: runtimeName(),
      },
    }),
  };
}

function planServer(
  options: ServerOptions,
  world: Dependencies,
): PlannedService {
  const { mode = "tcp_only", method: { name: method }, users } = options;
  return {
    listen: options.listen,
    portOption: "-p",
    start: () => startServer(options, world),
    describe: (address) => ({
      message: `ss-server listening on ${address}, method ${method}, ` +
        (users === undefined ? "" : `${users.length} users, `) +
        `${TRAFFIC[mode]}runtime ${runtimeName()}`,
      fields: {
        role: "ss-server",
        address,
        method,
        mode,
        runtime: runtimeName(),
      },
    }),
  };
}

/** Tells in each line which worker it is about. */
function withWorker(logger: Logger, worker: number | undefined): Logger {
  if (worker === undefined) return logger;
  return {
    enabled: (level) => logger.enabled(level),
    log: (level, message, fields) =>
      logger.log(level, message, { ...fields, worker }),
  };
}

function readWorkers(text: string): number | undefined {
  return text === "auto" ? availableParallelism() : readInteger(text, 1);
}

/** @throws {ConfigError} Where workers cannot share a port. */
function checkWorkers(ports: readonly number[], datagrams: boolean): void {
  if (datagrams) {
    throw new ConfigError(
      "ERR_CONFIG_USAGE",
      "--workers cannot share a UDP port, the runtimes offer no way to: leave " +
        "it out, or run -U and --dns-listen in a process of their own",
    );
  }
  if (process.platform !== "linux") {
    throw new ConfigError(
      "ERR_CONFIG_USAGE",
      "--workers needs SO_REUSEPORT as Linux has it; leave it out here",
    );
  }
  if (ports.includes(0)) {
    throw new ConfigError(
      "ERR_CONFIG_USAGE",
      "--workers cannot share a port that the system chooses; give one",
    );
  }
}

function readCrypto(text: string): string | undefined {
  return CRYPTO_CHOICES.includes(text) ? text : undefined;
}

/** The DNS inbound asks the first server of the first local. */
function planDns(
  { listen, resolver }: DnsSettings,
  { servers: [server], udpTimeoutMs, maxFlows }: LocalOptions,
  world: Dependencies,
): PlannedService {
  const asked = formatAddress(resolver);
  return {
    listen,
    portOption: "--dns-listen",
    start: () =>
      startDns({
        listen,
        resolver,
        server: server!,
        messages: dnsMessages,
        ...(udpTimeoutMs && { udpTimeoutMs }),
        ...(maxFlows && { maxFlows }),
      }, world),
    describe: (address) => ({
      message: `DNS listening on ${address}, UDP and TCP, asks ${asked} ` +
        `through ${formatAddress(server!.endpoint)}`,
      fields: { role: "dns", address, resolver: asked },
    }),
  };
}

function hasUdp({ mode = "tcp_only" }: { readonly mode?: Mode }): boolean {
  return mode !== "tcp_only";
}

/** What the start line says of the mode; TCP goes without saying. */
const TRAFFIC: Readonly<Record<Mode, string>> = {
  "tcp_only": "",
  "udp_only": "UDP only, ",
  "tcp_and_udp": "TCP and UDP, ",
};
