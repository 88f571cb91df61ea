/**
 * The commands `local` and `server`: configuration → running services.
 *
 * @module
 */
import process from "node:process";
import { systemTransport } from "../adapters/runtime.ts";
import { formatAddress } from "../codec/address.ts";
import type { Method } from "../crypto/method.ts";
import { GRACE_MS } from "../limits.ts";
import { describeProtocol } from "../service/inbound_protocols.ts";
import { type LocalOptions, startLocal } from "../service/local.ts";
import { type ServerOptions, startServer } from "../service/server.ts";
import type { Dependencies } from "../service/service.ts";
import type { Arguments } from "./args.ts";
import { CRYPTO_CHOICES } from "./commands.ts";
import {
  type Configured,
  configureLocal,
  configureServer,
  configureTunnel,
} from "./config.ts";
import { chooseProvider } from "./crypto.ts";
import { createLogger, type LogFormat } from "./log.ts";
import { readText } from "./output.ts";
import { type PlannedService, runServices } from "./run.ts";
import { option } from "./server_settings.ts";
import { readSeconds } from "./values.ts";
import { runtimeName } from "./version.ts";

/** Runs `ss-local` until a signal. */
export async function runLocal(args: Arguments): Promise<void> {
  await runLocals(args, configureLocal(args, readText));
}

/** Runs `ss-tunnel` until a signal. */
export async function runTunnel(args: Arguments): Promise<void> {
  await runLocals(args, configureTunnel(args, readText));
}

async function runLocals(
  args: Arguments,
  { result, warnings }: Configured<LocalOptions[]>,
): Promise<void> {
  await run(args, {
    warnings,
    methods: result.flatMap(({ servers }) => servers.map((s) => s.method)),
    result: (world) => result.map((options) => planLocal(options, world)),
  });
}

/** Runs `ss-server` until a signal. */
export async function runServer(args: Arguments): Promise<void> {
  const { result, warnings } = configureServer(args, readText);
  await run(args, {
    warnings,
    methods: result.map(({ method }) => method),
    result: (world) => result.map((options) => planServer(options, world)),
  });
}

/** Services of a configuration, and what they will need. */
interface Plan extends Configured<(world: Dependencies) => PlannedService[]> {
  readonly methods: readonly Method[];
}

async function run(args: Arguments, planned: Plan): Promise<void> {
  const format = option(args, "log-format", readFormat, "text or json") ??
    "text";
  const graceMs = option(
    args,
    "grace",
    (text) => readSeconds(text, 0),
    "seconds, 0 or more",
  ) ?? GRACE_MS;
  const logger = createLogger(
    (line) => process.stderr.write(line),
    Date.now,
    {
      format,
      level: args.has("verbose") ? "debug" : "info",
      colour: process.stderr.isTTY === true,
    },
  );
  for (const warning of [...args.warnings, ...planned.warnings]) {
    logger.log("warn", warning);
  }
  const transport = systemTransport();
  const aeadProvider = chooseProvider(
    option(args, "crypto", readCrypto, CRYPTO_CHOICES.join(", ")) ?? "auto",
    planned.methods,
    logger,
  );
  const world = { transport, logger, aeadProvider };
  await runServices(planned.result(world), {
    graceMs,
    logger,
    withFields: format === "json",
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
        `runtime ${runtimeName()}`,
      fields: {
        role,
        address,
        protocol: spoken,
        server: names.join(" "),
        method,
        runtime: runtimeName(),
      },
    }),
  };
}

function planServer(
  options: ServerOptions,
  world: Dependencies,
): PlannedService {
  const method = options.method.name;
  return {
    listen: options.listen,
    portOption: "-p",
    start: () => startServer(options, world),
    describe: (address) => ({
      message: `ss-server listening on ${address}, method ${method}, ` +
        `runtime ${runtimeName()}`,
      fields: { role: "ss-server", address, method, runtime: runtimeName() },
    }),
  };
}

function readCrypto(text: string): string | undefined {
  return CRYPTO_CHOICES.includes(text) ? text : undefined;
}

function readFormat(text: string): LogFormat | undefined {
  return text === "text" || text === "json" ? text : undefined;
}
