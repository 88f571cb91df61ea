/**
 * Chooses the way of each request by rules.
 *
 * A name is resolved on this machine only where a rule needs its addresses and
 * the routes allow it. A connection waits for that; a datagram that would have
 * to wait is dropped, and the next one finds the answer.
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

/** Rules of a local. */
export interface LocalRoutes extends NamedGroups {
  /** Decides. */
  readonly table: RouteTable;
  /**
   * `local`: names are resolved on this machine where a rule compares
   * addresses. `remote`: `resolver` is asked then, through a server. `never`:
   * rules on addresses hold for targets that are addresses.
   */
  readonly resolve: "never" | "local" | "remote";
  /**
   * True to refuse a look-up on this machine, as if it had failed. Default:
   * false.
   */
  readonly leakGuard?: boolean | undefined;
  /** The resolver; set where names are resolved by `remote`. */
  readonly resolver?: DnsResolver | undefined;
  /** The sources of the table, for the operator; default: none are named. */
  readonly lists?: readonly RuleListFacts[] | undefined;
}

/** Ways by what a route calls them; `block` is none. */
export type RouteWays = ReadonlyMap<string, Outbound>;

/** Applies rules; other rules are another router. */
export class RuleRouter implements Router {
  readonly #routes: LocalRoutes;
  readonly #ways: RouteWays;
  readonly #inbound: string;
  readonly #world: Required<Dependencies>;
  readonly #names: NameCache;
  readonly #remote: RemoteNames | undefined;
  readonly #known: TargetNames | undefined;

  /**
   * @param ways What routes may name; `proxy` is among them.
   * @param inbound `host:port` of the listener, for rules that name it.
   * @param known Knows the names of addresses; default: none is known.
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

  /** Looks names up no more. Idempotent. */
  stop(): void {
    this.#remote?.stop();
  }

  /**
   * See {@link Router.choose}.
   *
   * @throws {PolicyError} `ERR_ROUTE_BLOCKED`.
   * @throws {TransportError} `ERR_NET_NAME_TEMPORARY` for a datagram whose name
   * is being resolved.
   */
  choose(request: RouteRequest): Outbound {
    // What only a server can serve is no target.
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
    // The answer stays in the cache, where the next datagram finds it; so does
    // a failure.
    this.#names.resolve(name!, this.#looks).catch((error) => {
      if (!(error instanceof UmbraError)) {
        tellDefect(error, "resolving for a rule", this.#world);
      }
    });
    throw new TransportError(
      "ERR_NET_NAME_TEMPORARY",
      `Cannot send to ${name} yet: a rule needs its addresses`,
    );
  }

  /** Ignores look-ups: those through a server are not shown here. */
  readonly #looks = (): void => {
    if (this.#remote === undefined) this.#world.metrics.lookedUp("route");
  };

  #late(request: RouteRequest, addresses: readonly Uint8Array[]): Outbound {
    const question = questionOf(request, this.#inbound);
    // It has the addresses, so there is nothing left to ask for.
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

  /** None when the look-up fails: then no rule on addresses holds. */
  async #resolve(name: string, signal: AbortSignal): Promise<Uint8Array[]> {
    using deadline = new Deadline(this.#world.clock, {
      delayMs: ROUTE_LOOKUP_TIMEOUT_MS,
      code: "ERR_NET_TIMEOUT",
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

/** @throws {RangeError} When there is no resolver. */
function remoteNames(
  { resolve, resolver }: LocalRoutes,
  outbound: Outbound,
  world: Required<Dependencies>,
): RemoteNames | undefined {
  if (resolve !== "remote") return undefined;
  if (resolver === undefined) throw new RangeError("No resolver for routes");
  return new RemoteNames(resolver, outbound, world);
}

/**
 * What a request asks of routes.
 *
 * @param names The names behind addresses.
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

/** The error where a rule blocks a target. */
export function blocked(
  target: Address,
  decision: RouteDecision,
): PolicyError {
  return new PolicyError(
    "ERR_ROUTE_BLOCKED",
    `Cannot reach ${formatAddress(target)}: ${explainDecision(decision)}`,
  );
}

/** The parts of a late decision. */
interface Pending {
  resolve(signal: AbortSignal): Promise<Uint8Array[]>;
  choose(addresses: readonly Uint8Array[]): Outbound;
}

/** A way of a stream that is known once a name is resolved. */
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
