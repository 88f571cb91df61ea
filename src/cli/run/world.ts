/**
 * The dependencies of services in this process: transport, ciphers, memory of
 * salts, counters.
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

/** The settings of a world. */
export interface WorldOptions {
  /** The settings of the program, for source addresses and shared ports. */
  readonly operator: OperatorSettings;
  /** The kinds of traffic that will leave this host. */
  readonly traffic: OutboundTraffic;
  /** Number of threads that share the ports. */
  readonly workers: number;
  /** Logs what happens. */
  readonly logger: Logger;
}

/** The dependencies of services, and those that the program uses itself. */
export interface SystemWorld {
  /** The dependencies of services. */
  readonly world: Dependencies;
  /** The counts of services. */
  readonly observations: Observations;
  /** The requests to a local; not set if the log must not show targets. */
  readonly requests: RecentRequests | undefined;
  /** The providers of ciphers; none serves a method before it is prepared. */
  readonly providers: ProvidersInUse;
}

/**
 * Makes the world.
 *
 * @throws {ConfigError} If this host or runtime cannot send from an outbound
 * address.
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
  // With several workers the program has logged the warnings once.
  if (host.worker === undefined) {
    for (const warning of warnings) logger.log("warn", warning);
    if (lossWarning !== undefined) logger.log("warn", lossWarning);
  }
  const providers = new ProvidersInUse(crypto, logger);
  await trySockets(transport, operator, warnings);
  if (outbound !== undefined) {
    // Through an interface to another network this host cannot reach itself.
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

/** Returns no memory of requests if targets are hidden in the log. */
export function rememberedRequests(
  privacy: LogPrivacy,
): RecentRequests | undefined {
  return privacy === "full" ? new RecentRequests() : undefined;
}
