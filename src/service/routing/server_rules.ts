/**
 * An ACL of a server: the targets that clients may reach, and the clients that
 * it serves. It only adds restrictions to the target policy.
 *
 * @module
 */
import { routeAddress } from "../../routes/match/target_set.ts";
import type { RouteQuestion } from "../../routes/question.ts";
import { explainDecision, type RouteTable } from "../../routes/route_table.ts";
import type { TargetPolicy } from "../../security/target_policy.ts";
import { Direct } from "../outbound/direct.ts";
import type { Outbound, Router, RouteRequest } from "../outbound/outbound.ts";
import type { Dependencies } from "../service.ts";
import { blocked, questionOf } from "./rule_router.ts";

/** The rules of a server. */
export interface ServerRoutes {
  /** Decides `direct` or `block` for each target. */
  readonly targets: RouteTable;
  /** Decides about clients by their addresses, as if they were targets. */
  readonly clients: RouteTable;
}

/** Applies the rules about targets. */
export class ServerRules implements Router {
  readonly #table: RouteTable;
  /**
   * The outbound for names that a rule allows: only a rule that blocks an
   * address counts.
   */
  readonly #allowed: Outbound;
  /** The outbound for all other targets: the address must be allowed. */
  readonly #judged: Outbound;

  /**
   * @param policy The policy for targets.
   * @param connectTimeoutMs Milliseconds to resolve and connect.
   */
  constructor(
    { targets }: ServerRoutes,
    policy: TargetPolicy,
    connectTimeoutMs: number,
    world: Required<Dependencies>,
  ) {
    this.#table = targets;
    const direct = (name: string, byRule: boolean): Direct =>
      new Direct({
        name,
        policy: (ip) => policy(ip) ?? this.#blocks(ip, byRule),
        connectTimeoutMs,
      }, world);
    this.#allowed = direct("direct, by a rule", true);
    this.#judged = direct("direct", false);
  }

  /** See {@link Router.choose}. */
  choose(request: RouteRequest): Outbound {
    const question = questionOf(request);
    if (question.name === undefined) return this.#judged;
    const decision = this.#table.decide({ ...question, addresses: [] })!;
    if (decision.hit === undefined) return this.#judged;
    if (decision.to === "block") throw blocked(request.target, decision);
    return this.#allowed;
  }

  /** @param byRule True if only rules count, and not the default. */
  #blocks(ip: string, byRule: boolean): string | undefined {
    const decision = this.#table.decide(aboutAddress(ip))!;
    const isBlocked = decision.to === "block" &&
      (!byRule || decision.hit !== undefined);
    return isBlocked ? `blocked by ${explainDecision(decision)}` : undefined;
  }
}

/** True if a server refuses the client with this address. */
export function isClientBlocked(
  { clients }: ServerRoutes,
  ip: string,
): boolean {
  return clients.decide(aboutAddress(ip))!.to === "block";
}

function aboutAddress(ip: string): RouteQuestion {
  const address = routeAddress(ip);
  return {
    addresses: address === undefined ? [] : [address],
    port: 0,
    network: "tcp",
  };
}
