/**
 * The world services run in, made for this process: transport, ciphers,
 * memory of salts, counters.
 *
 * @module
 */
import { secureStream } from "../../adapters/net/secure_stream.ts";
import {
  chooseTransport,
  receiveBufferWarning,
} from "../../adapters/net/choose.ts";
import { preferIpv6 } from "../../adapters/net/prefer_ipv6.ts";
import { systemPrograms } from "../../adapters/system/programs.ts";
import { Observations } from "../../admin/observations.ts";
import { RecentRequests } from "../../admin/recent_requests.ts";
import { systemClock } from "../../clock.ts";
import type { Logger } from "../../observe.ts";
import { sharedReplayFilters } from "../../security/replay_filter.ts";
import type { Dependencies } from "../../service/service.ts";
import type { OperatorSettings } from "../config/operator_settings.ts";
import {
  checkOutbound,
  type OutboundTraffic,
} from "../config/outbound_settings.ts";
import { socketOptionsOf, trySockets } from "../config/socket_settings.ts";
import type { LogPrivacy } from "../log/log_privacy.ts";
import { ProvidersInUse } from "../tools/crypto.ts";
import type { Host } from "./host.ts";

/** What the world is made for. */
export interface WorldOptions {
  /** Outbound addresses, and whether others share the ports. */
  readonly operator: OperatorSettings;
  /** What is going to leave this host. */
  readonly traffic: OutboundTraffic;
  /** Threads that share the ports. */
  readonly workers: number;
  /** Told what happens. */
  readonly logger: Logger;
}

/** The world, and the parts of it that the program itself looks at. */
export interface SystemWorld {
  /** For services. */
  readonly world: Dependencies;
  /** What services have told. */
  readonly observations: Observations;
  /** What a local was asked for; not set where the log may not tell targets. */
  readonly requests: RecentRequests | undefined;
  /** Who computes ciphers; serves no method until asked to. */
  readonly providers: ProvidersInUse;
}

/**
 * Makes the world.
 *
 * @throws {ConfigError} For an outbound address that this host or runtime
 * cannot send from.
 */
export async function systemWorld(
  host: Host,
  { operator, traffic, workers, logger }: WorldOptions,
): Promise<SystemWorld> {
  const { outbound, logConnections, reusePort, crypto } = operator;
  const { transport, warnings } = await chooseTransport(
    operator.transport,
    outbound,
    socketOptionsOf(operator),
  );
  const lossWarning = traffic.datagrams
    ? await receiveBufferWarning(transport)
    : undefined;
  // Of several workers the program itself has said it once.
  if (host.worker === undefined) {
    for (const warning of warnings) logger.log("warn", warning);
    if (lossWarning !== undefined) logger.log("warn", lossWarning);
  }
  const providers = new ProvidersInUse(crypto, logger);
  await trySockets(transport, operator, warnings);
  if (outbound !== undefined) {
    // From an interface of another network this host does not reach itself.
    const streams = traffic.streams && operator.interfaceName === undefined;
    await checkOutbound(transport, outbound, { ...traffic, streams });
  }
  const requests = rememberedRequests(operator.logPrivacy);
  const observations = new Observations(
    systemClock,
    () => transport.lostDatagrams(),
    requests,
  );
  const world: Dependencies = {
    transport: operator.ipv6First ? preferIpv6(transport) : transport,
    programs: systemPrograms,
    logger,
    connectionLevel: logConnections ? "info" : "debug",
    ...providers.choice,
    workers,
    sharePorts: workers > 1 || reusePort,
    replayFilter: sharedReplayFilters(systemClock, host.salts),
    secure: secureStream,
    metrics: observations,
  };
  return { world, observations, requests, providers };
}

/** Who keeps targets out of the log wants them remembered nowhere. */
export function rememberedRequests(
  privacy: LogPrivacy,
): RecentRequests | undefined {
  return privacy === "full" ? new RecentRequests() : undefined;
}
