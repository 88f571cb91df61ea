/**
 * Chooses the way of each request by rules.
 *
 * A name is resolved on this machine only if a rule needs its addresses and the
 * routes allow it. A connection waits for the answer. A datagram is dropped,
 * and the next one finds the answer in the cache.
 *
 * @module
 */
import { abortable, Deadline } from "../../clock.ts";
import { type Address, formatAddress } from "../../codec/address.ts";
import { tellDefect } from "../../defect.ts";
import { isBindTarget } from "../../codec/bind_request.ts";
import { PolicyError, TransportError, UmbraError } from "../../errors.ts";
import { ROUTE_LOOKUP_TIMEOUT_MS } from "../../limits.ts";
import { routeAddress } from "../../routes/match/target_set.ts";
import { questionName } from "../../routes/names.ts";
import type { RouteQuestion } from "../../routes/question.ts";
import type { RuleListFacts } from "../../routes/rule_list.ts";
import {
  explainDecision,
  type RouteDecision,
  type RouteTable,
} from "../../routes/route_table.ts";
import type { Channel } from "../../streams/channel.ts";
import type { DnsResolver } from "../dns/dns_resolver.ts";
import { RemoteNames } from "../dns/remote_names.ts";
import type { Outbound, Router, RouteRequest } from "../outbound/outbound.ts";
import type { NamedGroups } from "../outbound/servers/parts.ts";
import type { Dependencies } from "../service.ts";
import { NameCache } from "../udp/name_cache.ts";
import type { TargetNames } from "./target_names.ts";

/** The routes of a local. */
export interface LocalRoutes extends NamedGroups {
  /** Decides by rules. */
  readonly table: RouteTable;
  /**
   * How names are resolved if a rule compares addresses. `local`: on this
   * machine. `remote`: by `resolver`, through a server. `never`: such rules
   * apply only to targets that are addresses.
   */
  readonly resolve: "never" | "local" | "remote";
  /** True to treat each look-up on this machine as failed. Default: false. */
  readonly leakGuard?: boolean | undefined;
  /** The resolver; set if `resolve` is `remote`. */
  readonly resolver?: DnsResolver | undefined;
  /** The lists of the table, for the operator; default: not shown. */
  readonly lists?: readonly RuleListFacts[] | undefined;
}

/** Outbounds by the names in routes, without `block`. */
export type RouteWays = ReadonlyMap<string, Outbound>;

/** Applies rules. Changed rules need a new router. */
export class RuleRouter implements Router {
  readonly #routes: LocalRoutes;
  readonly #ways: RouteWays;
  readonly #inbound: string;
  readonly #world: Required<Dependencies>;
  readonly #names: NameCache;
  readonly #remote: RemoteNames | undefined;
  readonly #known: TargetNames | undefined;

  /**
   * @param ways The outbounds for all names in routes; `proxy` is included.
   * @param inbound `host:port` of the listener, for rules on inbounds.
   * @param known The names of addresses; default: none are known.
   */
  constructor(
    routes: LocalRoutes,
    ways: RouteWays,
    inbound: string,
    world: Required<Dependencies>,
    known?: TargetNames,
  ) {
    this.#known = known;
    this.#routes = routes;
    this.#ways = ways;
    this.#inbound = inbound;
    this.#world = world;
    this.#remote = remoteNames(routes, ways.get("proxy")!, world);
    this.#names = new NameCache({
      clock: world.clock,
      transport: this.#remote ?? world.transport,
    });
  }

  /** Stops name look-ups. Idempotent. */
  stop(): void {
    this.#remote?.stop();
  }

  /**
   * See {@link Router.choose}.
   *
   * @throws {PolicyError} `ERR_ROUTE_BLOCKED`.
   * @throws {TransportError} `ERR_NET_NAME_TEMPORARY` for a datagram whose name
   * is not resolved yet.
   */
  choose(request: RouteRequest): Outbound {
    // BIND and similar requests have no target that rules could match.
    if (isBindTarget(request.target)) return this.#ways.get("proxy")!;
    const question = questionOf(request, this.#inbound, this.#known);
    const { name, addresses } = question;
    const { table, resolve, leakGuard } = this.#routes;
    const decision = table.decide({
      ...question,
      ...addresses === undefined && resolve === "never" && { addresses: [] },
    });
    if (decision !== undefined) return this.#way(decision, request);
    if (resolve === "local" && leakGuard) {
      this.#world.metrics.lookedUp("refused");
      return this.#late(request, []);
    }
    const known = this.#names.known(name!);
    if (known !== undefined) return this.#late(request, bytesOf(known));
    if (request.network === "tcp") {
      return new LateOutbound({
        resolve: (signal) => this.#resolve(name!, signal),
        choose: (addresses) => this.#late(request, addresses),
      });
    }
    // The result, or the failure, stays in the cache for the next datagram.
    this.#names.resolve(name!, this.#looks).catch((error) => {
      if (!(error instanceof UmbraError)) {
        tellDefect(error, "resolving for a rule", this.#world);
      }
    });
    throw new TransportError(
      "ERR_NET_NAME_TEMPORARY",
      `Cannot send to ${name} yet: a rule waits for its addresses`,
    );
  }

  /**
   * Reports a look-up by this machine; those through a server are not counted.
   */
  readonly #looks = (): void => {
    if (this.#remote === undefined) this.#world.metrics.lookedUp("route");
  };

  #late(request: RouteRequest, addresses: readonly Uint8Array[]): Outbound {
    const question = questionOf(request, this.#inbound);
    // With addresses, the table always decides.
    const decision = this.#routes.table.decide({ ...question, addresses })!;
    return this.#way(decision, request);
  }

  #way(
    decision: RouteDecision,
    { target, network, report }: RouteRequest,
  ): Outbound {
    this.#world.metrics.routed(decision.to, network);
    if (report !== undefined) report.route = decision;
    if (decision.to === "block") throw blocked(target, decision);
    const way = this.#ways.get(decision.to);
    if (way !== undefined) return way;
    throw new RangeError(`No outbound is called ${decision.to}`);
  }

  /**
   * Returns no addresses if the look-up fails, so that no rule on addresses
   * matches.
   */
  async #resolve(name: string, signal: AbortSignal): Promise<Uint8Array[]> {
    using deadline = new Deadline(this.#world.clock, {
      delayMs: ROUTE_LOOKUP_TIMEOUT_MS,
      parent: signal,
    });
    try {
      return bytesOf(
        await abortable(
          this.#names.resolve(name, this.#looks),
          deadline.signal,
        ),
      );
    } catch (error) {
      if (signal.aborted) throw signal.reason;
      if (!(error instanceof UmbraError)) throw error;
      return [];
    }
  }
}

/** @throws {RangeError} If the resolver is not set. */
function remoteNames(
  { resolve, resolver }: LocalRoutes,
  outbound: Outbound,
  world: Required<Dependencies>,
): RemoteNames | undefined {
  if (resolve !== "remote") return undefined;
  if (resolver === undefined) {
    throw new RangeError(
      "Cannot resolve names for routes: there is no resolver",
    );
  }
  return new RemoteNames(resolver, outbound, world);
}

/**
 * Returns what rules compare of a request.
 *
 * @param names The names of addresses.
 */
export function questionOf(
  { target: { host, port }, name, user, source, network }: RouteRequest,
  inbound?: string,
  names?: TargetNames,
): RouteQuestion {
  const address = routeAddress(host);
  return {
    ...address
      ? addressTarget(address, name ?? names?.nameOf(address))
      : { name: questionName(host) },
    port,
    network,
    user,
    inbound,
    source: source === undefined ? undefined : routeAddress(source),
  };
}

function addressTarget(
  address: Uint8Array,
  name: string | undefined,
): Pick<RouteQuestion, "addresses" | "name" | "isAddress"> {
  const addresses = [address];
  if (name === undefined) return { addresses };
  return { addresses, name: questionName(name), isAddress: true };
}

/** Returns the error for a target that a rule blocks. */
export function blocked(
  target: Address,
  decision: RouteDecision,
): PolicyError {
  return new PolicyError(
    "ERR_ROUTE_BLOCKED",
    `Cannot reach ${formatAddress(target)}: ${explainDecision(decision)}`,
  );
}

/** The parts of a decision that waits for a look-up. */
interface Pending {
  resolve(signal: AbortSignal): Promise<Uint8Array[]>;
  choose(addresses: readonly Uint8Array[]): Outbound;
}

/** The outbound of a stream whose route depends on a pending look-up. */
class LateOutbound implements Outbound {
  readonly name = "late";
  readonly #pending: Pending;

  constructor(pending: Pending) {
    this.#pending = pending;
  }

  async open(
    target: Address,
    first: Uint8Array,
    signal: AbortSignal,
  ): Promise<Channel> {
    const addresses = await this.#pending.resolve(signal);
    return await this.#pending.choose(addresses).open(target, first, signal);
  }

  packets(): never {
    throw new RangeError("Datagrams do not wait for a decision");
  }
}

function bytesOf(ips: readonly string[]): Uint8Array[] {
  return ips.flatMap((ip) => routeAddress(ip) ?? []);
}
